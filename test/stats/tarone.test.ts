import { expect, test } from 'vitest';
import { testable } from '../../src/stats/tarone.ts';

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
