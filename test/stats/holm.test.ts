import { expect, test } from 'vitest';
import { holm } from '../../src/stats/holm.ts';

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
