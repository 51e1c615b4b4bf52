import { constants } from 'node:os';
import {
  socketConstants as c,
  POSIX_SPAWN_SETSID,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
  WNOHANG,
} from './constants.ts';
import {
  posixSpawnActions as actions,
  posixSpawnAttr as attr,
  posixSpawnp,
  sigfillset,
  socketpair,
  waitpid,
} from './libc.ts';

export interface Spawning {
  /** Looked for on the PATH where it has no slash. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What the process has as its descriptors 0, 1, 2 and so on: descriptors of ours. What else Node opened it does not get. */
  readonly descriptors: readonly number[];
  /** A session of its own, setsid(2). */
  readonly session: boolean;
}

/** At least as large as posix_spawnattr_t, posix_spawn_file_actions_t and sigset_t of glibc on 64 bits: 336, 80, 128. */
const room = 512;

/**
 * Start a process in the thread's present namespaces: its pid. Throws SystemCallError where it cannot be started.
 *
 * Not by node:child_process, which forks: that copies the page tables of this process, and takes it and the new one 2 ms of
 * CPU each at 100 MB, 5 ms at 250. posix_spawn(3) shares the memory until the program is loaded.
 */
export function spawnProcess({ program, args, env, descriptors, session }: Spawning): number {
  if (Math.min(...descriptors) < descriptors.length) throw new RangeError('one descriptor would overwrite another');
  const [attributes, files, allSignals] = [Buffer.alloc(room), Buffer.alloc(room), Buffer.alloc(room)];
  const pid = Buffer.alloc(4);
  attr.init(attributes);
  actions.init(files);
  try {
    sigfillset(allSignals);
    // Node ignores SIGPIPE; nobody is to inherit that, nor a mask
    attr.setsigdefault(attributes, allSignals);
    attr.setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (session ? POSIX_SPAWN_SETSID : 0));
    for (const [target, source] of descriptors.entries()) actions.adddup2(files, source, target);
    const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
    posixSpawnp(pid, program, files, attributes, [program, ...args, null], [...variables, null]);
    return pid.readInt32LE();
  } finally {
    actions.destroy(files);
    attr.destroy(attributes);
  }
}

/** How a process ended. */
export type End = { readonly code: number } | { readonly signal: NodeJS.Signals };

/** Second names of numbers, signal(7). */
const secondNames = new Set(['SIGIOT', 'SIGPOLL', 'SIGUNUSED']);
const signalNames = new Map(
  Object.entries(constants.signals)
    .filter(([name]) => !secondNames.has(name))
    .map(([name, value]) => [value, name as NodeJS.Signals]),
);

/** How a process that {@link spawnProcess} started ended, once: it is gone then. undefined while it lives. wait(2). */
export function reap(pid: number): End | undefined {
  const status = Buffer.alloc(4);
  if (waitpid(pid, status, WNOHANG) === 0) return undefined;
  const word = status.readInt32LE();
  const signal = signalNames.get(word & 0x7f);
  return signal ? { signal } : { code: (word >> 8) & 0xff };
}

/** Two ends of a stream, unix(7), that no other process inherits. Throws SystemCallError. */
export function streamPair(): readonly [number, number] {
  const ends = Buffer.alloc(8);
  socketpair(c.AF_UNIX, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0, ends);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}
