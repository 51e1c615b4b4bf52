import { describe, expect, test } from 'vitest';
import type { AnyDefinition } from '../../src/experiment/definition.ts';
import { experiment, loadExperiment } from '../../src/index.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { claimsWithoutCells, judgeCell } from '../../src/verdict/claims.ts';
import type { Readable } from '../../src/verdict/facts.ts';
import { closeOrder, ranCell } from './example.ts';

type Holds = (facts: Readable) => unknown;

/** The verdict of one claim on these facts. */
function judged(holds: Holds, facts: CellRecord['facts'], unknown: CellRecord['unknown'] = {}) {
  const definition: AnyDefinition = experiment({
    id: 'one',
    question: 'q',
    factors: {},
    scenario: async () => {},
    claims: [{ id: 'it', text: '', source: '', holds: holds as () => boolean }],
    answer: () => 'x',
  }).definition;
  const [verdict, ...more] = judgeCell(definition, { factors: {}, facts, unknown });
  expect(more).toEqual([]);
  return verdict;
}

describe('judgeCell', () => {
  test('a load that the experiment does not count, since the machine had other work, refutes nothing', () => {
    const definition = loadExperiment({
      id: 'loaded',
      question: 'q',
      factors: {},
      load: { repeats: 1, counts: (facts) => facts['cpu.othersShare'] <= 0.15 },
      scenario: async () => {},
      claims: [{ id: 'all', text: '', source: '', holds: (facts) => facts['timeWait.each'] === 1 }],
      answer: () => 'x',
    }).definition;
    const verdict = (each: number, others: number | null) =>
      judgeCell(definition, {
        factors: {},
        facts: { 'timeWait.each': each, 'cpu.othersShare': others },
        unknown: {},
      })[0];
    expect(verdict(0.98, 0.6)).toEqual({
      id: 'all',
      verdict: 'inconclusive',
      detail: { on: 'left-out', read: [{ fact: 'timeWait.each', value: 0.98 }], more: 0 },
    });
    expect(verdict(0.98, 0.1)?.verdict).toBe('refuted');
    expect(verdict(0.98, null)?.verdict).toBe('refuted');
    expect(verdict(1, 0.6)?.verdict).toBe('confirmed');
  });

  test('judges the claims that apply, and only those', () => {
    expect(ranCell('client', 'off', { 'timeWait.holder': 'client' }).claims).toEqual([
      {
        id: 'first-closer-waits',
        verdict: 'confirmed',
        detail: { on: 'facts', read: [{ fact: 'timeWait.holder', value: 'client' }], more: 0 },
      },
    ]);
    expect(ranCell('client', 'zero', { 'timeWait.holder': 'client' }).claims).toEqual([
      {
        id: 'reset-leaves-none',
        verdict: 'refuted',
        detail: {
          on: 'facts',
          read: [{ fact: 'timeWait.holder', value: 'client' }],
          more: 0,
          // of the four words that it may be
          needs: [{ fact: 'timeWait.holder', value: 'none' }],
        },
      },
    ]);
  });

  test('a claim that reads what was not observed is inconclusive, with the fact and the reason', () => {
    expect(
      ranCell(
        'client',
        'off',
        { 'timeWait.holder': null },
        { unknown: { 'timeWait.holder': { code: 'not-sampled', text: 'no ss' } } },
      ).claims,
    ).toEqual([
      {
        id: 'first-closer-waits',
        verdict: 'inconclusive',
        detail: { on: 'no-value', fact: 'timeWait.holder', is: 'not-observed', code: 'not-sampled', why: 'no ss' },
      },
    ]);
    expect(ranCell('client', 'off', {}).claims).toMatchObject([
      { verdict: 'inconclusive', detail: { on: 'no-value', fact: 'timeWait.holder', is: 'not-tried' } },
    ]);
  });

  test('a claim that swallows the error of an unknown fact is inconclusive all the same', () => {
    const swallowing: Holds = (facts) => {
      try {
        return facts['timeWait.holder'] === 'client';
      } catch {
        return true;
      }
    };
    expect(judged(swallowing, { 'timeWait.holder': null })).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'no-value', fact: 'timeWait.holder', is: 'not-observed' },
    });
  });

  test('a claim may ask whether a fact was observed', () => {
    const careful: Holds = (facts) => !('timeWait.seconds' in facts) || Number(facts['timeWait.seconds']) > 59;
    expect(judged(careful, { 'timeWait.seconds': null })).toMatchObject({ verdict: 'confirmed' });
    expect(judged(careful, { 'timeWait.seconds': 1 })).toMatchObject({ verdict: 'refuted' });
  });

  test('a claim that throws is inconclusive, with what it threw', () => {
    const throwing: Holds = () => {
      throw new RangeError('no such thing');
    };
    expect(judged(throwing, {})).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'throw', message: 'no such thing' },
    });
    expect(judged((facts) => facts['timeWait.holdr'] === 'client', {})).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'throw', message: 'there is no fact timeWait.holdr' },
    });
  });

  test.each([undefined, 'yes', 1, Promise.resolve(false)])('a claim that returns %s decides nothing', (answer) => {
    expect(judged(() => answer, {})).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'throw', message: expect.stringContaining('not true or false') },
    });
  });

  test("a claim whose 'when' throws is inconclusive", () => {
    const definition = {
      ...closeOrder,
      claims: [{ ...closeOrder.claims[0]!, when: () => JSON.parse('{') as boolean }],
    };
    expect(judgeCell(definition, { factors: {}, facts: {}, unknown: {} })).toMatchObject([
      {
        id: 'first-closer-waits',
        verdict: 'inconclusive',
        detail: { on: 'throw', message: expect.stringContaining('JSON') },
      },
    ]);
  });

  test('a refuted claim lists all it read, a confirmed one three of them', () => {
    const facts: CellRecord['facts'] = {
      'timeWait.seconds': 61.23456789,
      'client.path': ['FIN-WAIT-1', 'TIME-WAIT'],
      'client.errors': [{ call: 'write', errno: 'EPIPE' }],
      'client.closeMs': 0.25,
      'counters.lab.Tcp.OutRsts': 2,
    };
    const reading =
      (verdict: boolean): Holds =>
      (all) => {
        for (const name of Object.keys(facts)) void all[name];
        return all['counters.lab.Tcp.EstabResets'] === 0 && verdict;
      };
    const read = Object.entries(facts).map(([fact, value]) => ({ fact, value }));
    expect(judged(reading(false), facts)?.detail).toEqual({
      on: 'facts',
      read: [...read, { fact: 'counters.lab.Tcp.EstabResets', value: 0 }],
      more: 0,
    });
    expect(judged(reading(true), facts)?.detail).toEqual({ on: 'facts', read: read.slice(0, 3), more: 3 });
  });

  test('knows the facts of named connections and of the experiment itself', () => {
    const definition: AnyDefinition = experiment({
      id: 'restart',
      question: 'q',
      factors: {},
      connections: ['old', 'new'],
      measures: { winner: { type: 'word', compare: 'exact' } },
      scenario: async () => {},
      claims: [
        { id: 'a', text: '', source: '', holds: (facts) => facts['old.timeWait.holder'] === 'server' },
        { id: 'b', text: '', source: '', holds: (facts) => facts.winner === ('old' as never) },
      ],
      answer: () => 'x',
    }).definition;
    const facts = { 'old.timeWait.holder': 'server', winner: 'new' };
    expect(judgeCell(definition, { factors: {}, facts, unknown: {} }).map(({ verdict }) => verdict)).toEqual([
      'confirmed',
      'refuted',
    ]);
  });
});

test('a claim that applies to none of the cells is a warning', () => {
  const off = [{ closes: 'client', linger: 'off' }];
  expect(claimsWithoutCells(closeOrder, off)).toEqual([
    {
      code: 'claim-applies-to-no-cell',
      text: expect.stringContaining('reset-leaves-none of close-order'),
      remedy: expect.any(String),
    },
  ]);
  expect(claimsWithoutCells(closeOrder, [...off, { closes: 'client', linger: 'zero' }])).toEqual([]);
});
