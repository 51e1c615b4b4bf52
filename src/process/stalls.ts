import type { Clock } from '../native/clock.ts';
import type { Ns } from '../record/event.ts';

/** Stalls shorter than this are not told apart; to look more often would itself be work, for each process that only waits. */
const resolutionMs = 10;

/** How long the event loop stood still. */
export interface Stalls {
  /** The longest since this moment, one that has just ended included. */
  longest(since: Ns): Ns;
  /** From `from` until now the thread was held by a call that may block: what the process did then is no lateness. */
  excuse(from: Ns): void;
  /** The process was stopped by a signal and goes on: where that was during such a call, its time was not the call's alone. */
  resumed(): void;
}

/** Callback for a stall that has ended and that no call explains wholly. */
type OnLate = (until: Ns, ns: Ns) => void;

interface Stall {
  readonly until: Ns;
  readonly ns: Ns;
}

/**
 * A timer that notes how late it comes. node:perf_hooks' monitorEventLoopDelay() would be cheaper, but takes its first time
 * from the first tick after a reset: it misses a stall that begins before that, and one that is asked about in the very
 * turn of the loop in which it ended.
 */
export function watchStalls(now: Clock, onLate: OnLate = () => undefined): Stalls {
  let last = now();
  let before = last;
  let excused = 0;
  let latest: Stall | undefined;
  let excusedUntil = last;
  /** In order, each shorter than the one before: the longest since any moment is the first that ended after it. */
  const stalls: Stall[] = [];
  const tick = (): void => {
    const t = now();
    const ns = t - last - resolutionMs * 1e6;
    if (ns > 0) {
      while ((stalls.at(-1)?.ns ?? Number.POSITIVE_INFINITY) <= ns) stalls.pop();
      stalls.push({ until: t, ns });
    }
    if (ns - excused > 0) onLate(t, ns - excused);
    excused = 0;
    before = last;
    last = t;
  };
  setInterval(tick, resolutionMs).unref();
  return {
    longest(since) {
      tick();
      return Math.max(0, ...stalls.map(({ until, ns }) => Math.min(ns, until - since)));
    },
    excuse(from) {
      const t = now();
      excused += Math.max(0, t - Math.max(from, last, excusedUntil));
      excusedUntil = t;
      latest = { until: t, ns: t - from };
    },
    resumed() {
      // a signal that came during a call is heard in the turn of the loop behind it, in which the timer may come first
      if (latest && latest.until >= before) onLate(latest.until, latest.ns);
      latest = undefined;
    },
  };
}
