/** The test of two samples: `u` counts pairs in which the first sample's value is larger, ties half. */
export interface RankTest {
  readonly u: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
}

/** Up to so many values the exact distribution is counted; every count stays an exact integer (C(50, 25) < 2^53). */
const mostExact = 50;

/**
 * Whether values of one sample tend to be larger than those of another: H. B. Mann and D. R. Whitney (1947). Exact, by
 * counting all ways to draw the first sample's midranks from the pooled ones, so with ties too; for more than 50
 * values by the normal approximation with corrections for ties and continuity. p is NaN where a sample is empty.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): RankTest {
  const { ranks, ties } = doubledMidranks([...a, ...b]);
  const own = ranks.slice(0, a.length).reduce((total, rank) => total + rank, 0);
  const u = own / 2 - (a.length * (a.length + 1)) / 2;
  if (a.length === 0 || b.length === 0) return { u, p: Number.NaN, method: 'exact' };
  const method = mannWhitneyMethod(a.length, b.length);
  return { u, p: method === 'exact' ? exactP(ranks, a.length, own) : normalP(u, a.length, b.length, ties), method };
}

/** How samples of these sizes are tested. */
export const mannWhitneyMethod = (a: number, b: number): RankTest['method'] =>
  a + b <= mostExact ? 'exact' : 'normal';

/** The smallest two-sided p-value that samples of these sizes can give: 2 of all the ways to draw one of them. */
export function smallestMannWhitneyP(a: number, b: number): number {
  let ways = 1;
  for (let i = 1; i <= a; i++) ways *= (b + i) / i;
  return Math.min(1, 2 / ways);
}

/** Twice the midranks, so that they are integers; the sizes of groups of equal values. */
function doubledMidranks(values: readonly number[]): { ranks: number[]; ties: number[] } {
  const order = values.map((value, index) => ({ value, index })).sort((x, y) => x.value - y.value);
  const ranks = new Array<number>(values.length);
  const ties: number[] = [];
  for (let first = 0; first < order.length; ) {
    let after = first + 1;
    while (after < order.length && order[after]?.value === order[first]?.value) after++;
    for (const { index } of order.slice(first, after)) ranks[index] = first + 1 + after;
    ties.push(after - first);
    first = after;
  }
  return { ranks, ties };
}

/** Counts draws of the smaller sample, which are as many as those of the other: each leaves the other's ranks. */
function exactP(ranks: readonly number[], size: number, observed: number): number {
  const all = ranks.reduce((total, rank) => total + rank, 0);
  const [drawn, sum] = 2 * size <= ranks.length ? [size, observed] : [ranks.length - size, all - observed];
  // without ties all doubled midranks are even
  const unit = ranks.every((rank) => rank % 2 === 0) ? 2 : 1;
  const counts = waysToDraw(
    ranks.map((rank) => rank / unit).sort((a, b) => a - b),
    drawn,
  );
  const count = (from: number, to: number): number => counts.subarray(from, to).reduce((total, n) => total + n, 0);
  const own = sum / unit;
  const tail = Math.min(count(0, own + 1), count(own, counts.length));
  return Math.min(1, (2 * tail) / count(0, counts.length));
}

/** In how many ways so many of these ascending ranks can be drawn, by their sum. */
function waysToDraw(ranks: readonly number[], drawn: number): Float64Array {
  const largest = ranks.slice(ranks.length - drawn).reduce((total, rank) => total + rank, 0);
  const sums = largest + 1;
  const ways = roomFor((drawn + 1) * sums);
  ways[0] = 1;
  // the largest sum so far of so many
  const most = new Array<number>(drawn + 1).fill(0);
  for (let index = 0; index < ranks.length; index++) {
    const rank = ranks[index] as number;
    // fewer could not become as many as are drawn with the ranks that are left
    const fewest = Math.max(1, drawn - (ranks.length - 1 - index));
    for (let taken = Math.min(drawn, index + 1); taken >= fewest; taken--) {
      const before = most[taken - 1] as number;
      const from = (taken - 1) * sums;
      const to = taken * sums + rank;
      for (let total = 0; total <= before; total++)
        ways[to + total] = (ways[to + total] as number) + (ways[from + total] as number);
      most[taken] = before + rank;
    }
  }
  return ways.subarray(drawn * sums, (drawn + 1) * sums);
}

/** Kept: what is that large is given back to the machine and asked for again each time. */
let room = new Float64Array(0);

/** So many zeros, which are good until the next call. */
function roomFor(numbers: number): Float64Array {
  if (room.length < numbers) room = new Float64Array(numbers);
  return room.subarray(0, numbers).fill(0);
}

function normalP(u: number, a: number, b: number, ties: readonly number[]): number {
  const n = a + b;
  const tied = ties.reduce((total, t) => total + t ** 3 - t, 0);
  const deviation = Math.sqrt(((a * b) / 12) * (n + 1 - tied / (n * (n - 1))));
  if (deviation === 0) return 1;
  const z = Math.max(0, Math.abs(u - (a * b) / 2) - 0.5) / deviation;
  return Math.min(1, complementaryError(z / Math.SQRT2));
}

/** erfc for x >= 0, relative error below 1.2e-7: W. H. Press et al., Numerical Recipes in C (1992), §6.2. */
function complementaryError(x: number): number {
  const t = 1 / (1 + x / 2);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  const series = coefficients.reduceRight((rest, coefficient) => coefficient + t * rest, 0);
  return t * Math.exp(-x * x + series);
}
