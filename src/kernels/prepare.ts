import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LingerlabError, messageOf } from '../errors.ts';
import { folderIn } from './cache.ts';
import { configRemarks } from './config.ts';
import { placesIn, unpack } from './fetch.ts';
import type { Kernel } from './kernel.ts';
import { makeLists, takeModules } from './modules.ts';
import { ownKernel } from './own.ts';

/** A folder of our own for something of the user's. */
const folderFor = (cache: string, what: string): string =>
  folderIn(cache, 'own', createHash('sha256').update(what).digest('hex').slice(0, 16));

/**
 * A user's own kernel, a bzImage or a package of Debian's (`make bindeb-pkg`) with kernel and modules, with only the modules that cells
 * need; what is wrong with it is said. Throws BAD_KERNEL.
 */
export async function prepareOwn(
  cache: string,
  file: string,
  modules: string | undefined,
  say: (text: string) => void,
): Promise<Kernel> {
  const kernel = await givenKernel(cache, file, modules);
  for (const remark of configRemarks(kernel)) say(`lingerlab: ${remark}`);
  if (kernel.modules === undefined) return kernel;
  const folder = folderFor(cache, kernel.modules);
  rmSync(folder, { recursive: true, force: true });
  const lacking = await takeModules(kernel.modules, folder, kernel.release);
  if (lacking.length > 0)
    say(`lingerlab: ${kernel.modules} has no ${lacking.join(', ')}, and the kernel has none built in`);
  return { ...kernel, modules: join(folder, 'lib', 'modules', kernel.release) };
}

/** A user's own kernel as it was built or packaged. Throws BAD_KERNEL. */
export const givenKernel = async (cache: string, file: string, modules: string | undefined): Promise<Kernel> =>
  file.endsWith('.deb') ? packagedKernel(cache, file, modules) : ownKernel(file, modules);

/** The kernel of a package, unpacked into the cache. Throws BAD_KERNEL. */
async function packagedKernel(cache: string, file: string, modules: string | undefined): Promise<Kernel> {
  const tree = folderFor(cache, `package ${file}`);
  rmSync(tree, { recursive: true, force: true });
  try {
    await unpack(file, tree);
  } catch (cause) {
    throw new LingerlabError(
      'BAD_KERNEL',
      `cannot unpack ${file}: ${messageOf(cause)}`,
      'name a package linux-image-… of Debian or of `make bindeb-pkg`',
      { cause },
    );
  }
  const release = releaseIn(tree);
  if (release === undefined)
    throw new LingerlabError(
      'BAD_KERNEL',
      `${file} holds no kernel: nothing is called vmlinuz`,
      'name the package linux-image-… itself, not one of those that depend on it',
    );
  const { image, root } = placesIn(tree, release);
  // what lists the modules is made when a package is installed
  if (!existsSync(join(root, 'lib', 'modules', release, 'modules.dep'))) await makeLists(root, release);
  return ownKernel(image, modules ?? root);
}

/** The release whose kernel an unpacked package has. */
function releaseIn(tree: string): string | undefined {
  const boot = join(tree, 'boot');
  const [image] = existsSync(boot) ? readdirSync(boot).filter((name) => name.startsWith('vmlinuz-')) : [];
  if (image) return image.slice('vmlinuz-'.length);
  const folders = ['usr/lib/modules', 'lib/modules'].map((each) => join(tree, each)).filter(existsSync);
  return folders.flatMap((each) => readdirSync(each).filter((name) => existsSync(join(each, name, 'vmlinuz'))))[0];
}
