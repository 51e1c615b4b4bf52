import type { Ns } from '../record/event.ts';

/** Stalls shorter than this are not told apart; to look more often would itself be work, for each peer that only waits. */
const resolutionMs = 10;

/** How long the event loop stood still. */
export interface Stalls {
  /** From now on: what was before does not count. */
  reset(): void;
  /** The longest since the last reset, one that has just ended included. */
  longest(): Ns;
}

/**
 * A timer that notes how late it comes. node:perf_hooks' monitorEventLoopDelay() would be cheaper, but takes its first time
 * from the first tick after a reset: it misses a stall that begins before that, and one that is asked about in the very
 * turn of the loop in which it ended.
 */
export function watchStalls(now: () => Ns): Stalls {
  let last = now();
  let longest = 0;
  const tick = (): void => {
    const t = now();
    longest = Math.max(longest, t - last - resolutionMs * 1e6);
    last = t;
  };
  setInterval(tick, resolutionMs).unref();
  return {
    reset() {
      last = now();
      longest = 0;
    },
    longest() {
      tick();
      return longest;
    },
  };
}
