import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type koffi from 'koffi';

type Koffi = typeof koffi;

/**
 * koffi's build for glibc, where npm put this package's dependencies: beside a folder that this module, or a bundle of it, is in.
 * Loading that alone takes a process 1 ms of CPU instead of 7: koffi's own index first finds out which of its builds suits this
 * machine.
 */
function build(): Koffi | undefined {
  const file = `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, file);
    if (existsSync(path)) {
      const module = { exports: {} as Koffi };
      process.dlopen(module, path);
      return module.exports;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** koffi by the short way, and where npm or this machine put it otherwise, by koffi's own. */
export const loadKoffi = (): Koffi => build() ?? (createRequire(import.meta.url)('koffi') as Koffi);
