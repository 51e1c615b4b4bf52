import { type ExitCode, exitCode } from '../../errors.ts';
import { cacheFolder } from '../../kernels/cache.ts';
import { chosen, defaultSeries } from '../../kernels/choose.ts';
import { fetchKernel } from '../../kernels/fetch.ts';
import type { Kernel } from '../../kernels/kernel.ts';
import { lockedOffers, readLock, usualLock, writeLock } from '../../kernels/lock.ts';
import { listPackages, openApt } from '../../kernels/mirror.ts';
import { goneIn, newestOf, type Offer, offersIn } from '../../kernels/offers.ts';
import { answer, answerJson } from '../output.ts';

export interface FetchOptions {
  readonly json: boolean;
  readonly locked: boolean;
  readonly lock?: string;
}

/** `lingerlab kernels fetch SERIES…`. Throws UNKNOWN_KERNEL before anything is downloaded. */
export async function fetchCommand(words: readonly string[], { json, locked, lock }: FetchOptions): Promise<ExitCode> {
  const cache = cacheFolder();
  const fetched = await fetchAll(cache, words, {
    locked,
    ...(lock !== undefined && { lock }),
    say: (text) => process.stderr.write(`${text}\n`),
  });
  if (json) answerJson(fetched);
  else for (const { series, version, image } of fetched) answer(`${series.padEnd(6)} ${version.padEnd(22)} ${image}`);
  return exitCode.ok;
}

interface Fetching {
  readonly locked: boolean;
  readonly lock?: string;
  readonly say: (text: string) => void;
}

/** Fetches what the words name; without words, the default set. */
export async function fetchAll(
  cache: string,
  words: readonly string[],
  { locked, lock = usualLock(cache), say }: Fetching,
): Promise<Kernel[]> {
  const apt = await openApt(cache);
  const { packages, refused } = await listPackages(apt, { update: false });
  for (const { suite, problem } of refused) say(`lingerlab: no list of ${suite}: ${problem}`);
  const offers = offersIn(packages);
  const gone = goneIn(packages);
  const wanted: Offer[] = locked
    ? lockedWords(words, lock).flatMap((word) => lockedOffers(word, readLock(lock), offers))
    : (words.length > 0 ? words : defaultSeries(newestOf(offers).map(({ series }) => series))).map((word) =>
        chosen(word, offers, gone),
      );
  const kernels: Kernel[] = [];
  for (const offer of new Set(wanted)) {
    kernels.push(await fetchKernel(apt, cache, offer, say));
    if (!locked) writeLock(lock, [offer]);
  }
  return kernels;
}

const lockedWords = (words: readonly string[], lock: string): readonly string[] =>
  words.length > 0 ? words : Object.keys(readLock(lock).kernels);
