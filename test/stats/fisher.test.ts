import { expect, test } from 'vitest';
import { fisherFreemanHalton, smallestFisherP } from '../../src/stats/fisher.ts';

test('the lady tasting tea: 0.4857, two-sided', () => {
  // R. A. Fisher (1935), The Design of Experiments; R's ?fisher.test, TeaTasting
  expect(
    fisherFreemanHalton([
      [3, 1],
      [1, 3],
    ]),
  ).toEqual({ p: expect.closeTo(0.4857142857, 9), method: 'exact' });
});

test("convictions of like-sex twins: 0.000537, as R's fisher.test says", () => {
  // R. A. Fisher (1962); R's ?fisher.test, Convictions
  expect(
    fisherFreemanHalton([
      [2, 10],
      [15, 3],
    ]).p,
  ).toBeCloseTo(0.0005367241, 9);
});

test('three by three agrees with scipy 1.17 (stats.fisher_exact by 9,999 permutations: 0.0058)', () => {
  const { p, method } = fisherFreemanHalton([
    [3, 1, 2],
    [0, 4, 5],
    [6, 0, 1],
  ]);
  expect(method).toBe('exact');
  expect(Math.abs(p - 0.0058)).toBeLessThan(0.002);
});

test('two by three agrees with all 126 ways to deal the outcomes, counted one by one', () => {
  const table = [
    [3, 1, 0],
    [1, 1, 3],
  ];
  expect(fisherFreemanHalton(table).p).toBeCloseTo(byDealing(table), 12);
});

test('a table too large to count is tested by permutations: job satisfaction, 0.7827 in R', () => {
  // A. Agresti (2002), Categorical Data Analysis, p. 57; R's ?fisher.test, Job
  const job = [
    [1, 2, 1, 0],
    [3, 3, 6, 1],
    [10, 10, 14, 9],
    [6, 7, 12, 11],
  ];
  const { p, method } = fisherFreemanHalton(job, 7);
  expect(method).toBe('permutation');
  expect(Math.abs(p - 0.7827)).toBeLessThan(0.012);
  expect(fisherFreemanHalton(job, 7).p).toBe(p);
});

test('equal rows, one row, one outcome and empty rows show no difference', () => {
  for (const table of [
    [
      [4, 4],
      [4, 4],
    ],
    [[3, 5]],
    [[5], [7]],
    [
      [0, 0],
      [3, 4],
    ],
    [],
  ]) {
    // biome-ignore format: tables
    expect(fisherFreemanHalton(table).p).toBeCloseTo(1, 9);
  }
});

test('the smallest p is that of rows without a common outcome', () => {
  const apart = [
    [3, 0, 0],
    [0, 3, 0],
    [0, 0, 4],
  ];
  expect(smallestFisherP([3, 3, 4])).toBeCloseTo(fisherFreemanHalton(apart).p, 12);
  expect(smallestFisherP([1, 1])).toBeCloseTo(1, 12);
  expect(smallestFisherP([3, 3])).toBeCloseTo(2 / 20, 12);
  expect(smallestFisherP([10, 10])).toBeCloseTo(2 / 184_756, 12);
  expect(smallestFisherP([2, 5])).toBeCloseTo(1 / 21, 12);
});

/** The same chance without its formula: deal the outcomes to two rows in every way, compare how likely each table is. */
function byDealing(table: readonly (readonly number[])[]): number {
  const outcomes = (table[0] ?? []).flatMap((_, c) =>
    new Array<number>(table.reduce((n, row) => n + (row[c] ?? 0), 0)).fill(c),
  );
  const first = (table[0] ?? []).reduce((n, count) => n + count, 0);
  const times = new Map<string, number>();
  for (let set = 0; set < 2 ** outcomes.length; set++) {
    const taken = outcomes.filter((_, i) => (set >> i) & 1);
    if (taken.length === first) times.set(String(taken), (times.get(String(taken)) ?? 0) + 1);
  }
  const observed = times.get(String((table[0] ?? []).flatMap((count, c) => new Array<number>(count).fill(c)))) ?? 0;
  const all = [...times.values()].reduce((n, count) => n + count, 0);
  return [...times.values()].filter((count) => count <= observed).reduce((n, count) => n + count, 0) / all;
}
