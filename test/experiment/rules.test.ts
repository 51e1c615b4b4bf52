import { describe, expect, test } from 'vitest';
import { fin, syn } from '../../src/experiment/patterns.ts';
import {
  acceptedRule,
  blackhole,
  carry,
  delay,
  drop,
  duplicate,
  hold,
  loss,
  type Rule,
  rate,
  reorder,
} from '../../src/experiment/rules.ts';

describe('a rule is data', () => {
  test.each<[string, Rule]>([
    ['drop', drop(fin, { times: 2 })],
    ['carry', carry(fin)],
    ['hold', hold(fin.nth(2))],
    ['delay', delay(fin, 0.5)],
    ['duplicate', duplicate(fin, { copies: 2 })],
    ['reorder', reorder(fin, { withinMs: 5 })],
    ['black-hole', blackhole(fin)],
    ['rate', rate(fin, 1e6, { delayMs: 10 })],
    ['loss', loss(fin, 0.5, { seed: 7 })],
  ])('%s, accepted as it is when it is written by hand', (what, rule) => {
    expect(rule.action.do).toBe(what);
    expect(JSON.parse(JSON.stringify(rule))).toEqual(rule);
    expect(acceptedRule(rule)).toEqual(rule);
  });

  test('with its defaults, which an undefined option leaves', () => {
    expect(duplicate(fin, { everyMs: 3 }).action).toEqual({ do: 'duplicate', copies: 1, everyMs: 3 });
    expect(reorder(fin).action).toEqual({ do: 'reorder', behind: 1, withinMs: 200 });
    expect(rate(fin, 1000).action).toEqual({ do: 'rate', bytesPerSecond: 1000, queueBytes: 65_536, delayMs: 0 });
  });
});

describe('a rule that cannot be is told so, by the name of what is wrong', () => {
  const any = (value: unknown) => value as never;
  const wrong: readonly (readonly [string, () => unknown, string])[] = [
    [
      'no pattern',
      () => drop(any(undefined)),
      "drop(): pattern: must be a pattern, such as fin or data.from('client'), not undefined",
    ],
    [
      'options for a pattern',
      () => drop(any({ times: 1 })),
      "drop(): pattern: unknown option 'times'; use match or ordinal",
    ],
    ['never', () => drop(fin, { times: 0 as number }), 'drop(): times: must be a whole number from 1 on, not 0'],
    [
      'half a time',
      () => hold(fin, { times: 1.5 as number }),
      'hold(): times: must be a whole number from 1 on, not 1.5',
    ],
    [
      'an option that there is not',
      () => drop(fin, any({ time: 1 })),
      `drop(): unknown option 'time' (did you mean "times"?); use times`,
    ],
    ['no delay', () => delay(fin, any(undefined)), 'delay(): ms: must be a number from 0 on, not undefined'],
    ['a delay backwards', () => delay(fin, -1), 'delay(): ms: must be a number from 0 on, not -1'],
    ['a loss beyond all', () => loss(fin, 2, { seed: 1 }), 'loss(): probability: must be a number from 0 to 1, not 2'],
    [
      'a loss without seed',
      () => loss(fin, 0.1, any(undefined)),
      'loss(): seed: must be a whole number from 0 on, not undefined',
    ],
    ['no copies', () => duplicate(fin, { copies: 0 }), 'duplicate(): copies: must be a whole number from 1 on, not 0'],
    [
      'an empty rule',
      () => acceptedRule({}),
      "rule: pattern: must be a pattern, such as fin or data.from('client'), not undefined",
    ],
    ['no rule', () => acceptedRule(undefined), 'rule: must be an object with pattern, times or action, not undefined'],
    [
      'no action',
      () => acceptedRule({ pattern: syn }),
      'rule: action.do: unknown value undefined; use carry, drop, black-hole',
    ],
    [
      'an action that there is not',
      () => acceptedRule({ pattern: syn, action: { do: 'dropp' } }),
      '(did you mean "drop"?)',
    ],
    [
      'an action with more',
      () => acceptedRule({ pattern: syn, action: { do: 'drop', ms: 1 } }),
      "rule: unknown option 'ms'",
    ],
  ];
  test.each(wrong)('%s', (_title, make, expected) => {
    expect(make).toThrow(expected);
  });
});
