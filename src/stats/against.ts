import { holm } from './multiplicity.ts';
import { pairedRatio, type Ratio, signedRankTail } from './signed-rank.ts';

/** What each repeat came to, by its number. */
export type Repeated = ReadonlyMap<number, number>;

/** One way. */
export interface Arm<Name> {
  readonly name: Name;
  readonly values: Repeated;
}

/** One way, with what it is compared with: each time the value of the other way, then its own. */
export interface PairedArm<Name> {
  readonly name: Name;
  readonly pairs: readonly (readonly [other: number, own: number])[];
}

/** How a way did against another. */
export interface Against extends Ratio {
  /** Pairs of values that were compared. */
  readonly pairs: number;
  /** Of the test whether they differ by more than the margin; corrected. */
  readonly p: number;
  /**
   * `more`, `fewer`: shown to differ by more than the margin; `alike`: its interval lies within the margin; otherwise `not shown`
   * either way.
   */
  readonly differs: 'more' | 'fewer' | 'alike' | 'not shown';
}

/** The chance that any of the differences that are said to be is none. */
export const alpha = 0.05;

/** Of each interval of a ratio, by itself. */
export const confidence = 0.95;

/** What differs by less is not worth a choice, and near it two runs would say one thing and the other. */
export const margin = 0.03;

/** How {@link againstPairs} compares, in words that a record keeps. */
export const method = {
  estimate: 'hodges-lehmann',
  interval: 'signed-rank',
  test: 'wilcoxon-signed-rank',
  correction: 'holm',
} as const;

/** As a ratio, to the one side or the other. */
const most = 1 + margin;

/** With fewer repeats not even ways that differ in each of them are shown to, among so many that are compared. */
export const repeatsNeeded = (arms: number): number => Math.ceil(Math.log2((2 * Math.max(1, arms)) / alpha));

/**
 * Compares each of these ways with one, pair by pair. Wilcoxon's test of signed ranks says whether they differ by more than the
 * margin, to the side of their ratio, doubled for the choice of the side; all ways together are corrected by Holm. The interval of
 * the ratio is of each by itself, at 95 %. Pairs in which either value is 0 are left out.
 */
export function againstPairs<Name>(arms: readonly PairedArm<Name>[]): readonly (Against & { readonly name: Name })[] {
  const compared = arms.map(({ name, pairs: all }) => {
    const pairs = all.filter(([other, own]) => other > 0 && own > 0);
    const ratio = pairedRatio(
      pairs.map(([other]) => other),
      pairs.map(([, own]) => own),
      confidence,
    );
    const side = ratio.ratio > 1 ? 1 : -1;
    const beyond = pairs.map(([other, own]) => side * Math.log(own / other) - Math.log(most));
    return { found: { name, pairs: pairs.length, ...ratio }, p: Math.min(1, 2 * signedRankTail(beyond)) };
  });
  const adjusted = holm(compared.map(({ p }) => p));
  return compared.map(({ found }, nth) => {
    const p = adjusted[nth] ?? 1;
    if (p <= alpha) return { ...found, p, differs: found.ratio > 1 ? 'more' : 'fewer' };
    return { ...found, p, differs: found.low >= 1 / most && found.high <= most ? 'alike' : 'not shown' };
  });
}

/** The same, of values that are paired by the number of their repeat; a repeat that only one of the two has is left out. */
export const against = <Name>(
  base: Repeated,
  arms: readonly Arm<Name>[],
): readonly (Against & { readonly name: Name })[] =>
  againstPairs(
    arms.map(({ name, values }) => ({
      name,
      pairs: [...values].map(([repeat, value]) => [base.get(repeat) ?? 0, value] as const),
    })),
  );

/** Whether both ends of an interval lie within this share of its ratio. */
export const isWithin = ({ ratio, low, high }: Ratio, share: number): boolean =>
  low >= ratio / (1 + share) && high <= ratio * (1 + share);
