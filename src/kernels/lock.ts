import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LingerlabError, messageOf } from '../errors.ts';
import { writeWhole } from './cache.ts';
import { isNamed, type Offer } from './offers.ts';

const lockFile = z.object({
  lockVersion: z.literal(1),
  kernels: z.record(
    z.string(),
    z.object({
      version: z.string(),
      release: z.string(),
      suite: z.string(),
      packages: z.array(z.object({ name: z.string(), version: z.string(), sha256: z.string() })),
    }),
  ),
});
/** Which kernel of each series was fetched, with the hashes of its packages. */
export type Lock = z.infer<typeof lockFile>;

/** Where the lock is, unless the user names another place. */
export const usualLock = (cache: string): string => join(cache, 'kernels.lock.json');

/** Reads a lock; without a file, one without kernels. Throws FILE_UNREADABLE. */
export function readLock(path: string): Lock {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { lockVersion: 1, kernels: {} };
    throw unreadable(path, messageOf(cause), cause);
  }
  try {
    return lockFile.parse(JSON.parse(text));
  } catch (cause) {
    throw unreadable(path, cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause), cause);
  }
}

const unreadable = (path: string, why: string, cause: unknown): LingerlabError =>
  new LingerlabError(
    'BAD_ARGUMENT',
    `the lock file ${path} cannot be used: ${why}`,
    'correct the file, or name another with --lock',
    { cause },
  );

/** Adds kernels to a lock, each instead of the one of its series. */
export function writeLock(path: string, offers: readonly Offer[]): void {
  const { kernels } = readLock(path);
  const added = offers.map(({ series, version, release, suite, packages }) => [
    series,
    { version, release, suite, packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })) },
  ]);
  const sorted = Object.entries({ ...kernels, ...Object.fromEntries(added) }).toSorted(([a], [b]) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  try {
    writeWhole(path, `${JSON.stringify({ lockVersion: 1, kernels: Object.fromEntries(sorted) }, null, 2)}\n`);
  } catch (cause) {
    throw new LingerlabError(
      'FILE_NOT_WRITABLE',
      `cannot write the lock file ${path}: ${messageOf(cause)}`,
      'name another with --lock',
      { cause },
    );
  }
}

/** The kernels of the lock that a word names, among those that the mirror still has. Throws UNKNOWN_KERNEL. */
export function lockedOffers(word: string, lock: Lock, offers: readonly Offer[]): Offer[] {
  const named = Object.entries(lock.kernels).filter(([series, kernel]) => isNamed(word, { series, ...kernel }));
  if (named.length === 0)
    throw new LingerlabError(
      'UNKNOWN_KERNEL',
      `the lock file has no kernel ${word}`,
      `it has ${Object.keys(lock.kernels).join(', ') || 'none'}`,
    );
  return named.map(([series, kernel]) => {
    const offer = offers.find(({ version, release }) => version === kernel.version && release === kernel.release);
    if (!offer)
      throw new LingerlabError(
        'UNKNOWN_KERNEL',
        `the mirror does not have ${kernel.version} of ${series} any more`,
        `fetch the newest of the series instead: lingerlab kernels fetch ${series}`,
      );
    const hashes = new Set(kernel.packages.map(({ sha256 }) => sha256));
    const changed = offer.packages.find(({ sha256 }) => !hashes.has(sha256));
    if (changed)
      throw new LingerlabError(
        'MIRROR_REFUSED',
        `${changed.name} ${changed.version} has another hash than the lock file says`,
        'find out who changed the lock file, or remove the entry and fetch the kernel again',
      );
    return offer;
  });
}
