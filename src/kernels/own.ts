import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LingerlabError, messageOf } from '../errors.ts';
import type { Kernel } from './kernel.ts';

const bad = (message: string, remedy: string, cause?: unknown): LingerlabError =>
  new LingerlabError('BAD_KERNEL', message, remedy, cause === undefined ? {} : { cause });

/**
 * Release of the kernel in a bzImage: what uname -r prints. Documentation/arch/x86/boot.rst: `HdrS` at 0x202, the offset of the
 * text less 0x200 at 0x20e. Throws BAD_KERNEL.
 */
export function releaseOf(image: string): string {
  const head = Buffer.alloc(64 * 1024);
  let length: number;
  try {
    const file = openSync(image, 'r');
    try {
      length = readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw bad(`cannot read the kernel ${image}: ${messageOf(cause)}`, 'name a bzImage that you may read', cause);
  }
  const at = length > 0x210 && head.toString('latin1', 0x202, 0x206) === 'HdrS' ? head.readUInt16LE(0x20e) + 0x200 : 0;
  const release =
    at > 0x200 && at < length ? /^[\x21-\x7e]+/.exec(head.toString('latin1', at, at + 256))?.[0] : undefined;
  if (release) return release;
  throw bad(`${image} is not a bzImage of x86`, 'name the file arch/x86/boot/bzImage of a built kernel, or a vmlinuz');
}

/** The folder of a release's modules below a folder that was named: itself, or as modules_install lays it out. Throws BAD_KERNEL. */
export function modulesFor(release: string, folder: string): string {
  const places = [join(folder, 'lib', 'modules', release), join(folder, release), folder];
  const found = places.find((place) => existsSync(join(place, 'kernel')) || existsSync(join(place, 'modules.dep')));
  if (found) return resolve(found);
  const others = ['lib/modules', '.'].flatMap((each) => {
    const path = join(folder, each);
    return existsSync(path) && statSync(path).isDirectory()
      ? readdirSync(path).filter((name) => /^\d+\./.test(name))
      : [];
  });
  const also = others.length > 0 ? `; it has those of ${others.join(', ')}` : '';
  throw bad(
    `${folder} has no modules of ${release}${also}`,
    'install them there: make modules_install INSTALL_MOD_PATH=DIR, then --modules DIR',
  );
}

/** A user's own kernel, as it was built. Throws BAD_KERNEL. */
export function ownKernel(image: string, modules: string | undefined): Kernel {
  const path = resolve(image);
  const release = releaseOf(path);
  const series = /^\d+\.\d+/.exec(release)?.[0] ?? release;
  return {
    series,
    version: release,
    release,
    suite: 'own',
    image: path,
    modules: modules === undefined ? undefined : modulesFor(release, modules),
  };
}

/** Configuration of a user's kernel, where one is beside it: of a build tree, or of an installed kernel. */
export const configBeside = ({ image, release }: Kernel): string | undefined =>
  [
    join(dirname(image), '..', '..', '..', '.config'),
    join(dirname(image), `config-${release}`),
    join(dirname(image), '.config'),
  ].find((path) => existsSync(path));
