import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ExitCode, exitCode, LingerlabError } from '../../errors.ts';
import { cacheFolder, folderIn, ownName, removeAbandoned } from '../../kernels/cache.ts';
import { makeDisk } from '../../kernels/disk.ts';
import { diskImage } from '../../kernels/image.ts';
import { fetchedKernels } from '../../kernels/kernel.ts';
import { paceFor } from '../../kernels/pace.ts';
import { attachGuest } from '../../kernels/qemu.ts';
import type { GuestOptions } from './list.ts';
import { whichKernels } from './which.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** `lingerlab kernels shell SERIES`: a shell in that kernel, with lingerlab on its PATH. Throws BAD_ARGUMENT without a kernel. */
export async function kernelShell(word: string | undefined, options: GuestOptions): Promise<ExitCode> {
  if (word === undefined && options.kernel === undefined)
    throw new LingerlabError('BAD_ARGUMENT', 'no kernel is named', 'name a series, such as 6.12, or --kernel FILE');
  const cache = cacheFolder();
  const { kernels } = await whichKernels(cache, word === undefined ? [] : [word], options, say);
  const kernel = kernels[0]!;
  const image = await diskImage(cache, [
    ...new Map([...fetchedKernels(cache), kernel].map((each) => [each.release, each])).values(),
  ]);
  const pace = await paceFor({ cache, kernel, image, realTime: options.realTime, say });
  const working = folderIn(cache, 'working');
  removeAbandoned(working);
  const work = folderIn(working, ownName('shell'));
  // Ctrl-C is for the shell inside
  process.on('SIGINT', () => undefined);
  try {
    const disk = join(work, 'disk.ext4');
    await makeDisk(image, disk, undefined);
    say(`${kernel.release}: \`exit\` turns it off, and nothing in it is kept`);
    return (await attachGuest({ kernel, disk, pace, append: options.append })) === 0 ? exitCode.ok : exitCode.failed;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
