import { holm } from './holm.ts';
import { median } from './quantile.ts';
import { pairedRatio, type Ratio, signedRankP } from './signed-rank.ts';

/** What each repeat came to, by its number. */
export type Repeated = ReadonlyMap<number, number>;

/** One way. */
export interface Arm<Name> {
  readonly name: Name;
  readonly values: Repeated;
}

/** How a way did against another. */
export interface Against<Name> extends Ratio {
  readonly name: Name;
  /** Nothing is said to differ that the test does not tell apart by more than the margin. */
  readonly differs: 'more' | 'fewer' | 'not shown';
}

/** The chance that any of the differences that are said to be is none. */
const alpha = 0.05;

/** What differs by less is not worth a choice, and near it two runs would say one thing and the other. */
export const margin = 0.03;

/**
 * Each of these ways against one, repeat by repeat: ways take turns, so that what the machine does meanwhile hits the same repeat
 * of all. Wilcoxon's test of signed ranks, two-sided, of whether they differ by more than the
 * margin, all of them together corrected by Holm; the interval of the ratio is of each by itself, at 95 %.
 */
export function against<Name>(base: Repeated, arms: readonly Arm<Name>[]): readonly Against<Name>[] {
  const pairs = arms.map(({ values }) => pairsOf(base, values));
  const adjusted = holm(pairs.map((those) => signedRankP(beyondMargin(those.map(([a, b]) => Math.log(b / a))))));
  return arms.map(({ name }, nth) => {
    const those = pairs[nth] ?? [];
    const ratio = pairedRatio(
      those.map(([a]) => a),
      those.map(([, b]) => b),
    );
    const isShown = (adjusted[nth] ?? 1) <= alpha;
    const differs = ratio.ratio > 1 ? 'more' : 'fewer';
    return { name, ...ratio, differs: isShown ? differs : 'not shown' };
  });
}

/** By how much they are beyond the margin, on the side that most are on; nothing where those that are not take them to the other. */
function beyondMargin(differences: readonly number[]): readonly number[] {
  const side = Math.sign(median(differences));
  const beyond = differences.map((difference) => difference - side * Math.log(1 + margin));
  return Math.sign(median(beyond)) === side ? beyond : [];
}

/** Of the repeats that both have. */
const pairsOf = (base: Repeated, values: Repeated): (readonly [number, number])[] =>
  [...values].flatMap(([repeat, value]) => {
    const other = base.get(repeat);
    return other === undefined ? [] : [[other, value] as const];
  });
