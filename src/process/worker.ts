import type { Socket } from 'node:net';
import { type LingerlabError, messageOf } from '../errors.ts';
import { type Child, startChild } from './child.ts';
import { entryPoint, type Program } from './entry.ts';

/** A process of ours that answers numbered requests over Node's IPC channel and dies with this one. */
export interface Worker<Reply extends { readonly id: number }> {
  readonly pid: number;
  /** Rejects with the error made by `died` when the process ends first. */
  ask(verb: string, rest: object): Promise<Reply>;
  signal(name: NodeJS.Signals): void;
  /** What it wrote to standard output and error, up to a limit. */
  log(): string;
  /** From now on its end is no surprise. */
  expectEnd(): void;
  readonly ended: Promise<void>;
}

export interface WorkerOptions<Message> {
  readonly entry: Program;
  /** Its one argument, as JSON. */
  readonly argument: object;
  /** Options of Node.js; those that this version does not know are left out. */
  readonly options?: readonly string[];
  /** Starts it: inside a namespace, for one. */
  readonly within?: <T>(start: () => T) => T;
  /** Told at once, when the process has not even started its program. */
  readonly spawned?: (pid: number) => void;
  /** Messages that answer no request. */
  readonly told: (message: Message) => void;
  /** Makes the error for its end, from how it ended and what it wrote. */
  readonly died: (how: string, log: string) => LingerlabError;
  /** It ended though nobody expected that. */
  readonly surprised: (error: LingerlabError) => void;
}

const logLimit = 64 * 1024;

/** Start a process of ours; resolves when it has told that it is ready. */
export async function startWorker<Reply extends { readonly id: number }, Message extends object>(
  options: WorkerOptions<Message>,
): Promise<Worker<Reply>> {
  const within = options.within ?? ((start) => start());
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

  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  const ready = Promise.withResolvers<void>();
  let expected = false;
  let dead: LingerlabError | undefined;
  const ended = child.ended.then((end) => {
    dead = options.died('signal' in end ? end.signal : `exit code ${end.code}`, log.trim());
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
    ready.reject(dead);
    if (!expected) options.surprised(dead);
  });
  const heard = (message: Reply | Message | { ready: true }): void => {
    if ('ready' in message) ready.resolve();
    else if ('id' in message) {
      waiting.get(message.id)?.resolve(message as Reply);
      waiting.delete(message.id);
    } else options.told(message as Message);
  };
  onLines(channel, (line) => heard(JSON.parse(line)));
  await ready.promise;

  let next = 1;
  return {
    pid: child.pid,
    log: () => log,
    ended,
    expectEnd: () => {
      expected = true;
    },
    signal: (name) => child.signal(name),
    ask(verb, rest) {
      if (dead) return Promise.reject(dead);
      const id = next++;
      const answer = Promise.withResolvers<Reply>();
      waiting.set(id, answer);
      // a request that cannot be sent fails with the process's end, which tells why
      channel.write(`${JSON.stringify({ id, verb, ...rest })}\n`);
      return answer.promise;
    },
  };
}

/**
 * One of our programs, with the channel that node:child_process would give it: lines of JSON on the descriptor that
 * NODE_CHANNEL_FD names, child_process.fork() in Node's documentation.
 */
const startNode = ({ entry, argument, options = [] }: Pick<WorkerOptions<never>, 'entry' | 'argument' | 'options'>) =>
  startChild({
    program: process.execPath,
    args: [
      ...options.filter((option) => process.allowedNodeEnvironmentFlags.has(option)),
      entryPoint(entry),
      JSON.stringify(argument),
    ],
    env: { ...process.env, NODE_OPTIONS: undefined, NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' },
    // Ctrl-C in a terminal goes to the harness alone, which decides
    session: true,
    descriptors: [null, 'output', 'output', 'channel'],
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
