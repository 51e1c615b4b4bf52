import { readFileSync } from 'node:fs';
import {
  CPUCLOCK_CLOCK_MASK,
  CPUCLOCK_PROF,
  CPUCLOCK_SCHED,
  CPUCLOCK_VIRT,
  RUSAGE_CHILDREN,
  RUSAGE_SELF,
} from './constants.ts';
import { clockGetcpuclockid, clockGettime, getrusage } from './libc.ts';
import { parseProcessStat } from './process-state.ts';

/** Seconds in a `struct timeval` (microseconds) or `struct timespec` (nanoseconds). */
const seconds = (from: Buffer, at: number, fraction: number): number =>
  Number(from.readBigInt64LE(at)) + Number(from.readBigInt64LE(at + 8)) / fraction;

/** struct rusage, getrusage(2): ru_utime and ru_stime are its first two fields. */
function usage(of: number): number {
  const rusage = Buffer.alloc(144);
  getrusage(of, rusage);
  return seconds(rusage, 0, 1e6) + seconds(rusage, 16, 1e6);
}

/** Seconds of CPU, user and system, that this process has used. */
export const ownCpu = (): number => usage(RUSAGE_SELF);

/** Seconds of CPU, user and system, of this process's children that have ended and been waited for, and of theirs. */
export const childrenCpu = (): number => usage(RUSAGE_CHILDREN);

/** Seconds of CPU that another process's threads have used until now; `undefined` where it has ended, clock_getcpuclockid(3). */
export const cpuOf = (pid: number): number | undefined => clockOf(pid, CPUCLOCK_SCHED);

/**
 * Seconds of CPU that another process has used until now, as its own code and in all: by the timer's ticks where the kernel does
 * not account each switch between the two. `undefined` where it has ended.
 */
export function userCpuOf(pid: number): { readonly user: number; readonly all: number } | undefined {
  const [user, all] = [clockOf(pid, CPUCLOCK_VIRT), clockOf(pid, CPUCLOCK_PROF)];
  return user === undefined || all === undefined ? undefined : { user, all };
}

/** A clock of a process; `undefined` where it has ended. */
function clockOf(pid: number, which: number): number | undefined {
  const id = Buffer.alloc(4);
  if (clockGetcpuclockid(pid, id) !== 0) return undefined;
  const timespec = Buffer.alloc(16);
  try {
    clockGettime((id.readInt32LE() & ~CPUCLOCK_CLOCK_MASK) | which, timespec);
    return seconds(timespec, 0, 1e9);
  } catch {
    // it ended in between
    return undefined;
  }
}

/** Clock ticks of /proc a second, whatever HZ is: USER_HZ. */
const userHz = 100;

/** Seconds of CPU of another process and of its children that have ended; `undefined` where it has ended itself. To 10 ms. */
export function cpuWithChildren(pid: number): number | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpuTicks / userHz;
  } catch {
    return undefined;
  }
}

/** Seconds of CPU of the whole machine since boot. */
export interface MachineCpu {
  readonly busy: number;
  readonly softirq: number;
  readonly idle: number;
}

/** proc_stat(5): user nice system idle iowait irq softirq steal; what follows is part of these. Steal is busy: someone else had that time. */
export function machineCpu(): MachineCpu {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const [idle = 0, iowait = 0] = ticks.slice(3);
  const all = ticks.reduce((total, each) => total + each, 0);
  return { softirq: (ticks[6] ?? 0) / userHz, idle: (idle + iowait) / userHz, busy: (all - idle - iowait) / userHz };
}
