import type { Socket } from 'node:net';
import { type ErrorCode, LingerlabError, messageOf } from '../errors.ts';
import { type Child, startChild } from './child.ts';
import { afterDeadline, answerMs, noAnswer, settlesWithin } from './deadline.ts';
import { entryPoint, type Program } from './entry.ts';
import type { Protocol, Request, Sent, SentError, Started, VerbOf } from './protocol.ts';

/** A process of ours that answers requests over Node's IPC channel and dies with this one. */
export interface Worker<P extends Protocol<P>> {
  readonly pid: number;
  /**
   * Asks, and resolves with the answer. Rejects with the error made by `refused` or sent by the process, with the one made by
   * `died` where the process ends first, with NO_ANSWER after a deadline in ms, and with a signal's reason when that is aborted.
   * What ends the wait is by default the worker's `until`, and without that 10 s.
   */
  ask<V extends VerbOf<P>>(verb: V, ask: P[V]['ask'], end?: number | AbortSignal): Promise<P[V]['value']>;
  signal(name: NodeJS.Signals): void;
  /** What it wrote to standard output and error, up to a limit. */
  log(): string;
  /** How many requests have no answer yet. */
  readonly unanswered: number;
  /** From now on its end is no surprise. */
  expectEnd(): void;
  readonly ended: Promise<void>;
  /** Ends it, by SIGKILL or, where it has something to clean up, first by SIGTERM; resolves when it is gone. */
  end(graceMs?: number): Promise<void>;
}

export interface WorkerOptions<Told> {
  /** What messages call it, `peer client`: asked for when there is something to say. */
  readonly name: () => string;
  readonly entry: Program;
  /** Its one argument, as JSON. */
  readonly argument: Started;
  /** Options of Node.js; those that this version does not know are left out. */
  readonly options?: readonly string[];
  /** Options of V8, which every version knows. */
  readonly engine?: readonly string[];
  /** It takes SIGTERM, to leave nothing behind. */
  readonly cleansUp?: boolean;
  /** Starts it: inside a namespace, for one. */
  readonly within?: <T>(start: () => T) => T;
  /** Called with the pid at once, before the process has started its program. */
  readonly spawned?: (pid: number) => void;
  /** Ends the wait for requests without a deadline of their own: the steps of a cell end with the cell. */
  readonly until?: AbortSignal;
  /** Called with each message that answers no request. */
  readonly told: (told: Told) => void;
  /** Makes the error for a request that it could not do. */
  readonly refused: (verb: string, message: string) => LingerlabError;
  /** Makes the error for its end, from how it ended and what it wrote. */
  readonly died: (how: string, log: string) => LingerlabError;
  /** Called when the process ends unexpectedly. */
  readonly surprised: (error: LingerlabError) => void;
  /** Called when the process could not clean up, or not in time. */
  readonly unclean?: (error: LingerlabError) => void;
}

const logLimit = 64 * 1024;

/** A request that has not been answered. */
interface Waiting {
  readonly answer: PromiseWithResolvers<unknown>;
  readonly verb: string;
  readonly end: Disposable;
}

