import { LingerlabError } from '../errors.ts';

/** A signal that is aborted by Ctrl-C, SIGTERM or SIGHUP. Pressing again changes nothing: cleaning up takes its time. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/** What bin.js passes on follows what the terminal sent to all. */
const onceMs = 200;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `say` tells the user, where a live display may be at work. */
export function interruption(say: (text: string) => void): Interruption {
  const controller = new AbortController();
  let at = Number.NEGATIVE_INFINITY;
  const stop = (signal: NodeJS.Signals) => {
    if (performance.now() - at < onceMs) return;
    at = performance.now();
    if (controller.signal.aborted) {
      say('lingerlab: still cleaning up');
      return;
    }
    say('lingerlab: stopping; what finished is saved, what is at work is being cleaned up');
    controller.abort(new LingerlabError('INTERRUPTED', `stopped by ${signal}`, 'go on with lingerlab run --resume'));
  };
  for (const signal of signals) process.on(signal, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}
