import { describe, expect, test } from 'vitest';
import { estimate, order } from '../../src/run/order.ts';
import { cell, loadCell } from '../plan/definitions.ts';

const normal = (id: string, seconds: number) => cell({ id, seconds });
const quiet = (id: string, seconds: number) => cell({ id, seconds, quiet: true });

describe('the order of cells', () => {
  test('begins with those that wait out TIME-WAIT and the quiet ones; then those that will wait, the longest first; the short ones last', () => {
    const cells = [normal('a', 1), quiet('q1', 2), normal('b', 62), quiet('q2', 5), normal('c', 8), normal('d', 0.5)];
    expect(order(cells).map(({ id }) => id)).toEqual(['b', 'q2', 'q1', 'c', 'a', 'd']);
  });

  test('keeps that of equals, loses none, and leaves what it was given alone', () => {
    const cells = ['a', 'b', 'c', 'd'].map((id, i) => (i % 2 ? quiet(id, 1) : normal(id, 1)));
    expect(order(cells).map(({ id }) => id)).toEqual(['b', 'd', 'a', 'c']);
    expect(cells.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('the estimate', () => {
  test('of many cells that wait is little more than the longest', () => {
    const cells = Array.from({ length: 50 }, (_, i) => normal(`${i}`, 62));
    const seconds = estimate(cells, 4);
    expect(seconds).toBeGreaterThanOrEqual(62);
    expect(seconds).toBeLessThan(62 * 1.1);
  });

  test('of short cells is their work shared among the jobs', () => {
    const cells = Array.from({ length: 400 }, (_, i) => normal(`${i}`, 0.1));
    expect(estimate(cells, 1)).toBeCloseTo(40);
    expect(estimate(cells, 4)).toBeCloseTo(10);
  });

  test('of quiet cells is their sum, whatever the jobs', () => {
    const cells = [quiet('a', 5), quiet('b', 7), quiet('c', 3)];
    expect(estimate(cells, 1)).toBeCloseTo(15);
    expect(estimate(cells, 8)).toBeCloseTo(15);
  });

  test('of quiet cells adds to that of the others, which begin after them', () => {
    expect(estimate([normal('long', 30), quiet('a', 10), quiet('b', 10)], 4)).toBeCloseTo(50);
  });

  test('of quiet cells beside those that wait out TIME-WAIT is the longer of the two', () => {
    expect(estimate([normal('long', 62), quiet('a', 10), quiet('b', 10)], 4)).toBeCloseTo(62);
    expect(estimate([normal('long', 62), quiet('a', 40), quiet('b', 40)], 4)).toBeCloseTo(80);
  });

  test('of quiet cells that wait for TIME-WAIT is not their sum', () => {
    expect(estimate([quiet('a', 62), quiet('b', 62)], 4)).toBeCloseTo(64);
  });

  test('takes the processes of loads to be warmed once for each experiment, less where little is repeated', () => {
    const load = (experiment: string, repeats: number) => loadCell({ id: experiment, experiment, seconds: 1, repeats });
    const ways = 13 * 0.1;
    expect(estimate([load('a', 10), load('a', 10)], 4)).toBeCloseTo(20 + 4 * ways);
    expect(estimate([load('a', 10), load('b', 2)], 4)).toBeCloseTo(12 + 4 * ways + ways);
  });

  test('counts every repeat, does not depend on the order given, and is nothing for nothing', () => {
    expect(estimate([{ ...quiet('a', 2), repeats: 5 }], 4)).toBeCloseTo(10);
    const cells = [quiet('a', 2), normal('b', 62), normal('c', 1)];
    expect(estimate(cells.toReversed(), 2)).toBe(estimate(cells, 2));
    expect(estimate([], 4)).toBe(0);
  });
});
