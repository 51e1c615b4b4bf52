import { spawn } from 'node:child_process';
import type { LingerlabError } from '../errors.ts';
import { entryPoint } from './entry.ts';

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
  /** Compiled module: `peers/main`. */
  readonly entry: string;
  /** Its one argument, as JSON. */
  readonly argument: object;
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
  // not through execa, which takes 1.5 ms of CPU more to start one
  const start = () =>
    spawn(process.execPath, [entryPoint(options.entry), JSON.stringify(options.argument)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // a session of its own: Ctrl-C in a terminal goes to the harness alone, which decides
      detached: true,
      env: { ...process.env, NODE_OPTIONS: undefined },
    });
  const child = options.within ? options.within(start) : start();
  if (child.pid !== undefined) options.spawned?.(child.pid);
  let log = '';
  const keep = (chunk: Buffer) => {
    if (log.length < logLimit) log += chunk.toString();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);

  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  const ready = Promise.withResolvers<void>();
  let expected = false;
  let dead: LingerlabError | undefined;
  const ended = Promise.withResolvers<void>();
  const end = (how: string) => {
    dead = options.died(how, log.trim());
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
    ready.reject(dead);
    if (!expected) options.surprised(dead);
    ended.resolve();
  };
  child.on('close', (code, signal) => end(signal ?? `exit code ${code}`));
  child.on('error', (error) => {
    // any other error is of a signal or a message that came too late, and the end tells why
    if (child.pid === undefined) end(error.message);
  });
  child.on('message', (message: Reply | Message | { ready: true }) => {
    if ('ready' in message) return ready.resolve();
    if (!('id' in message)) return options.told(message as Message);
    waiting.get(message.id)?.resolve(message as Reply);
    waiting.delete(message.id);
  });
  await ready.promise;

  let next = 1;
  return {
    pid: child.pid as number,
    log: () => log,
    ended: ended.promise,
    expectEnd: () => {
      expected = true;
    },
    signal: (name) => void child.kill(name),
    ask(verb, rest) {
      if (dead) return Promise.reject(dead);
      const id = next++;
      const answer = Promise.withResolvers<Reply>();
      waiting.set(id, answer);
      // a request that cannot be sent fails with the process's end, which tells why
      child.send({ id, verb, ...rest }, () => undefined);
      return answer.promise;
    },
  };
}
