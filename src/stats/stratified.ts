import { logFactorials } from './odds.ts';
import { numbersToShuffle, seeded, shuffle } from './random.ts';

/** Results made under the same conditions, of two samples or more: by index, the sample that each belongs to, ascending. */
export interface Stratum {
  readonly samples: readonly number[];
}

/** What one question says of every result: by stratum and result a category's number, -1 where it says nothing. */
export type Question = readonly (readonly number[])[];

/**
 * Statistics of a question under permutations of the samples within each stratum, the observed arrangement first; larger
 * is further from *all samples are alike*.
 */
export interface Permuted {
  /** How far the samples' shares lie apart, strata together, each category by its variance: Cochran, Mantel and Haenszel. */
  readonly together: Float64Array;
  /** How far they lie apart within strata, whatever the direction: the sum of the strata's chi-squares. */
  readonly within: Float64Array;
}

/** Rounding must not tell equal statistics apart. */
const rounded = (value: number): number => Math.round(value * 1e7) / 1e7;

/**
 * Permute the samples of each stratum's results, all questions at once, so that what questions have to do with each other
 * stays. Results that a question says nothing of take no part in it: the others' samples are drawn among them.
 */
export function permuteStrata(
  strata: readonly Stratum[],
  questions: readonly Question[],
  permutations: number,
  seed = 1,
): Permuted[] {
  const numbers = seeded(seed);
  const orders = strata.map(({ samples }) => Int32Array.from(samples, (_, index) => index));
  // questions that tell the same results apart have the same statistics
  const different = new Map(questions.map((question) => [JSON.stringify(question), question]));
  const asked = new Map(
    [...different].map(([key, question]) => {
      const empty = (): Float64Array => new Float64Array(permutations + 1);
      return [key, { tables: tablesOf(strata, question), together: empty(), within: empty() }] as const;
    }),
  );
  const drawn = new Set([...asked.values()].flatMap(({ tables }) => tables.strata.map(({ stratum }) => stratum)));
  const { shuffles, behind } = shufflesOf(orders, drawn);
  for (let turn = 0; turn <= permutations && shuffles.length > 0; turn++) {
    if (turn > 0) {
      for (const { skipped, order } of shuffles) {
        numbers.skip(skipped);
        shuffle(order, numbers);
      }
      numbers.skip(behind);
    }
    for (const into of asked.values()) {
      const { together, within } = measure(into.tables, orders);
      into.together[turn] = rounded(together);
      into.within[turn] = rounded(within);
    }
  }
  return questions.map((question) => {
    const { together, within } = asked.get(JSON.stringify(question)) as Permuted;
    return { together, within };
  });
}

interface Shuffles {
  readonly shuffles: readonly { readonly skipped: number; readonly order: Int32Array }[];
  readonly behind: number;
}

/** The orders that a question depends on; before each, and behind all, how many numbers the others would take. */
function shufflesOf(orders: readonly Int32Array[], drawn: ReadonlySet<number>): Shuffles {
  const shuffles: { readonly skipped: number; readonly order: Int32Array }[] = [];
  let skipped = 0;
  for (const [stratum, order] of orders.entries()) {
    if (!drawn.has(stratum)) {
      skipped += numbersToShuffle(order.length);
      continue;
    }
    shuffles.push({ skipped, order });
    skipped = 0;
  }
  return { shuffles, behind: skipped };
}

