import { describe, expect, test } from 'vitest';
import { minP } from '../../src/stats/multiplicity.ts';
import { permuteStrata, type Question, type Stratum, smallestStratifiedP } from '../../src/stats/stratified.ts';

const half = (size: number): Stratum => ({ samples: Array.from({ length: 2 * size }, (_, i) => (i < size ? 0 : 1)) });
/** A stratum's results: so many of category 1 in each sample of `size`. */
const hits = (size: number, a: number, b: number): number[] =>
  Array.from({ length: 2 * size }, (_, i) => (i < size ? (i < a ? 1 : 0) : i - size < b ? 1 : 0));
const p = (strata: readonly Stratum[], question: Question, turns = 9999) => {
  const [permuted] = permuteStrata(strata, [question], turns);
  const of = (statistic: Float64Array | undefined): number => minP(statistic ? [statistic] : [])[0]?.p ?? Number.NaN;
  return { together: of(permuted?.together), within: of(permuted?.within) };
};

test('one stratum without overlap: 2 of the 252 arrangements are as extreme', () => {
  const { together, within } = p([half(5)], [hits(5, 5, 0)]);
  expect(together).toBeCloseTo(2 / 252, 2);
  expect(within).toBe(together);
});

test('12 of 20 against 2 of 20 in four strata is significant, together rather than within', () => {
  const strata = [half(5), half(5), half(5), half(5)];
  const { together, within } = p(strata, [hits(5, 3, 1), hits(5, 3, 1), hits(5, 3, 0), hits(5, 3, 0)]);
  expect(together).toBeLessThan(0.01);
  expect(within).toBeGreaterThan(together);
});

test('strata that differ among themselves, but not in their samples, are no difference', () => {
  const unequal = [{ samples: [0, 0, 0, 0, 0, 0, 0, 0, 1, 1] }, { samples: [0, 0, 1, 1, 1, 1, 1, 1, 1, 1] }];
  const question = [
    [1, 1, 1, 1, 1, 1, 1, 0, 1, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ];
  expect(p(unequal, question).together).toBeGreaterThan(0.5);
});

test('differences that cancel each other out show within strata', () => {
  const { together, within } = p([half(5), half(5)], [hits(5, 5, 0), hits(5, 0, 5)]);
  expect(together).toBe(1);
  expect(within).toBeLessThan(0.001);
});

test('results that a question says nothing of take no part', () => {
  const without = hits(5, 4, 1);
  const more = [...without.slice(0, 5), -1, -1, ...without.slice(5), -1];
  const { together } = p([{ samples: [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] }], [more]);
  expect(together).toBeCloseTo(p([half(5)], [without]).together, 2);
});

test('questions that tell the same results apart have the same statistics, under the same permutations', () => {
  const strata = [half(4), half(4)];
  const question = [hits(4, 3, 1), hits(4, 2, 2)];
  const renamed = question.map((outcomes) => outcomes.map((outcome) => 1 - outcome));
  const [a, b, c] = permuteStrata(strata, [question, question, renamed], 99);
  expect(b).toEqual(a);
  expect(c?.together).toEqual(a?.together);
});

test('the seed alone decides', () => {
  const run = (seed: number) => permuteStrata([half(6)], [[hits(6, 4, 2)]], 50, seed)[0]?.together;
  expect(run(7)).toEqual(run(7));
  expect(run(7)).not.toEqual(run(8));
});

describe('the smallest p', () => {
  test('is that of samples which share nothing, in every stratum', () => {
    expect(smallestStratifiedP([[5, 5]])).toBeCloseTo(2 / 252, 12);
    expect(
      smallestStratifiedP([
        [3, 3],
        [3, 3],
      ]),
    ).toBeCloseTo(2 / 400, 12);
    expect(smallestStratifiedP([[2, 3]])).toBeCloseTo(1 / 10, 12);
  });
  test('of one sample, or of none, is 1', () => {
    expect(smallestStratifiedP([[5, 0]])).toBe(1);
    expect(smallestStratifiedP([])).toBe(1);
  });
});
