import { RUSAGE_CHILDREN, RUSAGE_SELF } from './constants.ts';
import { clockGetcpuclockid, clockGettime, getrusage } from './libc.ts';

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
export function cpuOf(pid: number): number | undefined {
  const id = Buffer.alloc(4);
  if (clockGetcpuclockid(pid, id) !== 0) return undefined;
  const timespec = Buffer.alloc(16);
  try {
    clockGettime(id.readInt32LE(), timespec);
    return seconds(timespec, 0, 1e9);
  } catch {
    // it ended in between
    return undefined;
  }
}
