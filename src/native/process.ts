import { constants } from 'node:os';
import {
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLONE_NEWNS,
  MS_PRIVATE,
  MS_REC,
  PR_SET_PDEATHSIG,
  SCHED_RR,
  TIMER_ABSTIME,
} from './constants.ts';
import { clockGetres, clockNanosleep, mount, prctl, schedSetaffinity, schedSetscheduler, unshare } from './libc.ts';

/**
 * Have the kernel send this process a signal when the thread that started it ends, prctl(2): SIGKILL works on a stopped
 * process, too. A parent that ended before the call is noticed by its pid. Of a parent with several threads it can come several times.
 */
export function dieWithParent(parent: number, signal: 'SIGKILL' | 'SIGTERM' | 'SIGUSR2' = 'SIGKILL'): void {
  prctl(PR_SET_PDEATHSIG, constants.signals[signal]);
  if (process.ppid !== parent) process.kill(process.pid, signal);
}

/** Timer interrupts a second: one tick is the resolution of CLOCK_MONOTONIC_COARSE. */
export function hz(): number {
  const timespec = Buffer.alloc(16);
  clockGetres(CLOCK_MONOTONIC_COARSE, timespec);
  return Math.round(1e9 / Number(timespec.readBigInt64LE(8)));
}

/** Mount a file system where only this thread and its children see it; throws SystemCallError. */
export function mountPrivately(type: string, at: string): void {
  unshare(CLONE_NEWNS);
  mount('none', '/', null, MS_REC | MS_PRIVATE, null);
  mount('nodev', at, type, 0, null);
}

/** Block this thread until a moment of CLOCK_MONOTONIC, in ns; up to a timer's slack late, clock_nanosleep(2). */
export function sleepUntil(ns: bigint): void {
  const timespec = Buffer.alloc(16);
  timespec.writeBigInt64LE(ns / 1_000_000_000n, 0);
  timespec.writeBigInt64LE(ns % 1_000_000_000n, 8);
  clockNanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, timespec, null);
}

/** Let this thread run on one CPU only, sched_setaffinity(2); throws SystemCallError where that CPU is not ours. */
export function pinToCpu(cpu: number): void {
  const mask = Buffer.alloc(128);
  mask.writeUInt8(1 << (cpu % 8), cpu >> 3);
  schedSetaffinity(0, mask.length, mask);
}

/** Let this thread run on every CPU again that the process may have, cpuset(7); throws SystemCallError. */
export function runAnywhere(): void {
  const mask = Buffer.alloc(128, 0xff);
  schedSetaffinity(0, mask.length, mask);
}

/**
 * Let this thread run before all that is not real-time, sched(7): whatever waits for a CPU, and whatever group it is in. Throws
 * SystemCallError where the user may not.
 */
export function runFirst(): void {
  const priority = Buffer.alloc(4);
  priority.writeInt32LE(1);
  schedSetscheduler(0, SCHED_RR, priority);
}
