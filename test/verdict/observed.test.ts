import { expect, test } from 'vitest';
import type { FactRead } from '../../src/record/detail.ts';
import type { Verdict } from '../../src/record/schema.ts';
import { observedOf } from '../../src/verdict/observed.ts';

const judged = (verdict: Verdict, ...read: FactRead[]) => ({
  verdict,
  detail: { on: 'facts' as const, read, more: 0 },
});

test('values of a fact are counted by verdict, the most frequent first', () => {
  const holder = (value: string) => ({ fact: 'timeWait.holder', value });
  const verdicts = [
    judged('confirmed', holder('client')),
    judged('refuted', holder('none')),
    judged('confirmed', holder('server')),
    judged('confirmed', holder('server')),
  ];
  expect(observedOf(verdicts)).toEqual([
    {
      fact: 'timeWait.holder',
      verdict: 'confirmed',
      results: 3,
      values: [
        { value: 'server', results: 2 },
        { value: 'client', results: 1 },
      ],
    },
    { fact: 'timeWait.holder', verdict: 'refuted', results: 1, values: [{ value: 'none', results: 1 }] },
  ]);
});

test('of numbers there are the least and the largest', () => {
  const verdicts = [61.2, 60.9, 61.4].map((value) => judged('confirmed', { fact: 'timeWait.seconds', value }));
  expect(observedOf(verdicts)).toEqual([
    { fact: 'timeWait.seconds', verdict: 'confirmed', results: 3, least: 60.9, most: 61.4 },
  ]);
});

test('of many different values the rarer are counted only', () => {
  const verdicts = Array.from({ length: 8 }, (_, at) => judged('confirmed', { fact: 'ended', value: `E${at}` }));
  expect(observedOf(verdicts)).toMatchObject([{ results: 8, values: { length: 6 }, more: 2 }]);
});

test('a claim that read nothing observed nothing', () => {
  expect(observedOf([{ verdict: 'inconclusive', detail: { on: 'throw', message: 'x' } }])).toEqual([]);
});
