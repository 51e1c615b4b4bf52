import { expect, test } from 'vitest';
import { mannWhitney, smallestMannWhitneyP } from '../../src/stats/mann-whitney.ts';

test('permeability of chorioamnion: W = 35, p = 0.2544', () => {
  // M. Hollander and D. A. Wolfe (1973), p. 69; R's ?wilcox.test (one-sided there: 0.1272)
  const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const early = [1.15, 0.88, 0.9, 0.74, 1.21];
  expect(mannWhitney(term, early)).toEqual({ u: 35, p: expect.closeTo(0.2544122544, 9), method: 'exact' });
});

test("age at diagnosis: U = 17, p = 1/9, as in scipy's documentation", () => {
  expect(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12])).toMatchObject({ u: 17, p: expect.closeTo(1 / 9, 12) });
});

test('ties are exact: all 126 permutations, as scipy 1.17 counts them', () => {
  expect(mannWhitney([1, 2, 2, 3, 5], [2, 4, 5, 6])).toMatchObject({ u: 4.5, p: expect.closeTo(2 / 9, 12) });
});

test('many values use the normal approximation with ties and continuity, as scipy 1.17 does', () => {
  // stats.mannwhitneyu(a, b, method='asymptotic'): U = 534, p = 0.0786724
  const a = Array.from({ length: 40 }, (_, i) => Math.round(((i * 7.31) % 10) * 100) / 100);
  const b = Array.from({ length: 35 }, (_, i) => Math.round(((i * 3.17) % 10) + 1));
  const test = mannWhitney(a, b);
  expect(test).toEqual({ u: 534, p: expect.closeTo(0.0786724, 5), method: 'normal' });
});

test('equal values never differ, an empty sample says nothing', () => {
  expect(mannWhitney([2, 2, 2], [2, 2]).p).toBe(1);
  expect(mannWhitney(new Array(40).fill(2), new Array(40).fill(2)).p).toBe(1);
  expect(mannWhitney([], [1]).p).toBeNaN();
});

test('samples that do not overlap give the smallest p of their sizes', () => {
  expect(mannWhitney([1, 2, 3, 4], [5, 6, 7, 8, 9]).p).toBeCloseTo(smallestMannWhitneyP(4, 5), 12);
  expect(smallestMannWhitneyP(3, 3)).toBeCloseTo(0.1, 12);
  expect(smallestMannWhitneyP(1, 1)).toBe(1);
});
