import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { LingerlabError, messageOf } from '../errors.ts';
import { packageRoot } from '../record/tool.ts';

/** Where a checkout keeps what is made from its sources, below its root. */
const usualCache = join('node_modules', '.cache', 'lingerlab');

/** A run may still start what was made for it from sources that have changed since. */
const keptMs = 7 * 24 * 3600 * 1000;
/** A file that was written at the same moment has a time of up to one tick of the kernel's clock before it. */
const tickMs = 20;

/** What was made, from what. */
interface Manifest {
  readonly how: string;
  /** sha256 by path from the root: a checkout may be copied with all that it has made. */
  readonly sources: Readonly<Record<string, string>>;
  /** Below the cache. */
  readonly folder: string;
}

export interface Making {
  readonly name: string;
  /** Changes where the same sources would make something else. */
  readonly how: string;
  /** Puts what it makes into an empty folder; returns the paths of all the sources that went into it. */
  readonly make: (folder: string) => readonly string[];
  /** What paths of sources are kept from; default: the checkout. */
  readonly root?: string;
}

/**
 * The folder with what is made from sources: as it is kept where none of them has changed, else made again. Two processes
 * may make it at once. Throws NOT_MADE.
 */
export function made({ name, how, make, root = packageRoot() }: Making): string {
  const cache = join(root, usualCache);
  const manifest = join(cache, `${name.replaceAll('/', '-')}.json`);
  const kept = readManifest(manifest);
  if (kept && kept.how === how && isFresh(kept, root, cache)) return join(cache, kept.folder);
  try {
    mkdirSync(cache, { recursive: true });
    const fresh = makeIn(root, cache, { name, how, make });
    // what was written while it was read: which of the two it was nobody knows, so the next to start makes it again
    if (fresh.certain) writeWhole(manifest, JSON.stringify(fresh.manifest));
    return join(cache, fresh.manifest.folder);
  } catch (cause) {
    throw new LingerlabError(
      'NOT_MADE',
      `cannot make ${name} from its sources in ${cache}: ${stripVTControlCharacters(messageOf(cause))}`,
      isFileSystem(cause)
        ? 'run `lingerlab doctor` once as a user who may write there, or use the packed program'
        : 'correct the sources; `make` installs what they are made with',
      { cause },
    );
  }
}

const isFileSystem = (error: unknown): boolean => (error as NodeJS.ErrnoException).path !== undefined;

interface Fresh {
  readonly manifest: Manifest;
  readonly certain: boolean;
}

function makeIn(root: string, cache: string, { name, how, make }: Making): Fresh {
  const started = Date.now() - tickMs;
  const making = mkdtempSync(join(cache, 'making-'));
  try {
    const paths = make(making);
    const sources = Object.fromEntries(paths.map((path) => [relative(root, path), hashOf(path)]));
    const folder = createHash('sha256')
      .update(JSON.stringify([name, how, sources]))
      .digest('hex')
      .slice(0, 16);
    // mkdtemp(3) lets nobody else read; peers may run as other users
    chmodSync(making, 0o755);
    place(making, join(cache, folder));
    removeOld(cache, folder);
    return { manifest: { how, sources, folder }, certain: paths.every((path) => statSync(path).mtimeMs < started) };
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** Where another has put the same there first, that one stays: it may be at work already. */
function place(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!/^(EEXIST|ENOTEMPTY)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function writeWhole(path: string, text: string): void {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, text);
  renameSync(part, path);
}

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

function readManifest(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

function isFresh({ sources, folder }: Manifest, root: string, cache: string): boolean {
  try {
    return (
      statSync(join(cache, folder)).isDirectory() &&
      Object.entries(sources).every(([path, hash]) => hashOf(join(root, path)) === hash)
    );
  } catch {
    return false;
  }
}

/** Remove folders that nothing has led to for long. */
function removeOld(cache: string, current: string): void {
  const entries = readdirSync(cache, { withFileTypes: true });
  const manifests = entries
    .filter(({ name }) => name.endsWith('.json'))
    .map(({ name }) => readManifest(join(cache, name)));
  const needed = new Set([current, ...manifests.map((manifest) => manifest?.folder)]);
  for (const { name } of entries.filter((entry) => isOurs(entry.name) && !needed.has(entry.name))) {
    const { mtimeMs } = statSync(join(cache, name), { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > keptMs) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

const isOurs = (name: string): boolean => /^([0-9a-f]{16}|making-.*)$/.test(name);
