import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** More than this is no file of a run or of an experiment that one could be read from whole. */
const mostBytes = 2 ** 30;

/** There is something else at the path: a FIFO, a device. */
export class NotRegular extends Error {}

/** Opens a regular file. Rejects for other kinds: a FIFO without a writer blocks for ever, and a device may never end. */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  // reading a folder fails with EISDIR
  if (found.isFile() || found.isDirectory()) return file;
  await file.close();
  throw new NotRegular(`${path} is not a regular file`);
}

/** The bytes of such a file. Rejects where it has more than a GiB. */
export async function readRegular(path: string): Promise<Buffer> {
  await using file = await openLimited(path);
  return await file.readFile();
}

async function openLimited(path: string): Promise<FileHandle> {
  const file = await openRegular(path);
  const { size } = await file.stat();
  if (size <= mostBytes) return file;
  await file.close();
  throw new Error(`${path} has ${size} bytes, more than ${mostBytes}`);
}

/** Larger pieces are read no sooner. */
const pieceBytes = 2 ** 18;

/** The same, piece by piece; each is in the memory of the one before. */
export async function* readPieces(path: string): AsyncGenerator<Buffer> {
  await using file = await openLimited(path);
  const memory = Buffer.allocUnsafe(pieceBytes);
  for (;;) {
    const { bytesRead } = await file.read(memory, 0, memory.length);
    if (bytesRead === 0) return;
    yield memory.subarray(0, bytesRead);
  }
}
