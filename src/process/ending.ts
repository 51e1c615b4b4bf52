/** How signals end a program: what its main thread and the watchdog's thread both go by. */
import { LingerlabError } from '../errors.ts';

/** Memory of both threads. */
export type Shared = Int32Array<SharedArrayBuffer>;
const [ticksAt, endingAt] = [0, 1];
export const makeShared = (): Shared => new Int32Array(new SharedArrayBuffer(8));

/** The main thread went back to its event loop once more. */
export const tick = (shared: Shared): void => void Atomics.add(shared, ticksAt, 1);
export const ticks = (shared: Shared): number => Atomics.load(shared, ticksAt);

/** Whether the calling thread is to end the program; false where the other has begun to. */
export const claimEnd = (shared: Shared): boolean => Atomics.compareExchange(shared, endingAt, 0, 1) === 0;

/** Signals that end a run: the first one lets it clean up, a second one ends it at once. */
export const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * What the kernel sends a program whose parent, which only passes signals on to it, was killed: once for each thread of the parent
 * that had taken it over before it ended itself, forget_original_parent() in kernel/exit.c. A signal of its own: of those that a user
 * sends, the second ends a run at once.
 */
export const orphanedSignal = 'SIGUSR2';

/** What bin.js passes on follows what the terminal sent to all. */
const onceMs = 200;

/** Counts signals: the number of one that comes, from 1 on; `undefined` for one that follows the last within 200 ms. */
export function signalCounter(): () => number | undefined {
  let [at, count] = [Number.NEGATIVE_INFINITY, 0];
  return () => {
    if (performance.now() - at < onceMs) return undefined;
    at = performance.now();
    return ++count;
  };
}

/** Who stopped a run, as its error says it. */
const stopped = (signal: NodeJS.Signals): string =>
  signal === orphanedSignal ? 'stopped, since the program that started it was killed' : `stopped by ${signal}`;

/** Until disposed of, calls back with each signal that is to end what goes on, and its number: the second one ends it at once. */
export function onEndSignals(
  seen: (nth: number, stop: { readonly signal: NodeJS.Signals; readonly text: string }) => void,
): Disposable {
  const count = signalCounter();
  let last = 0;
  const take = (signal: NodeJS.Signals): void => {
    const nth = count();
    if (nth === undefined) return;
    last = nth;
    seen(nth, { signal, text: stopped(signal) });
  };
  const orphaned = (): void => {
    if (last === 0) take(orphanedSignal);
  };
  for (const signal of endSignals) process.on(signal, take);
  process.on(orphanedSignal, orphaned);
  return {
    [Symbol.dispose]: () => {
      for (const signal of endSignals) process.off(signal, take);
      process.off(orphanedSignal, orphaned);
    },
  };
}

export const goOn = 'continue with `lingerlab run --resume`';

/** The error of a run that a second signal ended. */
export const stoppedAtOnce = (signal: NodeJS.Signals): LingerlabError =>
  new LingerlabError('INTERRUPTED', `stopped at once by a second signal, ${signal}`, goOn);
