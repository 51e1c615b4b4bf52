import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type FilePlace, LingerlabError } from '../errors.ts';
import { exitNow } from '../native/exit.ts';
import { isExperimentFile, ownModules } from './own-files.ts';

/** Callback for an error of an experiment's code that no promise carries. */
type Fail = (error: unknown) => void;
const running = new AsyncLocalStorage<Fail>();

/** Ends this program as process.exit() does, even where an experiment's own is caught, and without waiting for V8's threads. */
export function exitProgram(code: number): never {
  process.exitCode = code;
  process.emit('exit', code);
  return exitNow(Number(process.exitCode));
}

/** process.exit() of an experiment's code is that experiment's error; anybody else's ends the program. */
process.exit = (code) => {
  const fail = running.getStore();
  if (!fail) return exitProgram(Number(code ?? process.exitCode ?? 0));
  const error = new Error(`it called process.exit(${code ?? ''})`);
  fail(error);
  throw error;
};

/**
 * Runs code of an experiment. Calls `fail` when that code throws in a timer, leaves a rejection unhandled, calls process.exit()
 * or does not give the thread back; the result may then never come.
 */
export const asExperimentCode = <T>(fail: Fail, play: () => T): T => running.run(fail, play);

/** Runs code of an experiment, and rejects with the errors that {@link asExperimentCode} passes to `fail`. */
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
    `the experiment blocked the program's only thread for more than ${seconds} s`,
    'end the loop, or await instead of calling something that blocks',
    { at },
  );

/** A call in a stack trace of V8's, with its file as a URL, or as a path where that is a CommonJS module. */
const call = /^\s+at (?:.*\()?(?:async )?((?:file:\/\/)?\/[^()]*?):(\d+):\d+\)?$/;

/** The innermost call of an error's stack in a file that is none of this program's: the experiment's own line. */
export function experimentPlace({ stack = '' }: { readonly stack?: string }): FilePlace | undefined {
  for (const text of stack.split('\n')) {
    const [, where, line] = call.exec(text) ?? [];
    if (where === undefined) continue;
    const url = where.startsWith('file:') ? where : pathToFileURL(where).href;
    if (isExperimentFile(url, ownModules)) return { file: fileURLToPath(url), line: Number(line) };
  }
  return undefined;
}

/**
 * Returns whether the paused code that holds the thread is an experiment's. If so, its `fail` gets the error once the thread is
 * free. To be called while that code is paused.
 */
export function reportBlocked(error: LingerlabError): boolean {
  const fail = running.getStore();
  if (fail) setTimeout(fail, 0, error);
  return fail !== undefined;
}
