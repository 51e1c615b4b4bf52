import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type koffi from 'koffi';

type Koffi = typeof koffi;

/** From here: where npm put this package's dependencies, for its sources, its compiled program, and as another's dependency. */
const places = ['../../node_modules', '../../../node_modules', '../../../..'];

/**
 * koffi's build for glibc. Loading that alone takes a process 1 ms of CPU instead of 7: koffi's own index first finds out
 * which of its builds suits this machine.
 */
function build(): Koffi | undefined {
  const path = places
    .map(
      (place) =>
        `${import.meta.dirname}/${place}/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
    )
    .find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  const module = { exports: {} as Koffi };
  process.dlopen(module, path);
  return module.exports;
}

/** koffi by the short way, and where npm or this machine put it otherwise, by koffi's own. */
export const loadKoffi = (): Koffi => build() ?? (createRequire(import.meta.url)('koffi') as Koffi);
