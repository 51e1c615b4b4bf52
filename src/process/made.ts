import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
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

/** A source that was read. */
interface Source {
  readonly sha256: string;
  /** While this stays, so does its content; empty where that is not certain. */
  readonly seal: string;
}

/** What was made, from what. */
interface Manifest {
  readonly how: string;
  /** By path from the root: a checkout may be copied with all that it has made. */
  readonly sources: Readonly<Record<string, Source>>;
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
  if (kept && kept.how === how && existsSync(join(cache, kept.folder))) {
    if (isUntouched(kept, root)) return join(cache, kept.folder);
    const again = sealedAgain(kept, root);
    if (again) {
      // where it cannot be kept, the sources are read again each time
      tryTo(() => writeWhole(manifest, JSON.stringify(again)));
      return join(cache, kept.folder);
    }
  }
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
    const sources = Object.fromEntries(paths.map((path) => [relative(root, path), sourceAt(path, started)]));
    const contents = Object.entries(sources).map(([path, { sha256 }]) => [path, sha256]);
    const folder = createHash('sha256')
      .update(JSON.stringify([name, how, contents]))
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

const tryTo = (act: () => void): void => {
  try {
    act();
  } catch {
    // it was worth a try
  }
};

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Inode, size and time of the last change of a file: nothing can be written to it without another ctime, which nobody can set. */
const seal = ({ ino, size, ctimeMs }: Stats): string => `${ino} ${size} ${ctimeMs}`;

/**
 * A source as it is read now. The seal is of before: what is written meanwhile gives another one. A file that was changed after
 * `moment` has none: what is written to it next may have the same time.
 */
function sourceAt(path: string, moment: number): Source {
  const before = statSync(path);
  return { sha256: hashOf(path), seal: before.ctimeMs < moment ? seal(before) : '' };
}

function readManifest(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

/** 300 seals take 3 ms, to read as many files 15 ms. */
function isUntouched({ sources }: Manifest, root: string): boolean {
  try {
    return Object.entries(sources).every(([path, source]) => seal(statSync(join(root, path))) === source.seal);
  } catch {
    return false;
  }
}

/** The same with the seals that the sources have now; undefined where their content is another. */
function sealedAgain(kept: Manifest, root: string): Manifest | undefined {
  const started = Date.now() - tickMs;
  try {
    const now = Object.keys(kept.sources).map((path) => [path, sourceAt(join(root, path), started)] as const);
    const isSame = now.every(([path, { sha256 }]) => sha256 === kept.sources[path]?.sha256);
    return isSame ? { ...kept, sources: Object.fromEntries(now) } : undefined;
  } catch {
    return undefined;
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
