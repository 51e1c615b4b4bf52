import { LingerlabError } from '../errors.ts';

/**
 * How long a process of ours may take to start, and to answer what needs no waiting. Starting takes 30 to 70 ms of CPU, an
 * answer less than one: hundreds of times that, so that an overloaded or emulated machine is not taken for a process that hangs.
 */
export const answerMs = 10_000;

/** For what came while this thread was held, or this process stopped, and has yet to be read. */
const unreadMs = 200;

/** Calls back after so many ms, but not before what has come meanwhile was read: until then nobody can say that it is missing. */
export function afterDeadline(ms: number, late: () => void): Disposable {
  let timer = setTimeout(() => {
    timer = setTimeout(late, unreadMs);
  }, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/**
 * Calls back after so many ms, times what `patience` says when these have passed: other programs may use the machine meanwhile.
 * Passes the ms that it waited.
 */
export function afterPatience(ms: number, patience: () => number, late: (ms: number) => void): Disposable {
  const began = performance.now();
  const look = (): void => {
    const passed = performance.now() - began;
    const left = ms * patience() - passed;
    if (left > 0) timer = setTimeout(look, left);
    else late(passed);
  };
  let timer = setTimeout(look, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** `10.6 s`. */
export const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;

/** Whether a promise settles within this time. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  using _timer = afterDeadline(ms, () => late.resolve(false));
  const settled = promise.then(
    () => true,
    () => true,
  );
  return await Promise.race([settled, late.promise]);
}

/**
 * Resolves with what a promise comes to, however long that takes, as long as `alive`, which is called each time that so many ms have
 * passed, does not reject: then with what it rejected with.
 */
export async function whileAlive<T>(promise: Promise<T>, everyMs: number, alive: () => Promise<unknown>): Promise<T> {
  while (!(await settlesWithin(promise, everyMs))) await alive();
  return promise;
}

/** The error of what did not happen in time: `the observer process did not answer "sample" within 10 s`. */
export const noAnswer = (what: string, ms: number): LingerlabError =>
  new LingerlabError(
    'NO_ANSWER',
    `${what} within ${ms / 1000} s`,
    'run again with --resume and fewer --jobs: the process was stopped, or the machine is overloaded',
  );
