import { LingerlabError } from '../errors.ts';
import { compareVersions, type Gone, isNamed, newestOf, type Offer } from './offers.ts';

/** Series in which something of TCP's end changed, as far as it is known; the newest that the mirror has comes to them. */
const telling = ['5.10', '6.1', '6.12', '6.16', '6.18'];

/** The kernels that run where the user names none: those of the telling series that there are, and the newest. */
export function defaultSeries(series: readonly string[]): string[] {
  const byNumbers = new Intl.Collator('en', { numeric: true });
  const newest = series.toSorted(byNumbers.compare).at(-1);
  return [...telling.filter((each) => series.includes(each)), ...(newest && !telling.includes(newest) ? [newest] : [])];
}

/**
 * The kernel that a user's word names: the newest of a series or a suite, or one version. Throws UNKNOWN_KERNEL, with the series that
 * there are, or with what is gone.
 */
export function chosen(word: string, offers: readonly Offer[], gone: readonly Gone[]): Offer {
  const [newest] = offers
    .filter((offer) => isNamed(word, offer))
    .toSorted((a, b) => compareVersions(b.version, a.version));
  if (newest) return newest;
  const lost = gone.find(({ series }) => series === word.replace(/\.\*$/, ''));
  if (lost)
    throw new LingerlabError(
      'UNKNOWN_KERNEL',
      `the mirror lists ${lost.series}, but ${lost.missing.join(' and ')} is gone from it`,
      `name another series: ${newestOf(offers)
        .map(({ series }) => series)
        .join(', ')}`,
    );
  throw new LingerlabError(
    'UNKNOWN_KERNEL',
    `there is no kernel ${word}`,
    `name a series, a version, or debian:SUITE; the series are ${newestOf(offers)
      .map(({ series }) => series)
      .join(', ')}`,
  );
}
