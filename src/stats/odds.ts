/** Counts of one stratum: how many results of two samples there are, and how many of them are of the category asked about. */
export interface TwoByTwo {
  readonly of: readonly [number, number];
  readonly hits: readonly [number, number];
}

/** A one-sided test, and the smallest p that these margins can give. */
export interface OddsTest {
  readonly p: number;
  readonly smallest: number;
}

/**
 * Whether the odds of a category in the first sample are more than `times` those in the second, the same in all strata:
 * the exact conditional test, the first sample's hits in each stratum by Fisher's noncentral hypergeometric distribution,
 * strata convolved. Gart (1970), Biometrika 57; Mehta, Patel and Gray (1985), JASA 80.
 */
export function oddsExceed(strata: readonly TwoByTwo[], times = 1): OddsTest {
  let chances = [1];
  let least = 0;
  for (const stratum of strata) {
    const { from, weights } = hitsOf(stratum, times);
    least += from;
    // one is certain, and changes nothing
    if (weights.length > 1) chances = convolve(chances, weights);
  }
  const observed = strata.reduce((total, { hits }) => total + hits[0], 0);
  const tail = chances.slice(observed - least).reduce((total, chance) => total + chance, 0);
  return { p: Math.min(1, tail), smallest: chances.at(-1) ?? 1 };
}

/** The chances of the first sample's hits, from the fewest that the margins allow. */
function hitsOf({ of: [own, other], hits }: TwoByTwo, times: number): { from: number; weights: number[] } {
  const all = hits[0] + hits[1];
  const logFactorial = logFactorials(own + other);
  const choose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);
  const from = Math.max(0, all - other);
  const logs = Array.from({ length: Math.min(all, own) - from + 1 }, (_, index) => {
    const count = from + index;
    return choose(own, count) + choose(other, all - count) + count * Math.log(times);
  });
  const most = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { from, weights: weights.map((weight) => weight / total) };
}

function convolve(a: readonly number[], b: readonly number[]): number[] {
  const sums = new Array<number>(a.length + b.length - 1).fill(0);
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < b.length; j++) sums[i + j] = (sums[i + j] as number) + (a[i] as number) * (b[j] as number);
  return sums;
}

/** A function that gives log n! of whole numbers up to `most`. */
export function logFactorials(most: number): (n: number) => number {
  const logs = [0];
  for (let n = 1; n <= most; n++) logs.push((logs[n - 1] as number) + Math.log(n));
  return (n) => logs[n] as number;
}
