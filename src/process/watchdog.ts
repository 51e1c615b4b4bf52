import { Worker } from 'node:worker_threads';
import type { LingerlabError } from '../errors.ts';
import { claimEnd, makeShared, tick } from './ending.ts';
import { entryPoint } from './entry.ts';
import { blocked, reportBlocked } from './experiment-code.ts';
import { ownModules } from './own-files.ts';
import type { Found, WatchdogData, WatchdogTold } from './watchdog-thread.ts';

/** Ends the program and its children, without going back to the event loop. */
export type LastResort = (error: LingerlabError) => void;

const hook = 'lingerlab: blocked';
/** So often both threads wake: four times as often took 0.3 % of a CPU, this takes 0.1 %. */
const tickMs = 1000;

let lastResort: LastResort | undefined;
const shared = makeShared();
let watching: Worker | undefined;

/**
 * From now on, a thread watches that this one goes back to its event loop. Code of an experiment that does not is ended; its error
 * says so, or `last` is called where nobody takes that error. Where the thread is in no JavaScript, the program is killed in the
 * end. Called again, it only changes `last`.
 */
export function watchThread(last: LastResort): void {
  const watched = lastResort !== undefined;
  lastResort = last;
  if (watched) return;
  const data: WatchdogData = { shared, tickMs, hook, own: ownModules };
  const timer = setInterval(tick, tickMs, shared).unref();
  watching = new Worker(entryPoint('process/watchdog-thread'), {
    workerData: data,
    execArgv: [],
  });
  // where the system has no thread left, nobody watches
  const thread = watching;
  thread.on('error', () => clearInterval(timer));
  // a thread that is ended while it loads native code takes the process with it: SIGABRT
  thread.once('message', () => thread.unref());
  const found = ({ place, seconds }: Found): void => {
    const error = blocked(place, seconds);
    if (!reportBlocked(error)) setTimeout(() => lastResort?.(error), 0);
  };
  Object.defineProperty(globalThis, hook, { value: found });
}

/**
 * From now on until it is disposed of, a second signal ends the program though this thread does not go back to its event loop; the run
 * in `folder` is saved as interrupted.
 */
export function watchForSignals(folder: string): Disposable {
  const say = (told: WatchdogTold) => watching?.postMessage(told);
  say({ folder });
  return { [Symbol.dispose]: () => say({ folder: null }) };
}

/** Returns where this thread is to end the program; where the watchdog has begun to, it does not return. */
export function endHere(): void {
  if (!claimEnd(shared)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
