import { expect, test } from 'vitest';
import { holm, minP, testable } from '../../src/stats/multiplicity.ts';
import { seeded } from '../../src/stats/random.ts';

test('holm multiplies the smallest p by the number of tests, the next by one less, and never goes down', () => {
  // the procedure by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 lifted to the 0.06 before it
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
  for (const [index, expected] of [0.03, 0.06, 0.06, 0.02].entries()) expect(adjusted[index]).toBeCloseTo(expected, 12);
});

test('an adjusted p is at most 1', () => expect(holm([0.9, 0.8])).toEqual([1, 1]));

test('one test needs no correction, none gives none', () => {
  expect(holm([0.04])).toEqual([0.04]);
  expect(holm([])).toEqual([]);
});

test('tests that cannot reach the corrected level are not made, and the level is corrected for the others only', () => {
  // by hand: 3 tests reach 0.05, 2 reach 0.025, so K = 2
  expect(testable([0.001, 0.02, 0.03, 0.1, 1], 0.05)).toEqual([true, true, false, false, false]);
});

test('many tests of four against four repeats (2/70) are hopeless together, one alone is not', () => {
  expect(testable([2 / 70], 0.05)).toEqual([true]);
  expect(testable(new Array(100).fill(2 / 70), 0.05)).toEqual(new Array(100).fill(false));
});

test('powerful tests all stay', () => {
  expect(testable(new Array(100).fill(1e-5), 0.05)).toEqual(new Array(100).fill(true));
  expect(testable([], 0.05)).toEqual([]);
});

/** A statistic whose observed value is exceeded by this share of 999 permutations. */
function statistic(share: number, seed: number): Float64Array {
  const { next: random } = seeded(seed);
  return Float64Array.from({ length: 1000 }, (_, turn) => (turn === 0 ? 1 - share : random()));
}

test('one test is not corrected; its p counts the observed arrangement', () => {
  const [only] = minP([Float64Array.of(3, 1, 2, 3, 4)]);
  expect(only).toEqual({ p: 3 / 5, adjusted: 3 / 5 });
});

test('tests that always agree are not corrected', () => {
  const same = statistic(0.02, 1);
  for (const { p, adjusted } of minP([same, same, same])) expect(adjusted).toBe(p);
});

test('independent tests are corrected for their number, the second best for one less', () => {
  const [best, second, third] = minP([statistic(0.01, 1), statistic(0.04, 2), statistic(0.5, 3)]);
  expect(best?.adjusted).toBeGreaterThan(0.02);
  expect(best?.adjusted).toBeLessThan(0.05);
  expect(second?.adjusted).toBeGreaterThan(0.05);
  expect(second?.adjusted).toBeLessThan(0.12);
  expect(third?.adjusted).toBe(third?.p);
});

test('a test that cannot come out significant costs nothing', () => {
  const hopeless = Float64Array.from({ length: 1000 }, (_, turn) => (turn % 2 === 0 ? 1 : 0));
  const [alone] = minP([statistic(0.02, 1)]);
  expect(minP([statistic(0.02, 1), hopeless, hopeless])[0]).toEqual(alone);
});

test('a worse p is never corrected to a better one', () => {
  const adjusted = minP(Array.from({ length: 12 }, (_, index) => statistic(0.01 * (index + 1), index + 1)))
    .toSorted((a, b) => a.p - b.p)
    .map((each) => each.adjusted);
  expect(adjusted).toEqual(adjusted.toSorted((a, b) => a - b));
});

test('no test, no answer', () => {
  expect(minP([])).toEqual([]);
});
