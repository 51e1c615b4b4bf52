import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { LingerlabError, messageOf } from '../errors.ts';

/** Folder of everything that is fetched and made for other kernels, below $XDG_CACHE_HOME; XDG Base Directory Specification. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'lingerlab', 'kernels');
}

/** Makes a folder of the cache and returns it. Throws NOT_MADE. */
export function folderIn(cache: string, ...names: readonly string[]): string {
  const folder = join(cache, ...names);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new LingerlabError(
      'NOT_MADE',
      `cannot make the cache folder ${folder}: ${messageOf(cause)}`,
      'set XDG_CACHE_HOME to a folder that you may write to',
      { cause },
    );
  }
  return folder;
}

const mebibyte = 1024 * 1024;

/** Throws NO_SPACE where a folder's file system has fewer bytes free than are needed. */
export function requireSpace(folder: string, bytes: number, what: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const size = (count: number): string => `${Math.ceil(count / mebibyte)} MiB`;
  throw new LingerlabError(
    'NO_SPACE',
    `${what} takes ${size(bytes)} in ${folder}, and ${size(free)} are free`,
    'free some space, or set XDG_CACHE_HOME to a folder on a larger file system',
  );
}

/** A working folder's name carries the process that owns it: its pid, and its start time, since pids are used again. */
const owned = /^\w+-(\d+)-(\d+)(?:-.*)?$/;

/** Start of a process in clock ticks since boot, proc_pid_stat(5); undefined where there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    return /\) (?:\S+ ){19}(\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}

/** Name of a folder that this process works in: `disk-4711-88123`. */
export const ownName = (what: string): string => `${what}-${process.pid}-${startOf(process.pid)}`;

/** Removes working folders whose process has ended, as SIGKILL leaves them. Returns their names. */
export function removeAbandoned(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const abandoned = readdirSync(folder).filter((name) => {
    const [, pid, start] = owned.exec(name) ?? [];
    return pid !== undefined && startOf(Number(pid)) !== start;
  });
  for (const name of abandoned) rmSync(join(folder, name), { recursive: true, force: true });
  return abandoned;
}

/** Writes a file whole or not at all. */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, text);
  renameSync(part, path);
}