/** The smallest p that samples of these totals can give, by stratum: that of samples which share no category anywhere. */
export function smallestStratifiedP(totals: readonly (readonly number[])[]): number {
  const logFactorial = logFactorials(Math.max(1, ...totals.map(sum)));
  const log = sum(totals.map((each) => sum(each.map(logFactorial)) - logFactorial(sum(each))));
  const samples = totals[0]?.map((_, sample) => JSON.stringify(totals.map((each) => each[sample]))) ?? [];
  const exchanges = [...Map.groupBy(samples, (each) => each).values()].map(({ length }) => length);
  return Math.min(1, Math.exp(log + sum(exchanges.map((count) => Math.log(factorial(count))))));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** One stratum of a question: which sample the known results belong to in their order, and what is expected of a table's cells. */
interface Table {
  readonly outcomes: readonly number[];
  /** Where in the flat table of samples × categories the sample of each known result begins. */
  readonly samples: readonly number[];
  /** Where in that table this stratum's cells are. */
  readonly cells: readonly number[];
  /** In the order of the cells. */
  readonly expected: Float64Array;
  /** Which stratum it is. */
  readonly stratum: number;
}

/** A question's tables, and the variances of the pooled one. */
interface Tables {
  readonly strata: readonly Table[];
  readonly variance: Float64Array;
  /** To count in, cleared for each stratum. */
  readonly counts: Float64Array;
  readonly apart: Float64Array;
}

function tablesOf(strata: readonly Stratum[], question: Question): Tables {
  const categories = Math.max(0, ...question.flat()) + 1;
  const size = (Math.max(0, ...strata.flatMap(({ samples }) => samples)) + 1) * categories;
  const variance = new Float64Array(size);
  const tables = strata.flatMap((stratum, index) =>
    tableOf(stratum, index, question[index] ?? [], categories, variance),
  );
  return { strata: tables, variance, counts: new Float64Array(size), apart: new Float64Array(size) };
}

/**
 * A stratum's table; its variances are added to the pooled ones. None where the results are all of one category or all of one
 * sample: each permutation is what is expected.
 */
function tableOf(
  { samples }: Stratum,
  stratum: number,
  outcomes: readonly number[],
  categories: number,
  variance: Float64Array,
): Table[] {
  const known = samples.filter((_, index) => (outcomes[index] ?? -1) >= 0);
  const present = [...new Set(outcomes.filter((outcome) => outcome >= 0))];
  const drawn = new Set(known);
  if (present.length < 2 || drawn.size < 2) return [];
  const expected: number[] = [];
  const cells: number[] = [];
  const n = known.length;
  for (const sample of drawn) {
    const own = known.filter((each) => each === sample).length;
    for (const category of present) {
      const all = outcomes.filter((each) => each === category).length;
      const cell = sample * categories + category;
      cells.push(cell);
      expected.push((own * all) / n);
      add(variance, cell, (own * (n - own) * all * (n - all)) / (n * n * (n - 1)));
    }
  }
  const begins = known.map((sample) => sample * categories);
  return [{ outcomes, samples: begins, cells, expected: Float64Array.from(expected), stratum }];
}

const add = (to: Float64Array, index: number, value: number): void => {
  to[index] = (to[index] as number) + value;
};

// loops by index: this is done for each of thousands of permutations, of each stratum
function measure(
  { strata, variance, counts, apart }: Tables,
  orders: readonly Int32Array[],
): { together: number; within: number } {
  apart.fill(0);
  let within = 0;
  for (let index = 0; index < strata.length; index++) {
    const table = strata[index] as Table;
    const { cells, expected } = table;
    countInto(counts, table, orders[table.stratum] as Int32Array);
    for (let place = 0; place < cells.length; place++) {
      const cell = cells[place] as number;
      const wanted = expected[place] as number;
      const more = (counts[cell] as number) - wanted;
      within += more ** 2 / wanted;
      add(apart, cell, more);
    }
  }
  let together = 0;
  for (let cell = 0; cell < apart.length; cell++) {
    const own = variance[cell] as number;
    if (own > 0) together += (apart[cell] as number) ** 2 / own;
  }
  return { together, within };
}

function countInto(counts: Float64Array, { outcomes, samples, cells }: Table, order: Int32Array): void {
  for (let place = 0; place < cells.length; place++) counts[cells[place] as number] = 0;
  let next = 0;
  for (let place = 0; place < order.length; place++) {
    const outcome = outcomes[order[place] as number] as number;
    if (outcome >= 0) add(counts, (samples[next++] as number) + outcome, 1);
  }
}
