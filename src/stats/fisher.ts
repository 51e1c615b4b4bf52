import { seeded, shuffle } from './random.ts';

/** A test's p-value, and whether every table was counted or a sample of permutations drawn. */
export interface TableTest {
  readonly p: number;
  readonly method: 'exact' | 'permutation';
}

/** Above so many tables with the same margins permutations are drawn: counting this many takes about 0.1 s. */
const mostTables = 500_000;
/** The p-value's standard error is at most sqrt(0.25 / 20,000) = 0.0035. */
const permutations = 20_000;
/** Tables as likely as the observed one may differ by rounding; R's fisher.test uses the same factor. */
const rounding = 1 + 1e-7;

/**
 * Whether rows of counts may come from one distribution: the Fisher–Freeman–Halton exact test (Freeman and Halton
 * 1951, Biometrika 38): the chance, given both margins, of a table no likelier than this one. A table too large for
 * that is tested by random permutations, which `seed` makes repeatable.
 */
export function fisherFreemanHalton(table: readonly (readonly number[])[], seed = 1): TableTest {
  const rows = table.filter((row) => sum(row) > 0);
  const width = Math.max(0, ...rows.map((row) => row.length));
  const columns = Array.from({ length: width }, (_, c) => sum(rows.map((row) => row[c] ?? 0)));
  const kept = columns.flatMap((total, c) => (total > 0 ? [c] : []));
  const cells = rows.map((row) => kept.map((c) => row[c] ?? 0));
  if (rows.length < 2 || kept.length < 2) return { p: 1, method: 'exact' };
  const logFactorial = logFactorials(sum(columns));
  const exact = countTables(cells, logFactorial);
  if (exact !== undefined) return { p: Math.min(1, exact), method: 'exact' };
  return { p: permute(cells, logFactorial, seed), method: 'permutation' };
}

/**
 * The smallest p-value that rows of these totals can give: that of rows which share no outcome. Such a table's chance
 * is the product of n! over the totals, divided by N!; exchanging rows of the same total gives one as unlikely.
 */
export function smallestFisherP(totals: readonly number[]): number {
  const rows = totals.filter((total) => total > 0);
  const logFactorial = logFactorials(Math.max(sum(rows), rows.length));
  const exchanges = [...Map.groupBy(rows, (total) => total).values()].map(({ length }) => length);
  return Math.min(1, Math.exp(sum([...rows, ...exchanges].map(logFactorial)) - logFactorial(sum(rows))));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function logFactorials(most: number): (n: number) => number {
  const logs = [0];
  for (let n = 1; n <= most; n++) logs.push((logs[n - 1] as number) + Math.log(n));
  return (n) => logs[n] as number;
}

/** Sum of the chances of all tables that are no likelier than this one; undefined where there are too many to count. */
function countTables(table: readonly (readonly number[])[], logFactorial: (n: number) => number): number | undefined {
  const rowTotals = table.map(sum);
  const left = (table[0] as readonly number[]).map((_, c) => sum(table.map((row) => row[c] as number)));
  const margins = sum([...rowTotals, ...left].map(logFactorial)) - logFactorial(sum(rowTotals));
  const limit = margins - weight(table, logFactorial) + Math.log(rounding);
  const lastRow = rowTotals.length - 1;
  let tables = 0;
  let p = 0;

  const fill = (row: number, column: number, rest: number, log: number): void => {
    if (tables > mostTables) return;
    if (row === lastRow) {
      tables++;
      const whole = log - sum(left.map(logFactorial));
      if (whole <= limit) p += Math.exp(whole);
      return;
    }
    const room = left[column] as number;
    const isLast = column === left.length - 1;
    if (isLast && rest > room) return;
    for (let n = isLast ? rest : 0; n <= Math.min(rest, room); n++) {
      left[column] = room - n;
      const next = log - logFactorial(n);
      if (isLast) fill(row + 1, 0, rowTotals[row + 1] as number, next);
      else fill(row, column + 1, rest - n, next);
    }
    left[column] = room;
  };
  fill(0, 0, rowTotals[0] as number, margins);
  return tables > mostTables ? undefined : p;
}

const weight = (table: readonly (readonly number[])[], logFactorial: (n: number) => number): number =>
  sum(table.flat().map(logFactorial));

/** (hits + 1) / (permutations + 1): Phipson and Smyth (2010), "Permutation p-values should never be zero". */
function permute(table: readonly (readonly number[])[], logFactorial: (n: number) => number, seed: number): number {
  const random = seeded(seed);
  const labels = table.flatMap((row) => row.flatMap((count, column) => new Array<number>(count).fill(column)));
  const observed = weight(table, logFactorial) - Math.log(rounding);
  const blank = table.map((row) => row.map(() => 0));
  const totals = table.map(sum);
  let hits = 0;
  for (let turn = 0; turn < permutations; turn++) {
    shuffle(labels, random);
    const drawn = blank.map((row) => [...row]);
    let next = 0;
    for (const [r, total] of totals.entries()) {
      const row = drawn[r] as number[];
      for (let i = 0; i < total; i++) (row[labels[next++] as number] as number)++;
    }
    if (weight(drawn, logFactorial) >= observed) hits++;
  }
  return (hits + 1) / (permutations + 1);
}
