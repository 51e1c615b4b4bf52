import type { Clock } from '../native/clock.ts';
import type { Ns } from '../record/event.ts';

/** Stalls shorter than this are not told apart. */
const resolutionMs = 10;
/**
 * Nor these, in a process that was asked for nothing for so long: 100 looks a second took 2 % of a CPU, and a short cell spends most of
 * its time in waiting for the other end or for an observer.
 */
const restingMs = 40;
const restsAfterMs = 50;

/** How long the event loop stood still. */
export interface Stalls {
  /** The process is asked for something: it is watched closely again. Without this ever called, it always is. */
  attend(): void;
  /** Nobody asks about the time from now until it is asked for something again: it is not watched. */
  pause(): void;
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
  let attendedAt: Ns | undefined;
  let periodMs = resolutionMs;
  let isPaused = false;
  const tick = (): void => {
    const t = now();
    const ns = t - last - periodMs * 1e6;
    if (ns > 0) {
      while ((stalls.at(-1)?.ns ?? Number.POSITIVE_INFINITY) <= ns) stalls.pop();
      stalls.push({ until: t, ns });
    }
    if (ns - excused > 0) onLate(t, ns - excused);
    excused = 0;
    before = last;
    last = t;
  };
  const next = (): NodeJS.Timeout =>
    setTimeout(() => {
      tick();
      const rests = attendedAt !== undefined && last - attendedAt > restsAfterMs * 1e6;
      periodMs = rests ? restingMs : resolutionMs;
      timer = next();
    }, periodMs).unref();
  let timer = next();
  return {
    attend() {
      attendedAt = now();
      if (isPaused) before = last = attendedAt;
      else if (periodMs === resolutionMs) return;
      else tick();
      clearTimeout(timer);
      isPaused = false;
      periodMs = resolutionMs;
      timer = next();
    },
    pause() {
      clearTimeout(timer);
      isPaused = true;
    },
    longest(since) {
      if (!isPaused) tick();
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
