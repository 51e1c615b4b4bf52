import { holm } from './multiplicity.ts';
import { pairedRatio, type Ratio, signedRankTail } from './signed-rank.ts';

/** What each repeat came to, by its number. */
export type Repeated = ReadonlyMap<number, number>;

/** One way. */
export interface Arm<Name> {
  readonly name: Name;
  readonly values: Repeated;
}

/** How a way did against another. */
export interface Against extends Ratio {
  /** Repeats that both have. */
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

/** How {@link against} compares, in words that a record keeps. */
export const method = {
  pairing: 'repeat',
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
 * Each of these ways against one, repeat by repeat: ways take turns, so that what the machine does meanwhile hits the same repeat
 * of all. Wilcoxon's test of signed ranks of whether they differ by more than the margin, to the side of their ratio, doubled for
 * the choice of the side, all of them together corrected by Holm; the interval of the ratio is of each by itself, at 95 %.
 */
export function against<Name>(
  base: Repeated,
  arms: readonly Arm<Name>[],
): readonly (Against & { readonly name: Name })[] {
  const compared = arms.map(({ name, values }) => {
    const pairs = pairsOf(base, values);
    const ratio = pairedRatio(
      pairs.map(([a]) => a),
      pairs.map(([, b]) => b),
      confidence,
    );
    const side = ratio.ratio > 1 ? 1 : -1;
    const beyond = pairs.map(([a, b]) => side * Math.log(b / a) - Math.log(most));
    return { found: { name, pairs: pairs.length, ...ratio }, p: Math.min(1, 2 * signedRankTail(beyond)) };
  });
  const adjusted = holm(compared.map(({ p }) => p));
  return compared.map(({ found }, nth) => {
    const p = adjusted[nth] ?? 1;
    if (p <= alpha) return { ...found, p, differs: found.ratio > 1 ? 'more' : 'fewer' };
    return { ...found, p, differs: found.low >= 1 / most && found.high <= most ? 'alike' : 'not shown' };
  });
}

/** Of the repeats that both have, and in which both came to something. */
const pairsOf = (base: Repeated, values: Repeated): (readonly [number, number])[] =>
  [...values].flatMap(([repeat, value]) => {
    const other = base.get(repeat) ?? 0;
    return other > 0 && value > 0 ? [[other, value] as const] : [];
  });
