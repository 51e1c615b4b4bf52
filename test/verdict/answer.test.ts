import { describe, expect, test } from 'vitest';
import type { AnyScenarioDefinition } from '../../src/experiment/definition.ts';
import { finding, range, share } from '../../src/index.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { largest } from '../../src/stats/quantile.ts';
import { answerOf } from '../../src/verdict/answer.ts';
import { closeOrder, goodRun, ranCell } from './example.ts';

const bad = ranCell('server', 'off', { 'timeWait.holder': 'client', 'client.closeMs': 0.2 });
const unseen = ranCell('server', 'off', { 'timeWait.holder': null, 'client.closeMs': 0.2 });

type Answering = AnyScenarioDefinition['answer'];
const conclude = (answer: Answering | (() => unknown), ...cells: CellRecord[]) =>
  answerOf({ ...closeOrder, answer: answer as Answering }, cells).answer;
const headline = (...cells: CellRecord[]) => answerOf(closeOrder, cells).answer.headline;

describe('the headline', () => {
  test('is the sentence made from facts', () => {
    expect(headline(...goodRun())).toBe('The end that closes first.');
    expect(headline(...goodRun(), bad)).toBe('Not always the end that closes first.');
  });

  test('is the whole answer where an experiment returns a text', () => {
    expect(conclude(() => 'It does.', ...goodRun())).toEqual({ headline: 'It does.', findings: [] });
  });

  test.each([
    ['nothing ran', [{ ...bad, status: 'errored' as const }], () => 'x', { code: 'no-cell-ran' }],
    ['the cells do not tell', goodRun(), () => ({ headline: undefined, findings: [] }), { code: 'not-answered' }],
    ['a number has nothing to rest on', goodRun(), () => `${share([], [])}`, { code: 'not-answered' }],
    ['it threw', goodRun(), () => JSON.parse('{'), { code: 'threw', message: expect.stringContaining('JSON') }],
    ['it is no sentence', goodRun(), () => undefined, { code: 'threw', message: expect.any(String) }],
  ])('is absent, with the reason, where %s', (_, cells, answer, because) => {
    expect(conclude(answer, ...cells)).toEqual({ headline: null, findings: [], because });
  });
});

describe('a finding', () => {
  test('has its number and the results that it rests on, each cell once with its repeats', () => {
    const again = ranCell('client', 'off', { 'timeWait.holder': 'server', 'client.closeMs': 3 }, { repeat: 2 });
    const answer: Answering = (outcomes) => {
      const off = outcomes.filter(({ cell }) => cell.linger === 'off');
      const kept = off.filter(({ cell, facts }) => facts['timeWait.holder'] === cell.closes);
      return {
        headline: 'It does.',
        findings: [
          finding(share(kept, off), 'The end that closes first keeps TIME-WAIT.'),
          finding(
            range(off, ({ facts }) => facts['client.closeMs'], { digits: 1, unit: 'ms' }),
            'close() takes this.',
          ),
          finding('0.2 ms', 'close() of the client took this.', off.slice(0, 1)),
        ],
      };
    };
    const [client, server] = ['client', 'server'].map((closes) => `close-order/closes=${closes},linger=off`);
    const all = [
      { id: client, repeats: [1, 2] },
      { id: server, repeats: [1] },
    ];
    expect(conclude(answer, ...goodRun(), again).findings).toEqual([
      { number: '2 of 3', text: 'The end that closes first keeps TIME-WAIT.', cells: all },
      { number: '0.1–3.0 ms', text: 'close() takes this.', cells: all },
      { number: '0.2 ms', text: 'close() of the client took this.', cells: [{ id: client, repeats: [1] }] },
    ]);
  });

  test('that rests on no result is left out', () => {
    const answer: Answering = (outcomes) => {
      const none = outcomes.filter(({ repeat }) => repeat > 1);
      return { headline: 'It does.', findings: [finding(share(none, none), 'x'), none.length > 0 && undefined] };
    };
    expect(conclude(answer, ...goodRun())).toEqual({ headline: 'It does.', findings: [] });
  });

  test('cannot rest on a result that the answer was not given', () => {
    const elsewhere = [{ cell: { closes: 'both' }, repeat: 1 }];
    expect(conclude(() => ({ headline: 'x', findings: [finding('1', 'x', elsewhere)] }), ...goodRun())).toMatchObject({
      because: { code: 'threw', message: expect.stringContaining('close-order/closes=both') },
    });
  });
});

describe('results of which the answer lacks a fact', () => {
  const notObserved = { fact: 'timeWait.holder', is: 'not-observed' };

  test('are left out, and counted with the reason', () => {
    expect(conclude(closeOrder.answer, ...goodRun(), unseen)).toEqual({
      headline: 'The end that closes first.',
      findings: [],
      without: { results: 1, of: 5, reasons: [{ ...notObserved, results: 1 }] },
    });
    expect(conclude(closeOrder.answer, ...goodRun(), unseen, { ...unseen, repeat: 2 }, bad)).toMatchObject({
      headline: 'Not always the end that closes first.',
      without: { results: 2, of: 7, reasons: [{ ...notObserved, results: 2 }] },
    });
  });

  test('leave no answer where there are no others', () => {
    expect(conclude(closeOrder.answer, unseen)).toEqual({
      headline: null,
      findings: [],
      because: { code: 'left-out' },
      without: { results: 1, of: 1, reasons: [{ ...notObserved, results: 1 }] },
    });
  });

  test('are told apart by their reasons, also where the answer itself caught the error', () => {
    const untried = ranCell('client', 'off', { 'client.closeMs': 0.2 });
    const answer: Answering = (outcomes) =>
      outcomes
        .map(({ facts }) => {
          try {
            return facts['timeWait.holder'];
          } catch {
            return 'nobody';
          }
        })
        .join(' and ');
    expect(conclude(answer, ...goodRun(), unseen, untried)).toEqual({
      headline: 'client and none and server and none',
      findings: [],
      without: {
        results: 2,
        of: 6,
        reasons: [
          { ...notObserved, results: 1 },
          { fact: 'timeWait.holder', is: 'not-tried', results: 1 },
        ],
      },
    });
  });

  test('are the reason where only they could have answered', () => {
    const slowest: Answering = (outcomes) =>
      `${largest(outcomes.filter(({ cell }) => cell.linger === 'off').map(({ facts }) => facts['client.closeMs']))} ms`;
    const without = ranCell('client', 'off', { 'timeWait.holder': 'client', 'client.closeMs': null });
    const zero = ranCell('client', 'zero', { 'timeWait.holder': 'none', 'client.closeMs': 1 });
    expect(conclude(slowest, without, zero)).toMatchObject({ headline: null, because: { code: 'left-out' } });
  });

  test('say from how many the answer is made', () => {
    const of = (...cells: CellRecord[]) => answerOf(closeOrder, cells).answered;
    expect([of(...goodRun()), of(...goodRun(), unseen), of(unseen)]).toEqual(['all', 'some', 'none']);
  });
});
