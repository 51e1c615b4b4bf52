import { describe, expect, test } from 'vitest';
import { didYouMean, distance, nearest } from '../../src/text/nearest.ts';

describe('the distance of two words', () => {
  test.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['', 'abc', 3],
    ['linger', 'lingr', 1],
    ['linger', 'ligner', 1],
    ['linger', 'limger', 1],
    ['TIME-WAIT', 'time-wait', 0],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('of %j and %j is %i', (one, other, expected) => {
    expect(distance(one, other)).toBe(expected);
    expect(distance(other, one)).toBe(expected);
  });
});

describe('the nearest right word', () => {
  const ids = ['close-order', 'linger-timeout', 'time-wait', 'reuse'];
  test.each([
    ['close-ordr', 'close-order'],
    ['colse-order', 'close-order'],
    ['time_wait', 'time-wait'],
    ['Reuse', 'reuse'],
    ['close', 'close-order'],
    ['timeout', 'linger-timeout'],
    ['lin', 'linger-timeout'],
    ['server-restart', undefined],
    ['x', undefined],
    ['', undefined],
  ])('to %j is %j', (word, expected) => {
    expect(nearest(word, ids)).toBe(expected);
  });

  test('is not a short word that shares hardly a letter', () => {
    expect(nearest('on', ['no', 'off'])).toBe('no');
    expect(nearest('off', ['on', 'zero'])).toBeUndefined();
    expect(nearest('a', ['b'])).toBeUndefined();
  });

  test('is the first of equals, and none among none', () => {
    expect(nearest('cat', ['bat', 'hat'])).toBe('bat');
    expect(nearest('cat', [])).toBeUndefined();
  });
});

test('a message asks for it, or is silent', () => {
  expect(didYouMean('lingr', ['linger'])).toBe(' (did you mean "linger"?)');
  expect(didYouMean('family', ['linger'])).toBe('');
});
