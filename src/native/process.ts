import { constants } from 'node:os';
import { CLOCK_MONOTONIC_COARSE, CLONE_NEWNS, MS_PRIVATE, MS_REC, PR_SET_PDEATHSIG } from './constants.ts';
import { clockGetres, mount, prctl, unshare } from './libc.ts';

/**
 * Have the kernel send this process a signal when the thread that started it ends, prctl(2): SIGKILL works on a stopped
 * process, too. A parent that ended before the call is noticed by its pid.
 */
export function dieWithParent(parent: number, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): void {
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
