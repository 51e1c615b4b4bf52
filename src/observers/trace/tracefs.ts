import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { mountPrivately } from '../../native/process.ts';

const mountPoints = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/**
 * Where tracefs is. Where nobody has mounted it, it is mounted in a mount namespace of this process alone, so that the
 * host stays as it was. Throws with the reason where it cannot be had.
 */
export function findTracefs(): string {
  const mounted = mountPoints.find((path) => existsSync(join(path, 'instances')));
  if (mounted) return mounted;
  const [place] = mountPoints as [string];
  if (!existsSync(place)) throw new Error('this kernel has no tracefs');
  mountPrivately('tracefs', place);
  return place;
}

/** The first port of the run's block, or, of versions before 0.2, pid and start of the process that made it. */
const namePattern = /^lingerlab-\d+(-\d+)?$/;
const nameFor = (from: number) => `lingerlab-${from}`;

/** An instance that is younger, ms, may not have been opened yet by the run that is making it: that takes a few ms. */
export const makingMs = 1000;

/**
 * Remove the instances of dead runs. Whether a run is dead is shown by the kernel: it refuses to remove an instance whose files
 * are open, in whatever PID or mount namespace, __remove_instance() in kernel/trace/trace.c.
 */
export function reapInstances(tracefs: string): string[] {
  return readdirSync(join(tracefs, 'instances')).filter((name) => {
    if (!namePattern.test(name)) return false;
    const folder = join(tracefs, 'instances', name);
    try {
      if (Date.now() - statSync(folder).ctimeMs < makingMs) return false;
      rmdirSync(folder);
      return true;
    } catch {
      return false;
    }
  });
}

/** How long a child may take to let go: it has been killed, and needs a CPU for that. */
const releaseMs = 1000;

/** Removes an instance; a child that was just being started has its files open, too, until it runs its program or has ended. */
function removeReleased(folder: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const deadline = performance.now() + releaseMs; ; Atomics.wait(pause, 0, 0, 2)) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || performance.now() > deadline) throw error;
    }
  }
}

/** A trace instance of this process: recording of its own, apart from anybody else's tracing. */
export interface Instance extends Disposable {
  readonly name: string;
  read(file: string): string;
  /** Throws with the errno's name where the kernel refuses. */
  write(file: string, value: string): void;
  has(file: string): boolean;
  /** The raw buffer of each CPU, opened O_NONBLOCK: reading never hangs, nor does exit. */
  readonly buffers: readonly { readonly cpu: number; readonly fd: number }[];
}

/** Room for 60,000 events a second to wait for 100 ms. */
const bufferKb = 1024;

/**
 * Make the instance of a block of ports with its clock, and open its buffers; nothing is recorded until events are enabled.
 * undefined where another run has the block: the folder of instances is one for all runs of a kernel, and making a folder in it
 * is atomic, so that two runs cannot have the same, whatever namespaces and containers they are in.
 */
export function makeInstance(tracefs: string, from: number): Instance | undefined {
  const name = nameFor(from);
  const folder = join(tracefs, 'instances', name);
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  const made = statSync(folder).ino;
  const path = (file: string) => join(folder, file);
  const write = (file: string, value: string) => writeFileSync(path(file), value);
  const buffers: { cpu: number; fd: number }[] = [];
  const dispose = () => {
    for (const { fd } of buffers) closeSync(fd);
    // not one that another run made at its place
    if (statSync(folder, { throwIfNoEntry: false })?.ino === made) removeReleased(folder);
  };
  try {
    write('trace_clock', 'mono');
    write('buffer_size_kb', String(bufferKb));
    for (const entry of readdirSync(path('per_cpu'))) {
      const fd = openSync(path(`per_cpu/${entry}/trace_pipe_raw`), constants.O_RDONLY | constants.O_NONBLOCK);
      buffers.push({ cpu: Number(entry.replace('cpu', '')), fd });
    }
    // it has open files from now on. Were it taken for dead before, and made again by another run, it would be that one's
    if (statSync(folder, { throwIfNoEntry: false })?.ino !== made)
      throw new Error('it was removed while it was being made');
  } catch (error) {
    dispose();
    throw new Error(`trace instance: ${messageOf(error)}`, { cause: error });
  }
  return {
    name,
    read: (file) => readFileSync(path(file), 'utf8'),
    write,
    has: (file) => existsSync(path(file)),
    buffers,
    [Symbol.dispose]: dispose,
  };
}
