import { median } from './quantile.ts';

/** By how much values of one sample are larger than those of another, with an interval. */
export interface Ratio {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** How often each sum of ranks of positive differences comes, of all 2^n ways to sign n differences: by twice the sum. */
function ways(doubled: readonly number[]): number[] {
  let counts = [1];
  for (const rank of doubled) {
    counts = Array.from({ length: counts.length + rank }, (_, sum) => (counts[sum] ?? 0) + (counts[sum - rank] ?? 0));
  }
  return counts;
}

/** Twice the rank of each size, from the smallest; equal ones share the mean. */
function doubledRanks(sizes: readonly number[]): number[] {
  return sizes.map((size) => {
    const below = sizes.filter((other) => other < size).length;
    const equal = sizes.filter((other) => other === size).length;
    return 2 * below + equal + 1;
  });
}

/**
 * Wilcoxon signed-rank test (1945); returns the one-sided p-value for paired differences that tend to be above 0. Exact, with
 * ties too: counts all ways to sign the differences. Leaves out differences of 0; returns 1 if none is left.
 */
export function signedRankTail(differences: readonly number[]): number {
  const told = differences.filter((difference) => difference !== 0);
  if (told.length === 0) return 1;
  const ranks = doubledRanks(told.map(Math.abs));
  const positive = told.reduce((sum, difference, nth) => sum + (difference > 0 ? (ranks[nth] ?? 0) : 0), 0);
  const above = ways(ranks)
    .slice(positive)
    .reduce((sum, count) => sum + count, 0);
  return above / 2 ** told.length;
}

/** The same, two-sided: whether they tend to one side. */
export const signedRankP = (differences: readonly number[]): number =>
  Math.min(1, 2 * Math.min(signedRankTail(differences), signedRankTail(differences.map((each) => -each))));

/**
 * How many times as large `b` is as `a`, pair by pair: the median of the geometric means of every two pairs' ratios (J. L. Hodges
 * and E. L. Lehmann, 1963), with the interval that the test of signed ranks does not refute at this confidence; everything where
 * there are too few pairs for it. Values above 0.
 */
export function pairedRatio(a: readonly number[], b: readonly number[], confidence = 0.95): Ratio {
  const n = Math.min(a.length, b.length);
  const logs = Array.from({ length: n }, (_, nth) => Math.log((b[nth] as number) / (a[nth] as number)));
  const means = logs.flatMap((one, i) => logs.slice(i).map((other) => (one + other) / 2)).sort((x, y) => x - y);
  const counts = ways(Array.from({ length: n }, (_, nth) => nth + 1));
  let sum = 0;
  let skipped = -1;
  for (const count of counts) {
    sum += count;
    if (sum / 2 ** n > (1 - confidence) / 2) break;
    skipped++;
  }
  const low = means[skipped];
  const high = means[means.length - 1 - skipped];
  return {
    ratio: Math.exp(median(means)),
    low: skipped < 0 || low === undefined ? 0 : Math.exp(low),
    high: skipped < 0 || high === undefined ? Number.POSITIVE_INFINITY : Math.exp(high),
  };
}
