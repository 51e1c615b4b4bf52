import { type Stanza, stanzasOf } from './deb822.ts';

/** A package with a kernel or a part of one, as a mirror's list has it. */
export interface KernelPackage {
  readonly name: string;
  readonly version: string;
  readonly suite: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly sha256: string;
  /** Packages of exactly its version that it depends on. */
  readonly parts: readonly string[];
}

/** A kernel that can be fetched. */
export interface Offer {
  /** `6.12` */
  readonly series: string;
  /** Of the packages: `6.12.118-1`. */
  readonly version: string;
  /** What uname -r prints: `6.12.118+deb13-cloud-amd64`. */
  readonly release: string;
  readonly suite: string;
  /** What is to be unpacked, one over the other. */
  readonly packages: readonly KernelPackage[];
}

/** A series whose kernel cannot be had, since a package of it is gone from the mirror. */
export interface Gone {
  readonly series: string;
  readonly missing: readonly string[];
}

/** Kernels of this flavour have few drivers, and all that a virtual machine needs. */
const flavour = 'cloud-amd64';
/** Up to 6.18 a kernel is one package, from 6.19 on three; linux-base-… has its configuration only. */
const named = new RegExp(`^linux-(image|binary|modules)-(\\d\\S*-${flavour})$`);
/** Of a meta-package the name has no release. */
const isRelease = (release: string): boolean => /^\d+\.\d+\.\d+/.test(release);

function packageOf(stanza: Stanza, suite: string): KernelPackage | undefined {
  const text = (field: string): string => stanza.get(field) ?? '';
  if (!named.test(text('package'))) return undefined;
  const parts = text('depends')
    .split(/\s*,\s*/)
    .flatMap((depends) => /^(linux-(?:binary|modules)-\S+) \(= [^)]+\)$/.exec(depends)?.[1] ?? []);
  const [name, version, sha256] = [text('package'), text('version'), text('sha256')];
  return { name, version, suite, size: Number(text('size')), sha256, parts };
}

/** The packages of kernels in a suite's list. */
export const packagesIn = (list: string, suite: string): KernelPackage[] =>
  stanzasOf(list).flatMap((stanza) => packageOf(stanza, suite) ?? []);

const byNumbers = new Intl.Collator('en', { numeric: true });
/** In Debian's order a `~` comes before the end of a version: 6.1.9-1~deb11u1 is older than 6.1.9-1. */
const comparable = (version: string): string => (version.includes('~') ? version.replace('~', ' 0 ') : `${version} 1`);
/** Compares versions of kernel packages. */
export const compareVersions = (a: string, b: string): number => byNumbers.compare(comparable(a), comparable(b));

const seriesOf = (version: string): string => /^\d+\.\d+/.exec(version)?.[0] ?? version;

/** Every kernel of the lists, whole or not. */
function candidates(packages: readonly KernelPackage[]): (Offer & { readonly missing: readonly string[] })[] {
  const all = new Map(packages.map((each) => [`${each.name} ${each.version}`, each]));
  return packages.flatMap((image) => {
    const [, part, release] = named.exec(image.name)!;
    if (part !== 'image' || !isRelease(release!)) return [];
    const { version, suite, parts } = image;
    const found = parts.map((name) => ({ name, it: all.get(`${name} ${version}`) }));
    return {
      series: seriesOf(version),
      version,
      release: release!,
      suite,
      packages: [image, ...found.flatMap(({ it }) => it ?? [])],
      missing: found.filter(({ it }) => !it).map(({ name }) => name),
    };
  });
}

/** Every whole kernel of the lists, the newest of each series first. */
export function offersIn(packages: readonly KernelPackage[]): Offer[] {
  return candidates(packages)
    .filter(({ missing }) => missing.length === 0)
    .toSorted((a, b) => byNumbers.compare(a.series, b.series) || compareVersions(b.version, a.version));
}

/** The newest whole kernel of each series, by series. */
export const newestOf = (offers: readonly Offer[]): Offer[] => [
  ...Map.groupBy(offers, ({ series }) => series)
    .values()
    .map(([newest]) => newest!),
];

/** Series of which no kernel is whole. */
export function goneIn(packages: readonly KernelPackage[]): Gone[] {
  const series = Map.groupBy(candidates(packages), (each) => each.series);
  return [...series]
    .filter(([, kernels]) => kernels.every(({ missing }) => missing.length > 0))
    .map(([name, kernels]) => ({
      series: name,
      missing: kernels.toSorted((a, b) => compareVersions(b.version, a.version))[0]!.missing,
    }))
    .toSorted((a, b) => byNumbers.compare(a.series, b.series));
}

/** Whether a kernel is one that a user's word names: `6.12`, `6.12.*`, `6.12.118`, `6.12.118-1`, `debian:trixie-backports`. */
export function isNamed(word: string, { series, version, release, suite }: Omit<Offer, 'packages'>): boolean {
  if (word.startsWith('debian:')) return suite === word.slice('debian:'.length);
  const wanted = word.replace(/\.\*$/, '');
  return wanted === series || wanted === version || wanted === release || wanted === version.split('-')[0];
}
