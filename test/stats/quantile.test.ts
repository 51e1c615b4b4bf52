import { expect, test } from 'vitest';
import { median, quantile } from '../../src/stats/quantile.ts';

test('quantile interpolates as R does by default (type 7)', () => {
  // R: quantile(1:10, c(.25, .5, .75)) is 3.25 5.50 7.75
  const oneToTen = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5];
  expect([0.25, 0.5, 0.75].map((q) => quantile(oneToTen, q))).toEqual([3.25, 5.5, 7.75]);
  expect([quantile(oneToTen, 0), quantile(oneToTen, 1)]).toEqual([1, 10]);
});

test('median is the middle value, or the mean of two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
});

test('nothing has no median', () => expect(median([])).toBeNaN());

test('the values are left in their order', () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});
