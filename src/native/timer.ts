import { CLOCK_MONOTONIC, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME } from './constants.ts';
import { close, readAvailable, timerfdCreate, timerfdSettime } from './libc.ts';
import { whenReadable } from './poll.ts';

/** A timer finer than Node's whole milliseconds: timerfd_create(2) in the event loop. */
export interface FineTimer extends Disposable {
  /** Call back at this moment of CLOCK_MONOTONIC, in ns, or never; replaces the moment before. */
  arm(ns: bigint | undefined): void;
}

/** Make a timer; throws SystemCallError. */
export function fineTimer(due: () => void): FineTimer {
  const fd = timerfdCreate(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const expirations = Buffer.alloc(8);
  const setting = Buffer.alloc(32);
  const watch = whenReadable(fd, () => {
    if (readAvailable(fd, expirations) > 0) due();
  });
  return {
    arm(ns) {
      // zero disarms: a moment that has passed is 1 ns after the beginning of the clock
      const at = ns === undefined ? 0n : ns > 0n ? ns : 1n;
      setting.writeBigInt64LE(at / 1_000_000_000n, 16);
      setting.writeBigInt64LE(at % 1_000_000_000n, 24);
      timerfdSettime(fd, TFD_TIMER_ABSTIME, setting, null);
    },
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      close(fd);
    },
  };
}
