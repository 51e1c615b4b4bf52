import { firstError, LingerlabError, messageOf } from '../errors.ts';
import { exitNow } from '../native/exit.ts';
import { dieWithParent } from '../native/process.ts';
import type { Handlers, Obey, Protocol, Request, Sent, SentError, Started, VerbOf } from './protocol.ts';

/**
 * What this process was started with. It does not outlive the process that started it, and ends by this signal: one that
 * has something to clean up takes SIGTERM.
 */
export function startedWith<Arguments extends Started>(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Arguments {
  const given: Arguments = JSON.parse(process.argv[2] ?? '{}');
  dieWithParent(given.parent, signal);
  return given;
}

const send = <Told>(message: Sent<Told>): void => void process.send?.(message);

/** Sends the harness a report that answers no request. */
export const tellHarness = <Told>(told: Told): void => send({ told });

/** Obeys by a table of handlers. */
export const byHandlers =
  <P extends Protocol<P>>(handlers: Handlers<P>): Obey<P> =>
  (verb, ask) =>
    handlers[verb](ask);

const sentError = (error: unknown): SentError => ({
  message: messageOf(error),
  ...(error instanceof LingerlabError && { coded: { code: error.code, remedy: error.remedy } }),
});

async function answer<P extends Protocol<P>, V extends VerbOf<P>>(obey: Obey<P>, request: Request<P, V>) {
  const { id, verb, ask } = request;
  try {
    send({ id, value: await obey(verb, ask) });
  } catch (error) {
    send({ id, error: sentError(error) });
  }
}

/** A process that could not clean up ends so, having written why. */
const uncleanCode = 1;

/**
 * Answers the harness's requests from now on. Where the harness is gone, the process ends; `cleanUp` is called before that,
 * and before it ends by SIGTERM, which a process without anything to clean up leaves to the kernel.
 */
export function serve<P extends Protocol<P>>(obey: Obey<P>, cleanUp?: () => void): void {
  const end = (): never => {
    try {
      cleanUp?.();
    } catch (error) {
      process.stderr.write(`could not clean up: ${messageOf(firstError(error))}\n`);
      exitNow(uncleanCode);
    }
    exitNow(0);
  };
  process.on('message', (request: Request<P, VerbOf<P>>) => void answer(obey, request));
  process.on('disconnect', end);
  if (cleanUp) process.on('SIGTERM', end);
  send({ ready: true });
}
