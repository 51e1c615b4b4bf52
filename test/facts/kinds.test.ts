import { expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import { valueProblem } from '../../src/record/fact.ts';

test.each([
  ['a number', kind.count(), 1],
  ['a negative number', kind.ms(), -1],
  ['no bytes', kind.bytes(), 0],
  ['a difference of bytes', kind.bytes({ compare: 'measurement' }), -4],
  ['times', kind.times(), [0.2, 0.4]],
  ['a word that is declared', kind.word('a', 'b'), 'b'],
  ['any word of an outcome', kind.outcome(), 'EADDRINUSE'],
  ['a list of words', kind.words('a', 'b'), ['a', 'a']],
  ['no word in a list', kind.words('a'), []],
  ['any words of a list', kind.words(), ['a', 'whatever']],
  ['false', kind.boolean(), false],
])('%s can be the value of a fact', (_, declared, value) => {
  expect(valueProblem(declared, value)).toBeUndefined();
});

test.each([
  [kind.count(), Number.NaN, 'must be a finite number, not NaN'],
  [kind.seconds(), Number.POSITIVE_INFINITY, 'must be a finite number, not Infinity'],
  [kind.count(), undefined, 'must be a finite number, not undefined'],
  [kind.count(), '1', "must be a finite number, not '1'"],
  [kind.bytes(), -1, 'must be a number of bytes, not -1'],
  [kind.times(), [1, Number.NaN], 'must be a list of finite numbers, not [ 1, NaN ]'],
  [kind.word('a', 'b'), 'c', "must be one of a, b, not 'c'"],
  [kind.words('a', 'b'), ['a', 'c'], "must be a list, each one of a, b, not [ 'a', 'c' ]"],
  [kind.words(), ['a', 7], "must be a list, each a text, not [ 'a', 7 ]"],
  [kind.outcome(), 7, 'must be a text, not 7'],
  [kind.boolean(), 1, 'must be true or false, not 1'],
])('%j cannot be %j', (declared, value, problem) => {
  expect(valueProblem(declared, value)).toBe(problem);
});
