import { describe, expect, test } from 'vitest';
import { any, data, fin, syn } from '../../src/experiment/patterns.ts';
import {
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
import type { Seen } from '../../src/wire/history.ts';
import { idle, noRules, step, withoutRule, withRule } from '../../src/wire/step.ts';
import { opening, teller } from './seen.ts';

const stateOf = (...rules: Rule[]) => rules.reduce((state, rule, index) => withRule(state, index + 1, rule), noRules);

/** What becomes of packets one after the other, each at its own time; and the state then. */
function play(rules: readonly Rule[], packets: readonly Seen[]) {
  let state = stateOf(...rules);
  const decisions = packets.map((seen) => {
    const decision = step(state, seen, seen.t);
    state = decision.state;
    return decision;
  });
  return { state, decisions, deeds: decisions.map(({ deeds }) => deeds.map(({ deed }) => deed).join('+')) };
}
const syns = (count: number) => {
  const tell = teller();
  return Array.from({ length: count }, () => tell('client', ['SYN'], { seq: 1 }));
};

test('without rules everything is carried', () => {
  expect(play([], opening(teller())).deeds).toEqual(['carry', 'carry', 'carry']);
});

test('the first rule that acts decides, and is told', () => {
  const { decisions } = play([carry(syn.nth(2)), drop(syn, { times: 2 }), hold(any)], syns(4));
  expect(decisions.map(({ rule, deeds: [first] }) => [rule, first.deed])).toEqual([
    [2, 'drop'],
    [1, 'carry'],
    [2, 'drop'],
    [3, 'hold'],
  ]);
});

test('the nth is counted among what matches, since the rule was made', () => {
  const tell = teller();
  const packets = ['FIN', 'ACK', 'FIN', 'FIN'].map((flag) => tell('server', [flag as 'FIN']));
  expect(play([drop(fin.nth(2))], packets).deeds).toEqual(['carry', 'carry', 'drop', 'carry']);
});

test('so many times, then never again', () => {
  expect(play([drop(syn, { times: 2 })], syns(4)).deeds).toEqual(['drop', 'drop', 'carry', 'carry']);
});

test('a delay, a hold, copies and an overtaking say until when', () => {
  const [packet] = syns(1);
  const first = (rule: Rule) => step(stateOf(rule), packet!, 5e6).deeds;
  expect(first(delay(any, 1.5))).toEqual([{ deed: 'wait', until: 6.5e6 }]);
  expect(first(hold(any))).toEqual([{ deed: 'hold' }]);
  expect(first(duplicate(any, { copies: 2, everyMs: 3 }))).toEqual([
    { deed: 'carry' },
    { deed: 'copy', at: 8e6 },
    { deed: 'copy', at: 11e6 },
  ]);
  expect(first(reorder(any, { behind: 2, withinMs: 10 }))).toEqual([{ deed: 'behind', count: 2, until: 15e6 }]);
  expect(first(blackhole(any))).toEqual([{ deed: 'drop', why: 'black hole' }]);
});

describe('loss', () => {
  test('is the same with the same seed, another with another, and as frequent as it says', () => {
    const packets = syns(20_000);
    const lost = (seed: number) => play([loss(any, 0.1, { seed })], packets).deeds.join();
    expect(lost(1)).toBe(lost(1));
    expect(lost(1)).not.toBe(lost(2));
    const count = lost(3).split('drop').length - 1;
    // binomial: a standard deviation is 42
    expect(Math.abs(count - 2000)).toBeLessThan(5 * 42);
  });

  test('leaves what it does not lose to later rules', () => {
    const { deeds } = play([loss(any, 0.5, { seed: 1 }), delay(any, 1)], syns(100));
    expect(new Set(deeds)).toEqual(new Set(['drop', 'wait']));
  });

  test('of probability 0 loses nothing, of 1 everything', () => {
    expect(new Set(play([loss(any, 0, { seed: 1 })], syns(500)).deeds)).toEqual(new Set(['carry']));
    expect(new Set(play([loss(any, 1, { seed: 1 })], syns(500)).deeds)).toEqual(new Set(['drop']));
  });
});

describe('a rate', () => {
  const at = (t: number, length: number): Seen => ({ ...syns(1)[0]!, t, length });

  test('sends one packet after the other, then delays', () => {
    const { decisions } = play([rate(any, 1_000_000, { delayMs: 10 })], [at(0, 1000), at(0, 1000), at(50e6, 500)]);
    expect(decisions.map(({ deeds: [deed] }) => deed)).toEqual([
      { deed: 'wait', until: 11e6 },
      { deed: 'wait', until: 12e6 },
      { deed: 'wait', until: 60.5e6 },
    ]);
  });

  test('drops what its queue has no room for', () => {
    const { decisions } = play(
      [rate(any, 1_000_000, { queueBytes: 2500 })],
      Array.from({ length: 5 }, () => at(0, 1000)),
    );
    expect(decisions.map(({ deeds: [deed] }) => (deed.deed === 'drop' ? deed.why : deed.deed))).toEqual([
      'wait',
      'wait',
      'queue full',
      'queue full',
      'queue full',
    ]);
  });
});

test('the step is pure: the state given stays as it was, and gives the same again', () => {
  const state = stateOf(loss(any, 0.5, { seed: 7 }), rate(any, 1000), drop(data));
  const before = JSON.stringify(state);
  const [packet] = syns(1);
  const once = step(state, packet!, 3);
  expect(step(state, packet!, 3)).toEqual(once);
  expect(JSON.stringify(state)).toBe(before);
  expect(JSON.parse(before)).toEqual(state);
});

test('a rule is lifted alone, or all are', () => {
  const state = stateOf(drop(syn), hold(fin));
  expect(withoutRule(state, 1).rules.map(({ id }) => id)).toEqual([2]);
  expect(withoutRule(state).rules).toEqual([]);
});

test('rules that have acted for the last time are idle', () => {
  expect(idle(noRules)).toBe(true);
  expect(idle(stateOf(drop(syn, { times: 1 })))).toBe(false);
  expect(idle(play([drop(syn, { times: 1 }), drop(syn.nth(3))], syns(4)).state)).toBe(true);
});

test('what cannot be is refused when the rule is written', () => {
  expect(() => drop(any, { times: 0 })).toThrow(RangeError);
  expect(() => loss(any, 1.1, { seed: 1 })).toThrow(RangeError);
  expect(() => delay(any, Number.NaN)).toThrow(RangeError);
  expect(() => rate(any, 0)).toThrow(RangeError);
  expect(() => duplicate(any, { copies: 0 })).toThrow(RangeError);
});
