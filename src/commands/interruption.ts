import { LingerlabError } from '../errors.ts';
import { goOn, onEndSignals, stoppedAtOnce } from '../process/ending.ts';
import { watchForSignals } from '../process/watchdog.ts';

/** A signal that is aborted by Ctrl-C, SIGTERM, SIGHUP, or the end of the program that passes these on. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

export interface Interrupting {
  /** Prints for the user, where a live display may be at work. */
  readonly say: (text: string) => void;
  /** Ends the program when a second signal comes. */
  readonly atOnce: (error: LingerlabError) => void;
  /** The run's folder, whose run is saved as interrupted where code of an experiment holds the thread when that signal comes. */
  readonly folder: string;
}

/** Makes signals interrupt what goes on, until it is disposed of. */
export function interruption({ say, atOnce, folder }: Interrupting): Interruption {
  const controller = new AbortController();
  const signals = onEndSignals((nth, { signal, text }) => {
    if (nth > 1) {
      atOnce(stoppedAtOnce(signal));
      return;
    }
    say('lingerlab: stopping; what finished is saved, what is at work is being cleaned up; once more ends it at once');
    controller.abort(new LingerlabError('INTERRUPTED', text, goOn));
  });
  const watched = watchForSignals(folder);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      watched[Symbol.dispose]();
      signals[Symbol.dispose]();
    },
  };
}
