/**
 * p-values adjusted for having made that many tests, in the order given: S. Holm (1979), "A simple sequentially
 * rejective multiple test procedure". One that stays at or below alpha is significant, and the chance that any such
 * is a false alarm is at most alpha, however the tests depend on each other.
 */
export function holm(pValues: readonly number[]): number[] {
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  const ascending = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  for (const [rank, { p, index }] of ascending.entries()) {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = largest;
  }
  return adjusted;
}

/**
 * Which of many exact tests can come out significant at all, by the smallest p-value that each can give: R. E. Tarone
 * (1990), "A modified Bonferroni method for discrete data". The others need not be made, nor corrected for: with K the
 * least number such that at most K tests can reach alpha / K, those that can.
 */
export function testable(smallest: readonly number[], alpha: number): boolean[] {
  const reaching = (k: number): number => smallest.filter((p) => p <= alpha / k).length;
  let k = 1;
  while (reaching(k) > k) k++;
  return smallest.map((p) => p <= alpha / k);
}

/**
 * p-values of tests that were permuted together, corrected for how many there are: the step-down minP procedure of
 * Westfall and Young (1993), "Resampling-Based Multiple Testing", as in Ge, Dudoit and Speed (2003), box 4. `statistics`: of
 * each test under each permutation, the observed one first; larger is further from the hypothesis. Tests that have
 * to do with each other cost little, and one that cannot come out significant costs nothing.
 */
export function minP(statistics: readonly Float64Array[]): { p: number; adjusted: number }[] {
  const turns = statistics[0]?.length ?? 0;
  const pValues = statistics.map(pValuesOf);
  const order = pValues.map((_, test) => test).sort((a, b) => first(pValues[b]) - first(pValues[a]));
  const least = new Float64Array(turns).fill(1);
  const adjusted = new Float64Array(statistics.length);
  for (const test of order) {
    const own = pValues[test] as Float64Array;
    const observed = first(own);
    let asSmall = 0;
    for (let turn = 0; turn < turns; turn++) {
      least[turn] = Math.min(least[turn] as number, own[turn] as number);
      if ((least[turn] as number) <= observed) asSmall++;
    }
    adjusted[test] = asSmall / turns;
  }
  let largest = 0;
  for (const test of order.toReversed()) {
    largest = Math.max(largest, adjusted[test] as number);
    adjusted[test] = largest;
  }
  return pValues.map((own, test) => ({ p: first(own), adjusted: adjusted[test] as number }));
}

const first = (values: Float64Array | undefined): number => values?.[0] ?? 1;

/** Of each permutation, the share of all whose statistic is as large or larger. */
function pValuesOf(statistics: Float64Array): Float64Array {
  const sorted = statistics.toSorted();
  const p = new Map<number, number>();
  for (const [below, value] of sorted.entries())
    if (!p.has(value)) p.set(value, (sorted.length - below) / sorted.length);
  return statistics.map((value) => p.get(value) as number);
}
