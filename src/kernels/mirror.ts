import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LingerlabError } from '../errors.ts';
import { folderIn, requireSpace } from './cache.ts';
import { type KernelPackage, packagesIn } from './offers.ts';
import { configuration, mirrorsIn, type Refused, refusedIn, sourcesText, suites } from './sources.ts';
import { runSystemTool, type ToolEnd } from './tools.ts';

/** apt with a state of our own: the system's configuration, lists, keys and cache are read only. */
export interface Apt {
  /** Folder of its state. */
  readonly folder: string;
  run(program: 'apt-get' | 'apt-cache' | 'apt-helper', args: readonly string[]): Promise<ToolEnd>;
}

/** What the mirror has. */
export interface Listed {
  readonly packages: readonly KernelPackage[];
  /** Suites of which nothing is known. */
  readonly refused: readonly Refused[];
  /** When the lists were brought up to date. */
  readonly updatedAt: Date;
  /** Why the lists are old ones; absent: they are not. */
  readonly stale?: string;
}

const allSuites: readonly string[] = [...suites.security, ...suites.main];
/** Lists take 4 MB, and as much again while they are replaced. */
const listBytes = 16 * 1024 * 1024;
/** Lists that are younger are not asked for again. */
const freshMs = 3600_000;
/** apt's own helper is in no PATH. */
const helper = '/usr/lib/apt/apt-helper';

const noMirror = (why: string): LingerlabError =>
  new LingerlabError(
    'NO_MIRROR',
    why,
    'add a Debian mirror to /etc/apt/sources.list.d, or name a kernel of your own: --kernel FILE --modules DIR',
  );

/** Opens the state of apt in the cache. Throws NO_TOOL without apt, and NO_MIRROR where the system's apt uses no mirror of Debian. */
export async function openApt(cache: string): Promise<Apt> {
  const targets = await runSystemTool('apt-get', ['indextargets', '--no-release-info', 'Created-By: Packages']);
  const mirrors = mirrorsIn(targets.stdout, (path) => readFileSync(path, 'utf8'));
  if (!mirrors)
    throw noMirror(`this system's apt uses no mirror of Debian${targets.problem && `: ${targets.problem}`}`);
  const folder = folderIn(cache, 'apt');
  for (const each of [['lists', 'partial'], ['cache', 'archives', 'partial'], ['state'], ['log']])
    folderIn(folder, ...each);
  const { stdout: dump, problem } = await runSystemTool('apt-config', ['dump']);
  if (problem !== '') throw noMirror(`apt's configuration cannot be read: ${problem}`);
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(join(folder, 'mirror.sources'), sourcesText(mirrors));
  writeFileSync(join(folder, 'apt.conf'), configuration(dump, folder));
  const env = { APT_CONFIG: join(folder, 'apt.conf') };
  return {
    folder,
    run: (program, args) => runSystemTool(program === 'apt-helper' ? helper : program, args, { env }),
  };
}

/**
 * The kernel packages of the mirror, from lists that are at most an hour old; older ones where the mirror cannot be reached.
 * Throws NO_MIRROR where there are none, MIRROR_REFUSED where no list's signature holds, NO_SPACE.
 */
export async function listPackages(apt: Apt, { update }: { readonly update: boolean }): Promise<Listed> {
  const stamp = join(apt.folder, 'updated');
  const before = statSync(stamp, { throwIfNoEntry: false })?.mtime;
  let refused: readonly Refused[] = [];
  if (update || !before || Date.now() - before.getTime() > freshMs) {
    requireSpace(apt.folder, listBytes, 'the list of packages');
    const { stdout, stderr, problem } = await apt.run('apt-get', ['update', '-q']);
    refused = refusedIn(`${stdout}\n${stderr}`, allSuites);
    if (problem !== '' && refused.length === 0)
      refused = allSuites.map((suite) => ({ suite, problem, isSignature: false }));
    if (refused.length < allSuites.length) writeFileSync(stamp, '');
  }
  // a list whose signature was refused is not used, not even an older one
  const untrusted = new Set(refused.filter(({ isSignature }) => isSignature).map(({ suite }) => suite));
  const packages = (await readLists(apt)).filter(({ suite }) => !untrusted.has(suite));
  if (packages.length === 0) throw nothing(refused);
  const known = new Set(packages.map(({ suite }) => suite));
  const stale = refused.find(({ suite, isSignature }) => !isSignature && known.has(suite))?.problem;
  return {
    packages,
    refused: refused.filter(({ suite }) => !known.has(suite)),
    updatedAt: statSync(stamp, { throwIfNoEntry: false })?.mtime ?? new Date(),
    ...(stale !== undefined && { stale }),
  };
}

async function readLists(apt: Apt): Promise<KernelPackage[]> {
  const { stdout } = await apt.run('apt-get', [
    'indextargets',
    '--format',
    '$(RELEASE) $(FILENAME)',
    'Created-By: Packages',
  ]);
  const lists = stdout.split('\n').flatMap((line) => {
    const [, suite, path] = /^(\S+) (.+)$/.exec(line) ?? [];
    return suite && path ? [{ suite, path }] : [];
  });
  const packages: KernelPackage[] = [];
  for (const { suite, path } of lists) {
    const { stdout: list } = await apt.run('apt-helper', ['cat-file', path]);
    packages.push(...packagesIn(list, suite));
  }
  return packages;
}

function nothing(refused: readonly Refused[]): LingerlabError {
  const bad = refused.find(({ isSignature }) => isSignature);
  if (bad) return signatureRefused(bad);
  return noMirror(`no list of kernels could be had: ${refused[0]?.problem ?? 'the mirror has none'}`);
}

/** The error for a list that is not used. */
export const signatureRefused = ({ suite, problem }: Refused): LingerlabError =>
  new LingerlabError(
    'MIRROR_REFUSED',
    `the signature of ${suite} was refused: ${problem}`,
    "install the keys of Debian's releases (apt-get install debian-archive-keyring); do not use a mirror that changes what it copies",
  );

/** Where a package's file is, and its hash as the signed list has it. Throws DOWNLOAD_FAILED where apt does not know it any more. */
export async function locate(apt: Apt, { name, version }: KernelPackage): Promise<{ uri: string; hash: string }> {
  const { stdout, problem } = await apt.run('apt-get', ['download', '--print-uris', '-q', `${name}=${version}`]);
  const [, uri, hash] = /^'([^']+)' \S+ \d+ (SHA256:[0-9a-f]{64})$/m.exec(stdout) ?? [];
  if (uri && hash) return { uri, hash };
  throw downloadFailed(name, problem || stdout.trim());
}

export const downloadFailed = (name: string, why: string): LingerlabError =>
  new LingerlabError(
    'DOWNLOAD_FAILED',
    `${name} could not be downloaded: ${why}`,
    'run the command again: what was complete is kept',
  );
