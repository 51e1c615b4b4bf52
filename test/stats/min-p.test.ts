import { expect, test } from 'vitest';
import { minP } from '../../src/stats/min-p.ts';
import { seeded } from '../../src/stats/random.ts';

/** A statistic whose observed value is exceeded by this share of 999 permutations. */
function statistic(share: number, seed: number): Float64Array {
  const random = seeded(seed);
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
