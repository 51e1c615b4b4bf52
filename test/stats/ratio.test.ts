import { expect, test } from 'vitest';
import { mannWhitney } from '../../src/stats/mann-whitney.ts';
import { ratioOf } from '../../src/stats/ratio.ts';

const a = [100, 103, 98, 101, 99, 102];

test('a sample that is twice another has a ratio of 2', () => {
  expect(
    ratioOf(
      a,
      a.map((value) => 2 * value),
    ).ratio,
  ).toBeCloseTo(2, 1);
});

test('the interval of two samples of 6 leaves out 5 ratios at each side: U of 5 has a probability of 0.021', () => {
  const b = [110, 112, 109, 113, 111, 108];
  const ratios = b.flatMap((own) => a.map((other) => own / other)).sort((x, y) => x - y);
  expect(ratioOf(a, b)).toMatchObject({ low: ratios[5], high: ratios[30] });
});

test('an interval without 1 is what the test of ranks calls a difference, and one with 1 what it does not', () => {
  for (let shift = 0; shift < 8; shift += 0.37013) {
    const b = a.map((value, index) => value + shift + 0.003 + 0.01 * index);
    const { low, high } = ratioOf(a, b);
    expect(low > 1 || high < 1).toBe(mannWhitney(a, b).p <= 0.05);
  }
});

test('of samples that are too small for it nothing is left out', () => {
  expect(ratioOf([1, 2], [3, 4])).toMatchObject({ low: 0, high: Number.POSITIVE_INFINITY });
});
