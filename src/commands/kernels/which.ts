import { LingerlabError } from '../../errors.ts';
import { defaultSeries } from '../../kernels/choose.ts';
import { fetchedKernels, type Kernel, requireUnchanged } from '../../kernels/kernel.ts';
import { listPackages, openApt } from '../../kernels/mirror.ts';
import { isNamed, newestOf, offersIn } from '../../kernels/offers.ts';
import { prepareOwn } from '../../kernels/prepare.ts';
import { fetchAll } from './fetch.ts';
import type { OwnOptions } from './list.ts';

/** This machine's kernel, without a virtual machine. */
export const hostWord = 'host';

/** Kernels to run, and whether this machine's takes part. */
export interface Which {
  readonly kernels: readonly Kernel[];
  readonly host: boolean;
}

/**
 * The kernels that the words name: those that were fetched stay the same until they are fetched again, others are fetched now. Without
 * words and without a kernel of the user's own, the default set. Throws LingerlabError.
 */
export async function whichKernels(
  cache: string,
  words: readonly string[],
  { kernel, modules }: OwnOptions,
  say: (text: string) => void,
): Promise<Which> {
  const own = kernel === undefined ? [] : [await prepareOwn(cache, kernel, modules, say)];
  const named = words.filter((word) => word !== hostWord);
  const host = named.length < words.length;
  const wanted = named.length === 0 && own.length === 0 ? await usual(cache) : named;
  const kernels: Kernel[] = [];
  for (const word of wanted)
    kernels.push(kept(cache, word) ?? (await fetchAll(cache, [word], { locked: false, say }))[0]!);
  return { kernels: [...new Map([...kernels, ...own].map((each) => [each.image, each])).values()], host };
}

/** The newest fetched kernel that a word names. */
function kept(cache: string, word: string): Kernel | undefined {
  const found = fetchedKernels(cache).findLast((each) => isNamed(word, each));
  if (found) requireUnchanged(found);
  return found;
}

/** The default set of the mirror's series; without a mirror, all that was fetched. */
async function usual(cache: string): Promise<readonly string[]> {
  try {
    const { packages } = await listPackages(await openApt(cache), { update: false });
    return defaultSeries(newestOf(offersIn(packages)).map(({ series }) => series));
  } catch (error) {
    const fetched = fetchedKernels(cache);
    if (!(error instanceof LingerlabError) || fetched.length === 0) throw error;
    return defaultSeries([...new Set(fetched.map(({ series }) => series))]);
  }
}
