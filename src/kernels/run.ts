import { copyFileSync, cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { formatCount } from '../facts/values.ts';
import { interruptAtOnce } from '../record/interrupt.ts';
import { formatElapsed, plural } from '../report/format.ts';
import { folderIn, ownName, removeAbandoned, requireSpace } from './cache.ts';
import type { Said } from './console.ts';
import { type GuestFile, makeDisk, takeOut } from './disk.ts';
import { inGuest, jobScript } from './init.ts';
import type { Kernel } from './kernel.ts';
import { bootGuest, bootLimits, type Ended, type Pace } from './qemu.ts';

export interface GuestJob {
  /** Arguments of lingerlab in the guest, up to `--out`. */
  readonly args: readonly string[];
  readonly files: readonly GuestFile[];
  /** How many results it will have, at most. */
  readonly results: number;
}

export interface RunningKernels {
  readonly cache: string;
  readonly kernels: readonly Kernel[];
  readonly image: string;
  readonly job: GuestJob;
  readonly pace: Pace;
  readonly append?: string | undefined;
  /** Folder of the runs' folders. */
  readonly out: string;
  readonly signal?: AbortSignal;
  readonly progress: (kernel: Kernel, text: string) => void;
}

/** What came of one kernel. */
export interface KernelOutcome {
  readonly kernel: Kernel;
  /** Its run's folder, or the folder with its console's log alone. */
  readonly folder: string;
  /** The folder is a run's. */
  readonly hasRun: boolean;
  readonly ended?: Ended;
  /** Why it was not even started. */
  readonly problem?: string;
}

/** What one result takes at most under emulation, seconds of the host's CPU; a short one takes about 2. */
const resultCpuSeconds = 20;
/** What a run takes beside its results. */
const runCpuSeconds = 300;
/** What a guest writes to its disk at most. */
const diskBytes = 600 * 1024 * 1024;

/** Runs a job on each kernel, as many at once as there are processors. What fails on one kernel does not stop the others. */
export async function runKernels(running: RunningKernels): Promise<KernelOutcome[]> {
  const working = folderIn(running.cache, 'working');
  removeAbandoned(working);
  const atOnce = Math.min(availableParallelism(), running.kernels.length);
  requireSpace(working, atOnce * diskBytes, `the disks of ${atOnce} guests`);
  const waiting = [...running.kernels.entries()];
  const outcomes: KernelOutcome[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, kernel] = next;
      outcomes[index] = await runKernel(running, kernel, join(working, `${ownName('guest')}-${index}`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}

async function runKernel(running: RunningKernels, kernel: Kernel, work: string): Promise<KernelOutcome> {
  const { image, job, pace, append, out, signal, progress } = running;
  const folder = freeFolder(join(out, kernel.release));
  const console = join(work, 'console.log');
  try {
    signal?.throwIfAborted();
    mkdirSync(work, { recursive: true });
    const disk = join(work, 'disk.ext4');
    await makeDisk(image, disk, jobScript([...job.args, '--out', `${inGuest.out}/run`]), job.files);
    const ended = await bootGuest({
      kernel,
      disk,
      pace,
      append,
      console,
      limits: { ...bootLimits, cpuSeconds: runCpuSeconds + resultCpuSeconds * job.results },
      signal,
      said: reporter(job.results, (text) => progress(kernel, text)),
    });
    const hasRun = await takeOut(disk, 'run', join(work, 'out'));
    if (hasRun) renameAcross(join(work, 'out', 'run'), folder);
    keepConsole(console, folder);
    const whole = existsSync(join(folder, 'run.json'));
    // of a guest that was ended, the run is still said to go on
    if (whole) interruptAtOnce(folder);
    return { kernel, folder, hasRun: whole, ended };
  } catch (error) {
    keepConsole(console, folder);
    return { kernel, folder, hasRun: false, problem: messageOf(error) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function freeFolder(wanted: string): string {
  for (let nth = 1; ; nth++) {
    const folder = nth === 1 ? wanted : `${wanted}-${nth}`;
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** Moves a folder into an empty one, also to another file system. */
function renameAcross(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true });
  }
}

function keepConsole(console: string, folder: string): void {
  if (!existsSync(console)) return;
  mkdirSync(folder, { recursive: true });
  copyFileSync(console, join(folder, 'console.log'));
}

/** A line of progress comes when a guest has booted, and after each tenth of its results. */
function reporter(results: number, tell: (text: string) => void): (said: Said) => void {
  let began = performance.now();
  let booted = false;
  let tenth = 0;
  return (said) => {
    if (said.booted && !booted) {
      booted = true;
      began = performance.now();
      tell(`booted after ${said.bootSeconds} s of its clock`);
    }
    const share = (said.results ?? 0) / results;
    if (Math.floor(share * 10) <= tenth) return;
    tenth = Math.floor(share * 10);
    tell(progressText(said.results ?? 0, results, (performance.now() - began) / 1000));
  };
}

/** `40 of 160 results (25 %), about 5 min left`, by the host's clock. */
export function progressText(done: number, of: number, seconds: number): string {
  const left = done < of ? `, about ${formatElapsed(Math.ceil(seconds * (of / done - 1)))} left` : '';
  return `${formatCount(done)} of ${plural(of, 'result')} (${Math.floor((done / of) * 100)} %)${left}`;
}
