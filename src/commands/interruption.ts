import { LingerlabError } from '../errors.ts';

/** A signal that is aborted by Ctrl-C, SIGTERM or SIGHUP. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/** What bin.js passes on follows what the terminal sent to all. */
const onceMs = 200;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `say` prints for the user, where a live display may be at work; `atOnce` ends the program when a second signal comes. */
export function interruption(say: (text: string) => void, atOnce: (error: LingerlabError) => void): Interruption {
  const controller = new AbortController();
  let at = Number.NEGATIVE_INFINITY;
  const stop = (signal: NodeJS.Signals) => {
    if (performance.now() - at < onceMs) return;
    at = performance.now();
    const remedy = 'go on with lingerlab run --resume';
    if (controller.signal.aborted) {
      atOnce(new LingerlabError('INTERRUPTED', `stopped at once by a second signal, ${signal}`, remedy));
      return;
    }
    say('lingerlab: stopping; what finished is saved, what is at work is being cleaned up; once more ends it at once');
    controller.abort(new LingerlabError('INTERRUPTED', `stopped by ${signal}`, remedy));
  };
  for (const signal of signals) process.on(signal, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}
