import { closeSync, constants, fchmodSync, fstatSync, openSync, statSync, unlinkSync } from 'node:fs';
import { LingerlabError } from '../errors.ts';
import { LOCK_EX, LOCK_NB } from '../native/constants.ts';
import { flock } from '../native/libc.ts';

/** Listener ports of all runs: below the ephemeral range of every kernel (32768 on), so that no client's port falls into it. */
const first = 10_240;
const perRun = 1024;
const blocks = 22;

/**
 * A block of ports that this run alone uses on this machine: the kernel's filter of trace events, which are of every namespace, lets it
 * through. Its number tells the addresses of runs apart.
 */
export interface Ports extends Disposable {
  readonly block: number;
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  take(): number;
  give(port: number): void;
}

/** Not os.tmpdir(): it has to be the same for every user, in every network namespace. */
const lockFile = (block: number): string => `/tmp/lingerlab-ports-${block}`;
const { O_RDONLY, O_CREAT, O_NOFOLLOW } = constants;

/** flock(2) asks for no permission to write, so that a file of another user's run will do. */
function openLock(path: string): number {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const fd = openSync(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o644);
  fchmodSync(fd, 0o644);
  return fd;
}

/** Whether a path still is that of an open file. */
function isStill(path: string, fd: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const open = fstatSync(fd);
  return named !== undefined && named.ino === open.ino && named.dev === open.dev;
}

/**
 * The lock goes with its process, however that ends. undefined where another has it. Who gives it back removes the file first:
 * a lock on a file that has lost its name in the meantime is none, and the next file of that name is tried.
 */
function lock(block: number): number | undefined {
  const path = lockFile(block);
  for (;;) {
    let fd: number | undefined;
    try {
      fd = openLock(path);
      flock(fd, LOCK_EX | LOCK_NB);
      if (isStill(path, fd)) return fd;
    } catch {
      // another run has it; or its file is not ours to open, and so not ours to use
      if (fd !== undefined) closeSync(fd);
      return undefined;
    }
    closeSync(fd);
  }
}

/** Remove the file of a block that is locked, and give the lock back. */
function unlock(block: number, fd: number): void {
  try {
    unlinkSync(lockFile(block));
  } catch {
    // it is another user's, whose runs will use it again
  }
  closeSync(fd);
}

/** Remove what runs left that were killed: files that nobody has locked. */
function sweep(): void {
  for (let block = 0; block < blocks; block++) {
    if (statSync(lockFile(block), { throwIfNoEntry: false }) === undefined) continue;
    const fd = lock(block);
    if (fd !== undefined) unlock(block, fd);
  }
}

/**
 * Lock a free block that is none of `taken`. Throws NO_PORTS when as many runs as there are blocks are at work. Holds among the
 * runs that share this /tmp: those in other containers are kept apart by their trace instances, and not at all where they
 * cannot trace.
 */
export function lockPorts(taken: ReadonlySet<number> = new Set()): Ports {
  for (let block = 0; block < blocks; block++) {
    if (taken.has(block)) continue;
    const fd = lock(block);
    if (fd !== undefined) return ports(block, fd);
  }
  throw new LingerlabError(
    'NO_PORTS',
    `no ports are free: ${blocks} other runs use them, or lock files such as ${lockFile(0)} cannot be opened`,
    'wait until another run has ended',
  );
}

function ports(block: number, fd: number): Ports {
  const from = first + block * perRun;
  const free = Array.from({ length: perRun }, (_, index) => from + index);
  return {
    block,
    from,
    to: from + perRun,
    take() {
      const port = free.shift();
      if (port === undefined) {
        throw new LingerlabError('NO_PORTS', `all ${perRun} ports of this run are taken`, 'use fewer --jobs');
      }
      return port;
    },
    // to the end of the queue: a port rests as long as possible, so that late events of its last cell meet no new one
    give: (port) => void free.push(port),
    [Symbol.dispose]: () => {
      unlock(block, fd);
      sweep();
    },
  };
}
