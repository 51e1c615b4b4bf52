import { holm } from '../stats/holm.ts';
import { pairedRatio, type Ratio, signedRankP } from '../stats/signed-rank.ts';

/** One way, and what each of its repeats came to, in their order. */
export interface Arm<Name> {
  readonly name: Name;
  readonly values: readonly number[];
}

/** How a way did against another. */
export interface Against<Name> extends Ratio {
  readonly name: Name;
  /** Nothing is said to differ that the test does not tell apart. */
  readonly differs: 'more' | 'fewer' | 'not shown';
}

/** The chance that any of the differences that are said to be is none. */
const alpha = 0.05;

/**
 * Each of these ways against one, repeat by repeat: ways take turns, so that what the machine does meanwhile hits the same repeat
 * of all. Wilcoxon's test of signed ranks, two-sided, all of them together corrected by Holm; the interval of the ratio is of
 * each by itself, at 95 %.
 */
export function against<Name>(base: readonly number[], arms: readonly Arm<Name>[]): readonly Against<Name>[] {
  const adjusted = holm(arms.map(({ values }) => signedRankP(logRatios(base, values))));
  return arms.map(({ name, values }, nth) => {
    const ratio = pairedRatio(base, values);
    const isShown = (adjusted[nth] ?? 1) <= alpha;
    const differs = ratio.ratio > 1 ? 'more' : 'fewer';
    return { name, ...ratio, differs: isShown ? differs : 'not shown' };
  });
}

const logRatios = (base: readonly number[], values: readonly number[]): number[] =>
  values.slice(0, base.length).map((value, nth) => Math.log(value / (base[nth] as number)));
