import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type FilePlace, LingerlabError } from '../errors.ts';
import { isExperimentFile } from './own-files.ts';

/** Told what an experiment's code did where nobody awaits it. */
type Fail = (error: unknown) => void;
const running = new AsyncLocalStorage<Fail>();

/** Ends this program, whoever asks. */
export const exitProgram: (code: number) => never = process.exit.bind(process);

/** process.exit() of an experiment's code is that experiment's error; anybody else's ends the program. */
process.exit = (code) => {
  const fail = running.getStore();
  if (!fail) return exitProgram(Number(code ?? process.exitCode ?? 0));
  const error = new Error(`it called process.exit(${code ?? ''})`);
  fail(error);
  throw error;
};

/**
 * Run code of an experiment. `fail` is told of what it throws in a timer, of a rejection that nobody awaits, of process.exit() and
 * of a loop that does not give the thread back; then the result may never come.
 */
export const asExperimentCode = <T>(fail: Fail, play: () => T): T => running.run(fail, play);

/** The same, with all of that as the promise's rejection. */
export const ofExperiment = <T>(play: () => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    asExperimentCode(reject, play).then(resolve, reject);
  });

/**
 * While this lives, an error that nobody catches fails the code of an experiment that it comes from, and no other. One that comes
 * from none is the program's own: it is thrown on, to end the process.
 */
export function catchStrays(): Disposable {
  const caught = (error: unknown): void => {
    const fail = running.getStore();
    if (!fail) throw error;
    fail(error);
  };
  process.on('uncaughtException', caught).on('unhandledRejection', caught);
  return {
    [Symbol.dispose]: () => void process.off('uncaughtException', caught).off('unhandledRejection', caught),
  };
}

/** The error of code that held the thread for so long. */
export const blocked = (at: FilePlace, seconds: number): LingerlabError =>
  new LingerlabError(
    'BLOCKED',
    `the experiment did not give the program's only thread back within ${seconds} s`,
    'a loop that does not end, or a call that blocks: await what it waits for',
    { at },
  );

const own = new URL('../', import.meta.url).href;
/** A call in a stack trace of V8's, with its file as a URL, or as a path where that is a CommonJS module. */
const call = /^\s+at (?:.*\()?(?:async )?((?:file:\/\/)?\/[^()]*?):(\d+):\d+\)?$/;

/** The innermost call of an error's stack in a file that is none of this program's: the experiment's own line. */
export function experimentPlace({ stack = '' }: { readonly stack?: string }): FilePlace | undefined {
  for (const text of stack.split('\n')) {
    const [, where, line] = call.exec(text) ?? [];
    if (where === undefined) continue;
    const url = where.startsWith('file:') ? where : pathToFileURL(where).href;
    if (isExperimentFile(url, own)) return { file: fileURLToPath(url), line: Number(line) };
  }
  return undefined;
}

/**
 * To be called while the code that holds the thread is paused: whether it is an experiment's, which is told of its error once the
 * thread is free again.
 */
export function reportBlocked(error: LingerlabError): boolean {
  const fail = running.getStore();
  if (fail) setTimeout(fail, 0, error);
  return fail !== undefined;
}
