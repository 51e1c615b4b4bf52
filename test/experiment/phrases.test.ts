import { describe, expect, test } from 'vitest';
import type { Result } from '../../src/experiment/finding.ts';
import { is, range, sentence, share } from '../../src/experiment/phrases.ts';
import { NoValues } from '../../src/stats/quantile.ts';

describe('a list is some words', () => {
  test.each([
    [['FIN'], ['FIN'], true],
    [['FIN', 'RST'], ['FIN', 'RST'], true],
    [[], [], true],
    [['RST', 'FIN'], ['FIN', 'RST'], false],
    [['FIN', 'RST'], ['FIN'], false],
    [['FIN'], ['FIN', 'RST'], false],
    [[], ['FIN'], false],
    // joined by a comma they would be alike
    [['FIN,RST'], ['FIN', 'RST'], false],
  ])('%j is %j: %s', (list, words, expected) => {
    expect(is<string>(list, ...words)).toBe(expected);
  });
});

describe('a share', () => {
  test('is written from lists, from numbers, and from both', () => {
    expect(share(['a', 'b', 'c'], ['a', 'b', 'c', 'd'])).toBe('3 of 4');
    expect(share(0, 4)).toBe('0 of 4');
    expect(share([], 7)).toBe('0 of 7');
    expect(share(2, ['a', 'b'])).toBe('2 of 2');
  });

  test('of outcomes knows them', () => {
    const [first, second] = [1, 2].map((repeat) => ({ cell: { by: 'end' }, repeat })) as [Result, Result];
    const figure = share([first], [first, second]);
    expect(`${figure}`).toBe('1 of 2');
    expect(figure.results).toEqual([first, second]);
    expect(`${share(2, [first, second])}`).toBe('2 of 2');
  });

  test('of nothing is no answer', () => {
    expect(() => share(0, 0)).toThrow(NoValues);
    expect(() => `${share([], [])}`).toThrow('the share of no values');
  });

  test.each([
    [5, 4],
    [-1, 4],
    [0.5, 4],
    [Number.NaN, 4],
    [1, Number.NaN],
    [1, Number.POSITIVE_INFINITY],
  ])('of %s in %s is refused', (part, whole) => {
    expect(() => share(part, whole)).toThrow(RangeError);
  });
});

describe('a range', () => {
  test('is the least and the largest, in whatever order the values come', () => {
    expect(range([1.14, 0.86, 1], { digits: 1 })).toBe('0.9–1.1');
    expect(range([300_000, 4])).toBe('4–300000');
  });

  test('has its unit once', () => {
    expect(range([60.94, 61.4], { digits: 1, unit: 's' })).toBe('60.9–61.4 s');
  });

  test('of what is read of outcomes knows them', () => {
    const outcomes = [60.94, 61.4].map((seconds, at) => ({ cell: {}, repeat: at + 1, seconds }));
    const figure = range(outcomes, ({ seconds }) => seconds, { digits: 1, unit: 's' });
    expect(`${figure}`).toBe('60.9–61.4 s');
    expect(figure.results).toEqual(outcomes);
    expect(() => `${range([] as typeof outcomes, ({ seconds }) => seconds)}`).toThrow(NoValues);
  });

  test('from below zero has its ends told apart', () => {
    expect(range([-5, 3])).toBe('-5 to 3');
  });

  test('is one number where both are written alike', () => {
    expect(range([204.2, 203.8], { unit: 'ms' })).toBe('204 ms');
    expect(range([7])).toBe('7');
  });

  test('of nothing is no answer', () => {
    expect(() => range([])).toThrow(NoValues);
  });

  test.each([[[Number.NaN]], [[1, Number.NaN, 3]], [[1, Number.POSITIVE_INFINITY]]])('of %j is refused', (values) => {
    expect(() => range(values)).toThrow(RangeError);
  });
});

describe('a sentence', () => {
  test('is made of parts, without those of which nothing ran', () => {
    expect(sentence('a reset was sent', false, undefined, 'nothing was left')).toBe(
      'A reset was sent; nothing was left.',
    );
  });

  test('of which no part ran says so', () => {
    expect(sentence(false, undefined)).toBe('The cells that ran do not answer this.');
  });
});
