import { describe, expect, test } from 'vitest';
import { checkFactor, isWanted, parseWhere } from '../../src/plan/where.ts';
import { cell, define } from './definitions.ts';

describe('--where', () => {
  test('gives each factor its values, those of several merged', () => {
    expect(parseWhere(['linger=off,zero', ' family = 4 ', 'linger=zero,10'])).toEqual({
      linger: ['off', 'zero', '10'],
      family: ['4'],
    });
    expect(parseWhere([])).toEqual({});
  });

  test.each(['linger', 'linger=', '=off', '', 'linger=off,', 'linger=off zero', 'a,b=c', 'linger==off'])(
    '%j is a BAD_OPTION',
    (text) => {
      expect(() => parseWhere([text])).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    },
  );

  test('a factor may be called like a part of every object', () => {
    expect(Object.entries(parseWhere(['constructor=a', '__proto__=b']))).toEqual([
      ['constructor', ['a']],
      ['__proto__', ['b']],
    ]);
  });
});

describe('a factor that no experiment has', () => {
  const experiments = [
    define({ id: 'a', factors: { linger: ['off', 'zero'] } }),
    define({ id: 'b', factors: { linger: ['off', 10], family: [4, 6] } }),
  ];

  test('is unknown, with the nearest and all that there are', () => {
    expect(() => checkFactor(experiments, 'lingr', ['off'])).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_FACTOR',
        message: 'there is no factor "lingr" in any selected experiment (did you mean "linger"?)',
        remedy: 'factors: linger, family',
      }),
    );
    expect(() => checkFactor(experiments.slice(0, 1), 'family', ['4'])).toThrow('in experiment "a"');
    expect(() => checkFactor(experiments, 'constructor', ['x'])).toThrow('there is no factor "constructor"');
  });

  test('and so is a value, while one that any of them has is known', () => {
    expect(() => checkFactor(experiments, 'linger', ['zero', '10'])).not.toThrow();
    expect(() => checkFactor(experiments, 'linger', ['off', 'zro'])).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_FACTOR_VALUE',
        message: 'factor "linger" has no value "zro" (did you mean "zero"?)',
        remedy: 'values of linger: off, zero, 10',
      }),
    );
  });
});

test('a cell is wanted with one of the values of each factor, as they are printed', () => {
  const one = cell({ factors: { family: 4, nodelay: true } });
  expect(isWanted(one, {})).toBe(true);
  expect(isWanted(one, { family: ['6', '4'], nodelay: ['true'] })).toBe(true);
  expect(isWanted(one, { family: ['6'], nodelay: ['true'] })).toBe(false);
  expect(isWanted(one, { linger: ['off'] })).toBe(false);
  expect(isWanted(one, { toString: ['x'] })).toBe(false);
});
