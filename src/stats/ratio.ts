import { median } from './quantile.ts';

/** By how much values of one sample are larger than those of another, with an interval. */
export interface Ratio {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The median of all ratios of a value of `b` to one of `a`, J. L. Hodges and E. L. Lehmann (1963), with the interval that the
 * test of ranks does not refute at this confidence: two samples of 6 give 95.9 %. The interval is everything where they are
 * too small for it. Values above 0.
 */
export function ratioOf(a: readonly number[], b: readonly number[], confidence = 0.95): Ratio {
  const ratios = b.flatMap((own) => a.map((other) => own / other)).sort((x, y) => x - y);
  const skipped = outside(a.length, b.length, (1 - confidence) / 2);
  return {
    ratio: median(ratios),
    low: skipped < 0 ? 0 : (ratios[skipped] ?? 0),
    high: skipped < 0 ? Number.POSITIVE_INFINITY : (ratios[ratios.length - 1 - skipped] ?? Number.POSITIVE_INFINITY),
  };
}

/** The largest u for which a U as small or smaller has no more than this probability; -1 where even 0 has more. */
function outside(m: number, n: number, probability: number): number {
  const counts = waysByU(m, n);
  const all = counts.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (const [u, count] of counts.entries()) {
    sum += count;
    if (sum / all > probability) return u - 1;
  }
  return counts.length - 1;
}

/** How many ways to mix m values with n others give each U: the coefficients of Gauss's binomial. */
function waysByU(m: number, n: number): number[] {
  let counts = [1];
  for (let i = 1; i <= m; i++) {
    // times (1 - q^(n+i)), by (1 - q^i)
    const product = Array.from(
      { length: counts.length + n + i },
      (_, u) => (counts[u] ?? 0) - (counts[u - n - i] ?? 0),
    );
    for (let u = i; u < product.length; u++) product[u] = (product[u] ?? 0) + (product[u - i] ?? 0);
    counts = product.slice(0, i * n + 1);
  }
  return counts;
}
