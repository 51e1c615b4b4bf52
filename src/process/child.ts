import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type End, reap, spawnProcess, streamPair } from '../native/spawn.ts';

export interface ChildOptions<Stream extends string> {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A session of its own: Ctrl-C in a terminal does not reach it. */
  readonly session?: boolean;
  /** What its descriptors 0, 1, 2 and so on are: a stream whose other end is ours, or /dev/null. */
  readonly descriptors: readonly (Stream | null)[];
}

/** A process of ours and our ends of its streams. */
export interface Child<Stream extends string> {
  readonly pid: number;
  /** Each is to be read, or its end is not noticed. */
  readonly streams: Readonly<Record<Stream, Socket>>;
  /** How it ended, once all it wrote has come. */
  readonly ended: Promise<End>;
  /** Does nothing once it has ended. */
  signal(name: NodeJS.Signals): void;
}

/** Start a process in the thread's present namespaces; throws SystemCallError. */
export function startChild<Stream extends string>(options: ChildOptions<Stream>): Child<Stream> {
  const { descriptors, env = process.env, session = false } = options;
  const names = [...new Set(descriptors.filter((name) => name !== null))];
  const pairs = new Map(names.map((name) => [name, streamPair()] as const));
  const nowhere = openSync('/dev/null', constants.O_RDWR);
  const theirs = (name: Stream | null) => (name === null ? nowhere : (pairs.get(name)?.[1] ?? nowhere));
  let pid: number;
  try {
    pid = spawnProcess({ ...options, env, session, descriptors: descriptors.map(theirs) });
  } catch (error) {
    for (const [ours] of pairs.values()) closeSync(ours);
    throw error;
  } finally {
    closeSync(nowhere);
    for (const [, theirs] of pairs.values()) closeSync(theirs);
  }
  const sockets = [...pairs].map(([name, [fd]]) => [name, new Socket({ fd })] as const);
  let over = false;
  const ended = (async () => {
    await Promise.all(sockets.map(([, socket]) => closed(socket)));
    const end = await reaped(pid);
    over = true;
    return end;
  })();
  return {
    pid,
    streams: Object.fromEntries(sockets) as Record<Stream, Socket>,
    ended,
    signal(name) {
      if (!over) process.kill(pid, name);
    },
  };
}

/** What cannot be written or read any more fails with the process's end, which tells why. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined).on('close', () => resolve());
  });

/** The kernel closes a process's descriptors before it can be waited for: by a fraction of a millisecond, mostly. */
async function reaped(pid: number): Promise<End> {
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const end = reap(pid);
    if (end) return end;
    await sleep(pause);
  }
}
