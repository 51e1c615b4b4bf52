import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LingerlabError, messageOf, withMachineErrorsTold } from '../errors.ts';

let writes = 0;
/** What a file is called until it is whole, each time another name: two writers do not take each other's. One that a crash left is nobody's. */
export const unfinished = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${process.pid}-${++writes}.unfinished`);
/** Whether a name is of a file that was never finished. */
export const isUnfinished = (name: string): boolean => name.startsWith('.') && name.endsWith('.unfinished');

/** RUN_NOT_WRITABLE for a path, with the system's reason; where that says nothing of the path, the machine's own error. */
export function notWritable(path: string, cause: unknown): LingerlabError {
  const told = withMachineErrorsTold(cause);
  if (told instanceof LingerlabError) return told;
  return new LingerlabError(
    'RUN_NOT_WRITABLE',
    `cannot write ${path}: ${messageOf(cause)}`,
    'name another place (--out, --html), or make this one writable and free space on its disk',
    { cause },
  );
}

/**
 * Replace a file so that a reader, and a crash at any moment, sees the old one or the new one, never a part.
 * The data is on the disk before the name is: an experiment may bring its kernel down.
 * @throws LingerlabError RUN_NOT_WRITABLE
 */
export async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = unfinished(path);
  try {
    await using file = await open(temporary, 'w');
    await file.writeFile(data);
    await file.sync();
    await rename(temporary, path);
    await using folder = await open(dirname(path), 'r');
    await folder.sync();
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw notWritable(path, cause);
  }
}

/** A file that grows by whole lines. */
export interface LineFile {
  append(line: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Open a file of lines. A line is one O_APPEND write, then fdatasync: what was appended survives SIGKILL and a kernel panic,
 * which experiments on corners of TCP may well meet (0.4 ms on a virtual disk, a few ms on others; a cell takes 60 ms or more).
 * A line that could not be written whole is taken back, so that the next one doesn't continue it.
 * @throws LingerlabError RUN_NOT_WRITABLE, here and from `append`
 */
export async function openLines(path: string): Promise<LineFile> {
  const file = await open(path, 'a').catch((cause: unknown) => Promise.reject(notWritable(path, cause)));
  const append = async (line: string): Promise<void> => {
    const bytes = Buffer.from(`${line}\n`);
    let whole: number | undefined;
    try {
      whole = (await file.stat()).size;
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error(`${bytesWritten} of ${bytes.length} bytes written`);
      await file.datasync();
    } catch (cause) {
      if (whole !== undefined) await file.truncate(whole).catch(() => {});
      throw notWritable(path, cause);
    }
  };
  return { append, close: () => file.close() };
}

/** A function that runs asynchronous work one piece after the other, in the order of its calls. */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