/** Calls back when a signal is aborted. */
function whenAborted(signal: AbortSignal, aborted: () => void): Disposable {
  signal.addEventListener('abort', aborted, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', aborted) };
}

/** Start a process of ours; resolves when it answers. Rejects with the error made by `died`, or with NO_ANSWER. */
export async function startWorker<P extends Protocol<P>, Told = never>(
  options: WorkerOptions<Told>,
): Promise<Worker<P>> {
  const { name, until, within = (start) => start() } = options;
  until?.throwIfAborted();
  let child: Child<'output' | 'channel'>;
  try {
    child = within(() => startNode(options));
  } catch (error) {
    throw options.died(messageOf(error), '');
  }
  const { channel, output } = child.streams;
  options.spawned?.(child.pid);
  let log = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    if (log.length < logLimit) log += text;
  });

  const waiting = new Map<number, Waiting>();
  const ready = Promise.withResolvers<void>();
  let expected = false;
  let dead: LingerlabError | undefined;
  let clean = true;
  const take = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    found?.end[Symbol.dispose]();
    waiting.delete(id);
    return found;
  };
  const giveUp = (): void => ready.reject(until?.reason);
  until?.addEventListener('abort', giveUp, { once: true });
  const ended = child.ended.then((end) => {
    until?.removeEventListener('abort', giveUp);
    clean = 'code' in end && end.code === 0;
    dead = options.died('signal' in end ? end.signal : `exit code ${end.code}`, log.trim());
    for (const id of waiting.keys()) take(id)?.answer.reject(dead);
    ready.reject(dead);
    if (!expected) options.surprised(dead);
  });
  const heard = (message: Sent<Told>): void => {
    if ('ready' in message) ready.resolve();
    else if ('told' in message) options.told(message.told);
    else {
      const asked = take(message.id);
      if (!asked) return;
      if ('error' in message) asked.answer.reject(received(message.error, asked.verb, options));
      else asked.answer.resolve(message.value);
    }
  };
  onLines(channel, (line) => heard(JSON.parse(line)));
  try {
    if (!(await settlesWithin(ready.promise, answerMs)))
      throw noAnswer(`${name()} (pid ${child.pid}) did not start`, answerMs);
    await ready.promise;
  } catch (error) {
    expected = true;
    await child.end();
    throw error;
  }

  let next = 1;
  return {
    pid: child.pid,
    log: () => log,
    get unanswered() {
      return waiting.size;
    },
    ended,
    expectEnd: () => {
      expected = true;
    },
    signal: (signal) => child.signal(signal),
    async end(graceMs) {
      const before = dead;
      expected = true;
      await child.end(graceMs);
      if (options.cleansUp && dead && !before && !clean) options.unclean?.(dead);
    },
    async ask<V extends VerbOf<P>>(verb: V, ask: P[V]['ask'], end: number | AbortSignal = until ?? answerMs) {
      if (dead) throw dead;
      if (typeof end !== 'number') end.throwIfAborted();
      const id = next++;
      const answer = Promise.withResolvers<unknown>();
      const giveUp = (why: () => unknown) => () => take(id)?.answer.reject(why());
      const ending =
        typeof end === 'number'
          ? afterDeadline(
              end,
              giveUp(() => noAnswer(`${name()} did not answer "${verb}"`, end)),
            )
          : whenAborted(
              end,
              giveUp(() => end.reason),
            );
      waiting.set(id, { answer, verb, end: ending });
      const request: Request<P, V> = { id, verb, ask };
      // a request that cannot be sent fails when the process ends, with the reason of that end
      channel.write(`${JSON.stringify(request)}\n`);
      return (await answer.promise) as P[V]['value'];
    },
  };
}

const received = (
  { message, coded }: SentError,
  verb: string,
  { refused }: Pick<WorkerOptions<never>, 'refused'>,
): LingerlabError =>
  coded ? new LingerlabError(coded.code as ErrorCode, message, coded.remedy) : refused(verb, message);

/**
 * One of our programs, with the channel that node:child_process would give it: lines of JSON on the descriptor that
 * NODE_CHANNEL_FD names, child_process.fork() in Node's documentation.
 */
const startNode = ({
  entry,
  argument,
  options = [],
  engine = [],
  cleansUp = false,
}: Pick<WorkerOptions<never>, 'entry' | 'argument' | 'options' | 'engine' | 'cleansUp'>) =>
  startChild({
    program: process.execPath,
    args: [
      ...options.filter((option) => process.allowedNodeEnvironmentFlags.has(option)),
      ...engine,
      entryPoint(entry),
      JSON.stringify(argument),
    ],
    env: { ...process.env, NODE_OPTIONS: undefined, NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' },
    descriptors: [null, 'output', 'output', 'channel'],
    cleansUp,
  });

/** Each line that comes, without its end; what follows the last one was not finished. */
function onLines(from: Socket, take: (line: string) => void): void {
  let unfinished = '';
  from.setEncoding('utf8').on('data', (text: string) => {
    const lines = (unfinished + text).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
