import { describe, expect, test } from 'vitest';
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

  test('of nothing is no answer', () => {
    expect(() => share(0, 0)).toThrow(NoValues);
    expect(() => share([], [])).toThrow('the share of no values');
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
    expect(range([1.14, 0.86, 1], { digits: 1 })).toBe('0.9 to 1.1');
    expect(range([300_000, 4])).toBe('4 to 300000');
  });

  test('has its unit once', () => {
    expect(range([60.94, 61.4], { digits: 1, unit: 's' })).toBe('60.9 to 61.4 s');
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
    expect(sentence(false, undefined)).toBe('What ran does not tell.');
  });
});
