import { LingerlabError } from '../errors.ts';

/**
 * How long a process of ours may take to start, and to answer what needs no waiting. Starting takes 30 to 70 ms of CPU, an
 * answer less than one: hundreds of times that, so that an overloaded or emulated machine is not taken for a process that hangs.
 */
export const answerMs = 10_000;

/** Whether a promise settles within this time. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error of what did not happen in time: `the observer process did not answer "sample" within 10 s`. */
export const noAnswer = (what: string, ms: number): LingerlabError =>
  new LingerlabError(
    'NO_ANSWER',
    `${what} within ${ms / 1000} s`,
    'something stopped it, or the machine is overloaded: run again with --resume, with fewer --jobs',
  );
