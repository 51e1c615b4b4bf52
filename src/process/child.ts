import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type End, reap, spawnProcess, streamPair } from '../native/spawn.ts';
import { settlesWithin } from './deadline.ts';

export interface ChildOptions<Stream extends string> {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What its descriptors 0, 1, 2 and so on are: a stream whose other end is ours, or /dev/null. */
  readonly descriptors: readonly (Stream | null)[];
  /** It takes SIGTERM, to leave nothing behind. */
  readonly cleansUp?: boolean;
}

/** A process of ours and our ends of its streams. */
export interface Child<Stream extends string> {
  readonly pid: number;
  /** Each is to be read, or its end is not noticed. */
  readonly streams: Readonly<Record<Stream, Socket>>;
  /** How it ended, once all that it wrote has come. */
  readonly ended: Promise<End>;
  /** Does nothing once it has ended. */
  signal(name: NodeJS.Signals): void;
  /**
   * Ends the process and every process that it started and left in its session: SIGTERM, then SIGKILL after so many ms; SIGKILL
   * at once by default. Resolves when it is gone.
   */
  readonly end: (graceMs?: number) => Promise<void>;
}

/** How long the kernel may take to end a process, which it does in a few ms, and its streams to be closed after that. */
const killMs = 2000;

/** Every child that has not ended. */
const living = new Set<{ readonly pid: number; readonly cleansUp: boolean }>();

/**
 * Start a process in the thread's present namespaces; throws SystemCallError. It has a session of its own, setsid(2): Ctrl-C in
 * a terminal goes to the harness alone, which decides, and a program's own children end with it.
 */
export function startChild<Stream extends string>(options: ChildOptions<Stream>): Child<Stream> {
  const { descriptors, env = process.env, cleansUp = false } = options;
  const names = [...new Set(descriptors.filter((name) => name !== null))];
  const pairs = new Map(names.map((name) => [name, streamPair()] as const));
  const nowhere = openSync('/dev/null', constants.O_RDWR);
  const theirs = (name: Stream | null) => (name === null ? nowhere : (pairs.get(name)?.[1] ?? nowhere));
  let pid: number;
  try {
    pid = spawnProcess({ ...options, env, session: true, descriptors: descriptors.map(theirs) });
  } catch (error) {
    for (const [ours] of pairs.values()) closeSync(ours);
    throw error;
  } finally {
    closeSync(nowhere);
    for (const [, theirs] of pairs.values()) closeSync(theirs);
  }
  const sockets = [...pairs].map(([name, [fd]]) => [name, new Socket({ fd })] as const);
  const self = { pid, cleansUp };
  living.add(self);
  const ended = (async () => {
    await Promise.all(sockets.map(([, socket]) => closed(socket)));
    const end = await reaped(pid);
    living.delete(self);
    return end;
  })();
  return {
    pid,
    streams: Object.fromEntries(sockets) as Record<Stream, Socket>,
    ended,
    signal(name) {
      if (living.has(self)) process.kill(pid, name);
    },
    async end(graceMs = 0) {
      if (graceMs > 0) {
        if (living.has(self)) askToEnd(pid);
        if (await settlesWithin(ended, graceMs)) return;
      }
      if (living.has(self)) killSession(pid);
      if (await settlesWithin(ended, killMs)) return;
      // a process that left the session holds the streams
      for (const [, socket] of sockets) socket.destroy();
      await settlesWithin(ended, killMs);
    },
  };
}

/** Also a stopped process: SIGTERM waits until it goes on. */
function askToEnd(pid: number): void {
  process.kill(pid, 'SIGTERM');
  process.kill(pid, 'SIGCONT');
}

/** The leader has not been waited for, so the number is still its group's. */
function killSession(pid: number): void {
  process.kill(-pid, 'SIGKILL');
}

/** The processes that were started and have not ended. */
export const livingChildren = (): number[] => [...living].map(({ pid }) => pid);

/**
 * Ends all children without going back to the event loop, and waits for so many ms for those that clean up. One that takes longer
 * goes on behind this program and ends by itself: killed, it would leave a trace instance.
 */
export function endChildrenNow(graceMs: number): void {
  let left = [...living].filter(({ cleansUp }) => cleansUp && graceMs > 0);
  for (const child of living) {
    if (left.includes(child)) askToEnd(child.pid);
    else killSession(child.pid);
  }
  const deadline = performance.now() + graceMs;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    left = left.filter(({ pid }) => !reap(pid));
    if (left.length === 0 || performance.now() > deadline) break;
    Atomics.wait(pause, 0, 0, 5);
  }
}

/** Resolves when a stream is closed. Ignores its errors: the process's end follows, and reports why. */
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
