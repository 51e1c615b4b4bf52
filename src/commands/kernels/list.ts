import { LingerlabError } from '../../errors.ts';
import { cacheFolder } from '../../kernels/cache.ts';
import { defaultSeries } from '../../kernels/choose.ts';
import { fetchedKernels, type Kernel } from '../../kernels/kernel.ts';
import { type Listed, listPackages, openApt } from '../../kernels/mirror.ts';
import { type Gone, goneIn, newestOf, type Offer, offersIn } from '../../kernels/offers.ts';
import { givenKernel } from '../../kernels/prepare.ts';
import { plural } from '../../report/format.ts';
import { answer, answerJson } from '../output.ts';

export interface OwnOptions {
  readonly kernel?: string;
  readonly modules?: string;
}

/** How guests are started. */
export interface GuestOptions extends OwnOptions {
  readonly realTime: boolean;
  readonly append?: string;
}

interface ListOptions extends OwnOptions {
  readonly json: boolean;
  readonly update: boolean;
}

/** What can be had, or why nothing can. */
type Mirror = Listed & { readonly offers: readonly Offer[]; readonly gone: readonly Gone[] };

/** `lingerlab kernels list`: kernels of the mirror, those that were fetched, and the user's own. Throws LingerlabError. */
export async function listKernels({ json, update, kernel, modules }: ListOptions): Promise<void> {
  const cache = cacheFolder();
  const own = kernel === undefined ? [] : [await givenKernel(cache, kernel, modules)];
  const fetched = fetchedKernels(cache);
  const mirror = await mirrorOf(cache, update).catch((error: unknown) => {
    if (error instanceof LingerlabError && fetched.length + own.length > 0) return error;
    throw error;
  });
  if (json) answerJson(jsonOf(cache, mirror, fetched, own));
  else answer(linesOf(mirror, fetched, own).join('\n'));
}

async function mirrorOf(cache: string, update: boolean): Promise<Mirror> {
  const listed = await listPackages(await openApt(cache), { update });
  return { ...listed, offers: offersIn(listed.packages), gone: goneIn(listed.packages) };
}

const isFetched = (offer: Pick<Offer, 'release' | 'version'>, fetched: readonly Kernel[]): boolean =>
  fetched.some(({ release, version }) => release === offer.release && version === offer.version);

function jsonOf(cache: string, mirror: Mirror | LingerlabError, fetched: readonly Kernel[], own: readonly Kernel[]) {
  const of = ({ series, version, release, suite }: Omit<Kernel, 'image' | 'modules'>) => ({
    series,
    version,
    release,
    suite,
  });
  const also =
    mirror instanceof LingerlabError
      ? {
          offered: [],
          gone: [],
          refused: [],
          problem: { code: mirror.code, message: mirror.message, remedy: mirror.remedy },
        }
      : {
          offered: newestOf(mirror.offers).map((offer) => ({
            ...of(offer),
            bytes: offer.packages.reduce((sum, { size }) => sum + size, 0),
            fetched: isFetched(offer, fetched),
          })),
          gone: mirror.gone,
          refused: mirror.refused,
          updatedAt: mirror.updatedAt.toISOString(),
          default: defaultSeries(newestOf(mirror.offers).map(({ series }) => series)),
          ...(mirror.stale !== undefined && { stale: mirror.stale }),
        };
  return {
    cache,
    ...also,
    fetched: fetched.map((each) => ({ ...of(each), image: each.image })),
    own: own.map((each) => ({ ...of(each), image: each.image })),
  };
}

function linesOf(mirror: Mirror | LingerlabError, fetched: readonly Kernel[], own: readonly Kernel[]): string[] {
  const lines: string[] = [];
  if (mirror instanceof LingerlabError)
    lines.push(`The mirror offers nothing: ${mirror.message}`, `  ${mirror.remedy}`);
  else {
    const newest = newestOf(mirror.offers);
    const usual = new Set(defaultSeries(newest.map(({ series }) => series)));
    lines.push(`Kernels of the mirror, the newest of each series (* runs by default):`);
    for (const offer of newest) {
      const megabytes = Math.ceil(offer.packages.reduce((sum, { size }) => sum + size, 0) / 1e6);
      const state = isFetched(offer, fetched) ? 'fetched' : `${megabytes} MB`;
      lines.push(
        `${usual.has(offer.series) ? '*' : ' '} ${offer.series.padEnd(6)} ${offer.version.padEnd(22)} ${offer.suite.padEnd(20)} ${state}`,
      );
    }
    for (const { series, missing } of mirror.gone)
      lines.push(`  ${series.padEnd(6)} not offered: ${missing.join(' and ')} is gone from the mirror`);
    for (const { suite, problem } of mirror.refused) lines.push(`No list of ${suite}: ${problem}`);
    if (mirror.stale !== undefined) lines.push(`The lists are of ${mirror.updatedAt.toISOString()}: ${mirror.stale}`);
  }
  const offered = mirror instanceof LingerlabError ? [] : newestOf(mirror.offers);
  const others = fetched.filter(
    (kernel) => !offered.some(({ version, release }) => version === kernel.version && release === kernel.release),
  );
  if (others.length > 0) {
    lines.push(`Fetched before (${plural(others.length, 'kernel')}):`);
    for (const { series, version, suite } of others) lines.push(`  ${series.padEnd(6)} ${version.padEnd(22)} ${suite}`);
  }
  for (const { release, image } of own) lines.push(`Your own: ${release} in ${image}`);
  return lines;
}
