import { stanzasOf } from './deb822.ts';

/** A mirror that the system's apt uses, with the keys that its lists are signed with. */
export interface Mirror {
  readonly uri: string;
  /** Value of Signed-By: a keyring's path, or a key; absent: apt's own keyrings. */
  readonly signedBy?: string;
}

/** Debian's mirrors: its archive, and its security archive. */
export interface Mirrors {
  readonly main: Mirror;
  readonly security: Mirror;
}

/** Suites that have kernels other than the system's, oldest first, by the archive that they are in. */
export const suites = {
  security: ['bullseye-security', 'bookworm-security', 'trixie-security'],
  main: ['trixie-backports'],
} as const;

const debian =
  /^(oldoldstable|oldstable|stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)(-security|\/updates)?(?:-(?:updates|backports|proposed-updates))?$/;

/** Value of Signed-By of the entry at a line of a sources file, sources.list(5); undefined where it has none. */
export function signedByAt(text: string, line: number, isDeb822: boolean): string | undefined {
  const lines = text.split('\n');
  if (!isDeb822) return /\[[^\]]*\bsigned-by=([^\s\]]+)/i.exec(lines[line - 1] ?? '')?.[1];
  return stanzasOf(lines.slice(line - 1).join('\n'))[0]?.get('signed-by');
}

/**
 * Debian's mirrors among the system's sources, from `apt-get indextargets`; undefined where there is none. A security
 * archive that the system does not use is beside the archive: `debian-security` beside `debian`.
 */
export function mirrorsIn(targets: string, read: (path: string) => string): Mirrors | undefined {
  const found = stanzasOf(targets).flatMap((target) => {
    const uri = target.get('repo-uri');
    const [whole, , security] = debian.exec(target.get('release') ?? '') ?? [];
    if (!whole || !uri) return [];
    const [, path, line] = /^(.+):(\d+)$/.exec(target.get('sourcesentry') ?? '') ?? [];
    const signedBy = path && signedByAt(read(path), Number(line), path.endsWith('.sources'));
    return { isSecurity: security !== undefined, uri, ...(signedBy && { signedBy }) };
  });
  const mirror = (wanted: boolean): Mirror | undefined => {
    const first = found.find(({ isSecurity }) => isSecurity === wanted);
    if (!first) return undefined;
    const { isSecurity: _, ...own } = first;
    return own;
  };
  const main = mirror(false);
  if (!main) return undefined;
  return { main, security: mirror(true) ?? { ...main, uri: main.uri.replace(/(\/?)$/, '-security$1') } };
}

/** The sources of our own apt state, as deb822. */
export function sourcesText({ main, security }: Mirrors): string {
  const stanza = ({ uri, signedBy }: Mirror, names: readonly string[]): string =>
    ['Types: deb', `URIs: ${uri}`, `Suites: ${names.join(' ')}`, 'Components: main']
      .concat(signedBy ? [`Signed-By: ${signedBy}`] : [])
      .join('\n');
  return `${[stanza(security, suites.security), stanza(main, suites.main)].join('\n\n')}\n`;
}

/**
 * The system's configuration of apt (proxies, credentials, keyrings) with lists, cache and sources of our own. Without the hooks
 * that a system runs after an update: those are for its own cache.
 */
export function configuration(dump: string, folder: string): string {
  const isOwn =
    /^(?:Dir::(?:State|Cache|Log)\b|Dir::Etc::(?:main|parts|sourcelist|sourceparts)\b|DPkg::|APT::(?:Update|Periodic)::|APT::Architectures?\b)/i;
  const kept = dump.split('\n').filter((line) => line !== '' && !isOwn.test(line));
  const own = {
    'Dir::State': `${folder}/state`,
    'Dir::State::lists': `${folder}/lists`,
    'Dir::State::status': `${folder}/status`,
    'Dir::Cache': `${folder}/cache`,
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Log': `${folder}/log`,
    'Dir::Etc::main': '/dev/null',
    'Dir::Etc::parts': '/dev/null',
    'Dir::Etc::sourcelist': `${folder}/mirror.sources`,
    'Dir::Etc::sourceparts': '-',
    'Acquire::Languages': 'none',
    'APT::Architecture': 'amd64',
    // the folder may be where the user _apt cannot go
    'APT::Sandbox::User': 'root',
  };
  return `${[...kept, ...Object.entries(own).map(([name, value]) => `${name} "${value}";`)].join('\n')}\n`;
}

/** A suite whose list could not be had. */
export interface Refused {
  readonly suite: string;
  /** apt's own words. */
  readonly problem: string;
  /** Its signature does not hold, or no key of ours made it. */
  readonly isSignature: boolean;
}

const signature =
  /GPG error|NO_PUBKEY|EXPKEYSIG|REVKEYSIG|BADSIG|NODATA|is not signed|invalid signature|signatures? (?:could|couldn't)|Missing key|OpenPGP|sqv/i;

/** What apt-get update says of each suite that it could not bring up to date. */
export function refusedIn(output: string, names: readonly string[]): Refused[] {
  const said = output.split('\n').filter((line) => /^[EW]:/.test(line));
  return names.flatMap((suite) => {
    const about = said.filter((line) => new RegExp(`[\\s/]${suite}(?:[\\s/]|$)`).test(line));
    const [problem] = about.toSorted((a, b) => Number(signature.test(b)) - Number(signature.test(a)));
    if (problem === undefined) return [];
    return { suite, problem: problem.replace(/^[EW]:\s*/, ''), isSignature: signature.test(problem) };
  });
}
