import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { mountPrivately } from '../../native/process.ts';
import { processStart } from '../../native/process-state.ts';

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

const namePattern = /^lingerlab-(\d+)-(\d+)$/;
const ownName = () => `lingerlab-${process.pid}-${processStart(process.pid)}`;

/**
 * Remove the instances of runs whose process is gone. A live one cannot be hit: its pid and start time match, and the kernel
 * refuses to remove an instance whose files are open.
 */
export function reapInstances(tracefs: string): string[] {
  return readdirSync(join(tracefs, 'instances')).filter((name) => {
    const [, pid, started] = namePattern.exec(name) ?? [];
    if (!pid || processStart(Number(pid)) === Number(started)) return false;
    try {
      rmdirSync(join(tracefs, 'instances', name));
      return true;
    } catch {
      return false;
    }
  });
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

/** Make the instance with its clock, and open its buffers; nothing is recorded until events are enabled. */
export function makeInstance(tracefs: string): Instance {
  const name = ownName();
  const folder = join(tracefs, 'instances', name);
  mkdirSync(folder);
  const path = (file: string) => join(folder, file);
  const write = (file: string, value: string) => writeFileSync(path(file), value);
  const buffers: { cpu: number; fd: number }[] = [];
  const dispose = () => {
    for (const { fd } of buffers) closeSync(fd);
    rmdirSync(folder);
  };
  try {
    write('trace_clock', 'mono');
    write('buffer_size_kb', String(bufferKb));
    for (const entry of readdirSync(path('per_cpu'))) {
      const fd = openSync(path(`per_cpu/${entry}/trace_pipe_raw`), constants.O_RDONLY | constants.O_NONBLOCK);
      buffers.push({ cpu: Number(entry.replace('cpu', '')), fd });
    }
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
