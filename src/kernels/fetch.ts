import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LingerlabError } from '../errors.ts';
import { folderIn, ownName, removeAbandoned, requireSpace } from './cache.ts';
import { fetchedKernels, type Kernel, type KernelRecord, kernelFolder, recipe, sha256Of } from './kernel.ts';
import { type Apt, downloadFailed, locate } from './mirror.ts';
import { makeLists, takeModules } from './modules.ts';
import type { KernelPackage, Offer } from './offers.ts';
import { runSystemTool } from './tools.ts';

/** A package unpacked is at most five times as large; packages and what they unpack to are there at once. */
const unpackedFactor = 6;

/**
 * Fetches a kernel into the cache: downloads its packages with apt, checks each against the signed list, and keeps the kernel and the
 * modules that are needed. A kernel is in the cache whole, or not at all. Throws NO_SPACE, DOWNLOAD_FAILED, NO_TOOL.
 */
export async function fetchKernel(apt: Apt, cache: string, offer: Offer, say: (text: string) => void): Promise<Kernel> {
  const kept = fetchedKernels(cache).find(
    ({ release, version }) => release === offer.release && version === offer.version,
  );
  if (kept && existsSync(kept.image) && sha256Of(kept.image) === kept.sha256) return kept;
  say(`fetching ${offer.release} (${offer.version}, ${offer.suite})`);
  const working = folderIn(cache, 'working');
  removeAbandoned(working);
  requireSpace(working, unpackedFactor * offer.packages.reduce((sum, { size }) => sum + size, 0), offer.release);
  const folder = folderIn(working, `${ownName('fetch')}-${offer.release}`);
  try {
    const tree = join(folder, 'tree');
    for (const each of offer.packages) await unpack(await download(apt, each, folder), tree);
    const made = join(folder, 'kernel');
    const record = await keep(tree, made, offer);
    const place = kernelFolder(cache, offer.release);
    folderIn(cache, 'fetched');
    rmSync(place, { recursive: true, force: true });
    renameSync(made, place);
    return { ...record, image: join(place, 'vmlinuz'), modules: join(place, 'lib', 'modules', offer.release) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function download(apt: Apt, of: KernelPackage, folder: string): Promise<string> {
  const { uri, hash } = await locate(apt, of);
  const file = join(folder, `${of.name}.deb`);
  const { problem } = await apt.run('apt-helper', ['download-file', uri, file, hash]);
  if (problem !== '') throw downloadFailed(of.name, lastLine(problem));
  const found = sha256Of(file);
  if (found !== of.sha256)
    throw downloadFailed(of.name, `its SHA-256 is ${found}, and ${of.sha256} in the signed list`);
  return file;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? text;

/** Unpacks a package into a folder. Throws DOWNLOAD_FAILED. */
export async function unpack(file: string, tree: string): Promise<void> {
  mkdirSync(tree, { recursive: true });
  const { problem } = await runSystemTool('dpkg-deb', ['-x', file, tree]);
  if (problem !== '') throw downloadFailed(file, lastLine(problem));
}

/** Where a package puts its kernel and its modules: in /boot and /lib up to 6.18, in /usr/lib/modules from 6.19 on. */
export function placesIn(tree: string, release: string): { readonly image: string; readonly root: string } {
  const images = [
    join('boot', `vmlinuz-${release}`),
    join('usr', 'lib', 'modules', release, 'vmlinuz'),
    join('lib', 'modules', release, 'vmlinuz'),
  ];
  const image = images.map((each) => join(tree, each)).find(existsSync);
  const root = [tree, join(tree, 'usr')].find((each) => existsSync(join(each, 'lib', 'modules', release, 'kernel')));
  if (image && root) return { image, root };
  const has = existsSync(tree) ? readdirSync(tree).join(', ') : 'nothing';
  throw new LingerlabError(
    'BAD_KERNEL',
    `the packages of ${release} have ${image ? 'no modules' : 'no kernel'} where they are looked for; they have ${has}`,
    'please report this: the layout of the packages has changed',
  );
}

async function keep(tree: string, made: string, offer: Offer): Promise<KernelRecord> {
  const { release, series, version, suite, packages } = offer;
  const { image, root } = placesIn(tree, release);
  await makeLists(root, release);
  mkdirSync(made, { recursive: true });
  const lacking = await takeModules(join(root, 'lib', 'modules', release), made, release);
  if (lacking.length > 0)
    throw new LingerlabError(
      'BAD_KERNEL',
      `${release} has no ${lacking.join(', ')}`,
      'fetch another version of the series',
    );
  renameSync(image, join(made, 'vmlinuz'));
  const record: KernelRecord = {
    recipe,
    series,
    version,
    release,
    suite,
    packages: packages.map((each) => ({ name: each.name, version: each.version, sha256: each.sha256 })),
    sha256: sha256Of(join(made, 'vmlinuz')),
  };
  writeFileSync(join(made, 'kernel.json'), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}
