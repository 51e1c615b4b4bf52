import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { folderIn, ownName } from './cache.ts';
import { makeDisk } from './disk.ts';
import type { Kernel } from './kernel.ts';
import { bootGuest, type Pace } from './qemu.ts';

export interface Choosing {
  readonly cache: string;
  readonly kernel: Kernel | undefined;
  readonly image: string;
  readonly realTime: boolean;
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A guest under KVM boots in a second; on some machines KVM makes a machine, and every guest hangs at once. */
const kvmMs = 15_000;

/** Virtual time, unless the user wants real time: under KVM where a guest really boots under it, else by emulation. */
export async function paceFor({ realTime, kernel, ...rest }: Choosing): Promise<Pace> {
  if (!realTime || kernel === undefined) return { accelerator: 'tcg', clock: 'virtual' };
  const boots = existsSync('/dev/kvm') && (await bootsUnderKvm({ ...rest, kernel }));
  if (!boots) rest.say('no guest boots under KVM here: real time by emulation, which is slow');
  return { accelerator: boots ? 'kvm' : 'tcg', clock: 'real' };
}

async function bootsUnderKvm({
  cache,
  kernel,
  image,
  signal,
}: Omit<Choosing, 'realTime'> & { kernel: Kernel }): Promise<boolean> {
  const work = folderIn(cache, 'working', `${ownName('probe')}`);
  try {
    mkdirSync(work, { recursive: true });
    const disk = join(work, 'disk.ext4');
    await makeDisk(image, disk, 'exit 0\n');
    const limit = AbortSignal.timeout(kvmMs);
    const { said } = await bootGuest({
      kernel,
      disk,
      pace: { accelerator: 'kvm', clock: 'real' },
      console: join(work, 'console.log'),
      limits: { bootCpuSeconds: kvmMs / 1000, cpuSeconds: kvmMs / 1000, idleSeconds: kvmMs / 1000 },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    return said.booted;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
