import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../src/record/schema.ts';
import { judgeRun } from '../../src/verdict/run.ts';
import { closeOrder, goodRun, ranCell } from './example.ts';

const bad = ranCell('server', 'off', { 'timeWait.holder': 'client', 'client.closeMs': 0.2 });
const unseen = ranCell('server', 'off', { 'timeWait.holder': null, 'client.closeMs': 0.2 });
const cell = 'close-order/closes=server,linger=off';
const unobserved = { fact: 'timeWait.holder', is: 'not-observed' };
const readsClient = { on: 'facts', read: [{ fact: 'timeWait.holder', value: 'client' }], more: 0 };
const claim = (cells: readonly CellRecord[], id: string) => judgeRun(closeOrder, cells).find((one) => one.id === id);

describe('judgeRun', () => {
  test('tells of every claim in definition order, those across cells last', () => {
    expect(judgeRun(closeOrder, goodRun())).toEqual([
      {
        id: 'first-closer-waits',
        text: 'the end that closes first keeps TIME-WAIT',
        source: 'RFC 9293 §3.6.1',
        across: false,
        verdict: 'confirmed',
        cells: { confirmed: 2, refuted: 0, inconclusive: 0 },
        detail: { on: 'results', first: [], more: 0 },
        observed: [
          {
            fact: 'timeWait.holder',
            verdict: 'confirmed',
            results: 2,
            values: [
              { value: 'client', results: 1 },
              { value: 'server', results: 1 },
            ],
          },
        ],
      },
      expect.objectContaining({ id: 'reset-leaves-none', verdict: 'confirmed', across: false }),
      {
        id: 'reset-is-not-slower',
        text: 'closing by a reset does not take longer',
        source: 'tcp_close()',
        across: true,
        verdict: 'confirmed',
        cells: { confirmed: 0, refuted: 0, inconclusive: 0 },
        detail: { on: 'many-facts', facts: 4, results: 4 },
      },
    ]);
  });

  test('the worst verdict stands for all, and says where', () => {
    expect(claim([...goodRun(), unseen], 'first-closer-waits')).toMatchObject({
      verdict: 'inconclusive',
      cells: { confirmed: 2, refuted: 0, inconclusive: 1 },
      detail: { on: 'results', first: [{ cell, detail: { on: 'no-value', ...unobserved } }], more: 0 },
    });
    expect(claim([...goodRun(), unseen, bad], 'first-closer-waits')).toMatchObject({
      verdict: 'refuted',
      cells: { confirmed: 2, refuted: 1, inconclusive: 1 },
      detail: { on: 'results', first: [{ cell, detail: readsClient }], more: 0 },
    });
  });

  test('repeats each count, and are told apart', () => {
    const again = { ...bad, repeat: 2 };
    expect(claim([...goodRun(), again], 'first-closer-waits')).toMatchObject({
      cells: { confirmed: 2, refuted: 1, inconclusive: 0 },
      detail: { on: 'results', first: [{ cell, repeat: 2, detail: readsClient }], more: 0 },
    });
  });

  test('only cells of this experiment that ran take part', () => {
    const others = [
      { ...bad, status: 'errored' as const },
      { ...bad, status: 'unsupported' as const },
      { ...bad, experiment: 'another' },
    ];
    expect(claim([...goodRun(), ...others], 'first-closer-waits')).toMatchObject({ verdict: 'confirmed' });
    expect(claim([...goodRun(), ...others], 'reset-is-not-slower')).toMatchObject({
      verdict: 'confirmed',
      without: 2,
    });
  });

  test('a claim that met no cell is inconclusive', () => {
    expect(judgeRun(closeOrder, [bad]).map(({ id, verdict, detail }) => ({ id, verdict, detail }))).toMatchObject([
      { verdict: 'refuted' },
      { verdict: 'inconclusive', detail: { on: 'nothing', because: 'applies-to-none' } },
      // No reset cell to be slower: `Math.max()` of none.
      { verdict: 'confirmed' },
    ]);
    expect(judgeRun(closeOrder, []).map(({ verdict, detail }) => [verdict, detail])).toEqual([
      ['inconclusive', { on: 'nothing', because: 'applies-to-none' }],
      ['inconclusive', { on: 'nothing', because: 'applies-to-none' }],
      ['inconclusive', { on: 'nothing', because: 'no-cell-ran' }],
    ]);
  });

  test('a claim across cells is refuted by facts, and inconclusive where one is missing', () => {
    const [first, ...rest] = goodRun();
    const slow = ranCell('client', 'zero', { 'timeWait.holder': 'none', 'client.closeMs': 9 });
    expect(claim([first!, slow], 'reset-is-not-slower')).toMatchObject({
      verdict: 'refuted',
      detail: {
        on: 'facts',
        read: [
          { cell: 'close-order/closes=client,linger=off', fact: 'client.closeMs', value: 0.2 },
          { cell: 'close-order/closes=client,linger=zero', fact: 'client.closeMs', value: 9 },
        ],
        more: 0,
      },
    });
    const without = ranCell('client', 'off', { 'timeWait.holder': 'client', 'client.closeMs': null });
    expect(claim([without, ...rest], 'reset-is-not-slower')).toMatchObject({
      verdict: 'inconclusive',
      detail: {
        on: 'no-value',
        cell: 'close-order/closes=client,linger=off',
        fact: 'client.closeMs',
        is: 'not-observed',
      },
    });
  });

  test('a claim across cells is given the results it speaks of, and says so where there are none', () => {
    const every = (holder: string) => ({
      id: 'every',
      text: '',
      source: '',
      when: ({ facts }: { facts: Record<string, unknown> }) => facts['timeWait.holder'] === holder,
      holds: (all: readonly { facts: Record<string, unknown> }[]) =>
        all.length > 0 && all.every(({ facts }) => facts['timeWait.holder'] === holder),
    });
    const of = (holder: string) => judgeRun({ ...closeOrder, claims: [], across: [every(holder)] }, goodRun());
    expect(of('client')).toMatchObject([{ verdict: 'confirmed' }]);
    expect(of('both')).toMatchObject([
      { verdict: 'inconclusive', detail: { on: 'nothing', because: 'applies-to-none', results: goodRun().length } },
    ]);
  });

  test('a claim across cells may say that what ran does not decide it', () => {
    const open = { id: 'v', text: '', source: '', holds: () => undefined };
    expect(judgeRun({ ...closeOrder, claims: [], across: [open] }, goodRun())).toMatchObject([
      { verdict: 'inconclusive', detail: { on: 'nothing', because: 'undecided' } },
    ]);
  });

  test('a claim across cells that read no fact was not put to the test', () => {
    const vacuous = { id: 'v', text: '', source: '', holds: () => true };
    expect(judgeRun({ ...closeOrder, claims: [], across: [vacuous] }, goodRun())).toMatchObject([
      { verdict: 'inconclusive', detail: { on: 'nothing', because: 'no-fact-read' } },
    ]);
    const throwing = { ...vacuous, holds: () => JSON.parse('{') as boolean };
    expect(judgeRun({ ...closeOrder, claims: [], across: [throwing] }, goodRun())).toMatchObject([
      { verdict: 'inconclusive', detail: { on: 'throw', message: expect.stringContaining('JSON') } },
    ]);
  });

  test('claims across cells are not decided by the results that are left', () => {
    const without = ranCell('server', 'off', { 'timeWait.holder': 'server', 'client.closeMs': null });
    expect(claim([...goodRun(), without], 'reset-is-not-slower')).toMatchObject({ verdict: 'inconclusive' });
  });
});
