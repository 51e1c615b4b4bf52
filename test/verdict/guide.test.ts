import { describe, expect, test } from 'vitest';
import type { AnyScenarioDefinition } from '../../src/experiment/definition.ts';
import { experiment, loadExperiment, range } from '../../src/index.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { judgeCell } from '../../src/verdict/claims.ts';
import { guideOf } from '../../src/verdict/guide.ts';
import { closeOrder, goodRun, ranCell } from './example.ts';

type Statements = NonNullable<AnyScenarioDefinition['guide']>;
const stated = (guide: Statements, ...cells: CellRecord[]) => guideOf({ ...closeOrder, guide }, cells);

const firstCloser: Statements[number] = {
  about: { 'closing order': 'measured', 'thousands of TIME-WAIT': 'look at' },
  claim: 'first-closer-waits',
  text: 'The end that closes first keeps TIME-WAIT.',
};
const [client, , server] = goodRun() as [CellRecord, CellRecord, CellRecord];

describe('a sentence', () => {
  test('rests on the cells in which its claim is decided, and holds where they confirm it', () => {
    expect(stated([firstCloser], ...goodRun())).toEqual([
      {
        id: 'first-closer-waits',
        claim: 'first-closer-waits',
        about: [
          { name: 'closing order', kind: 'measured' },
          { name: 'thousands of TIME-WAIT', kind: 'look at' },
        ],
        number: '2 of 2',
        text: 'The end that closes first keeps TIME-WAIT.',
        held: 2,
        of: 2,
        cells: [
          { id: 'close-order/closes=client,linger=off', repeats: [1] },
          { id: 'close-order/closes=server,linger=off', repeats: [1] },
        ],
      },
    ]);
  });

  test('says in how many it holds where the evidence differs', () => {
    const other = ranCell('server', 'off', { 'timeWait.holder': 'client', 'client.closeMs': 0.2 });
    expect(stated([firstCloser], client, other)).toMatchObject([{ number: '1 of 2', held: 1, of: 2 }]);
  });

  test.each([
    ['no cell of its claim ran', goodRun().filter(({ factors }) => factors.linger === 'zero')],
    ['its facts are unknown', [ranCell('client', 'off', { 'timeWait.holder': null })]],
    ['its cell errored', [{ ...client, status: 'errored' as const }]],
  ])('is left out where %s', (_, cells) => {
    expect(stated([firstCloser], ...cells)).toEqual([]);
  });

  test('is of the cells that it names', () => {
    const one: Statements[number] = {
      ...firstCloser,
      when: (cell) => (cell as CellRecord['factors']).closes === 'server',
    };
    expect(stated([one], ...goodRun())).toMatchObject([{ number: '1 of 1', cells: [{ id: server.id }] }]);
  });

  test('says how many of its cells in the default matrix decide nothing', () => {
    const wanted = ['client', 'server'].flatMap((closes) => ['off', 'zero'].map((linger) => ({ closes, linger })));
    const of = (...cells: CellRecord[]) => guideOf({ ...closeOrder, guide: [firstCloser] }, cells, wanted);
    expect(of(client)).toMatchObject([{ held: 1, of: 1, lacking: 1 }]);
    expect(of(client, server)).toEqual([expect.not.objectContaining({ lacking: expect.anything() })]);
  });

  test('has a number of its own from these cells, written into it', () => {
    const took: Statements[number] = {
      ...firstCloser,
      number: (outcomes) =>
        range(outcomes, ({ facts }) => (facts as Record<string, number>)['client.closeMs'] ?? 0, {
          digits: 2,
          unit: 'ms',
        }),
      text: 'close() takes {number}.',
    };
    const [statement] = stated([took], ...goodRun());
    expect(statement).toMatchObject({ number: '0.15–0.20 ms', text: 'close() takes 0.15–0.20 ms.', held: 2, of: 2 });
    const slow = ranCell('client', 'off', { 'timeWait.holder': 'client', 'client.closeMs': 9 });
    expect(stated([took], slow, server)).toMatchObject([{ text: 'close() takes 0.15–9.00 ms.' }]);
    const unseen = ranCell('client', 'off', { 'timeWait.holder': 'client', 'client.closeMs': null });
    expect(stated([took], unseen)).toEqual([]);
    const broken: Statements[number] = { ...firstCloser, number: () => JSON.parse('{') };
    expect(stated([broken, firstCloser], ...goodRun())).toHaveLength(1);
  });
});

const load = loadExperiment({
  id: 'fast',
  question: 'Which way is faster?',
  factors: { by: ['fin', 'rst'] },
  load: { repeats: 8, baseline: { by: 'fin' } },
  scenario: async () => {},
  claims: [],
  rates: [
    {
      id: 'rst-is-faster',
      about: { SO_LINGER: 'costs' },
      compared: ({ cell }) => cell.by === 'rst',
      holds: ({ differs }) => differs === 'more',
      text: 'A RST is {number} as fast.',
    },
  ],
  answer: () => 'x',
}).definition;

/** Eight repeats of each way in turns. */
const rates = (rst: number): CellRecord[] =>
  Array.from({ length: 8 }, (_, at) =>
    (['fin', 'rst'] as const).map((by, second) => ({
      ...client,
      id: `fast/by=${by}`,
      experiment: 'fast',
      factors: { by },
      repeat: at + 1,
      load: true as const,
      startedAt: new Date(Date.UTC(2025, 10, 20, 9, 0, at * 2 + second)).toISOString(),
      facts: { 'rate.perSecond': (by === 'fin' ? 1000 : rst) + at },
      claims: [],
    })),
  ).flat();

describe('a sentence about loads', () => {
  test('rests on the comparison with the baseline and both cells of it', () => {
    expect(guideOf(load, rates(2000))).toMatchObject([
      {
        id: 'rst-is-faster',
        number: expect.stringMatching(/^(1\.99|2\.00) ×$/),
        text: expect.stringMatching(/^A RST is (1\.99|2\.00) × as fast\.$/),
        held: 1,
        of: 1,
        cells: [{ id: 'fast/by=fin' }, { id: 'fast/by=rst' }],
      },
    ]);
    expect(guideOf(load, rates(500))).toMatchObject([{ held: 0, of: 1 }]);
  });

  test('is left out where too few repeats could show a difference', () => {
    expect(
      guideOf(
        load,
        rates(2000).filter(({ repeat }) => repeat < 3),
      ),
    ).toEqual([]);
  });

  test('is left out where nothing is compared', () => {
    const fins = rates(2000).filter(({ factors }) => factors.by === 'fin');
    expect(guideOf(load, fins)).toEqual([]);
  });
});

test('the verdicts of a cell decide, whatever the claim says now', () => {
  const other = experiment({
    id: 'close-order',
    question: 'x',
    factors: { closes: ['client'] },
    scenario: async () => {},
    claims: [{ id: 'never', text: 'x', source: 'x', holds: () => false }],
    guide: [{ about: { backlog: 'measured' }, claim: 'never', text: 'x' }],
    answer: () => 'x',
  }).definition;
  const cell = { ...client, factors: { closes: 'client' }, claims: [] };
  expect(guideOf(other, [cell])).toEqual([]);
  expect(guideOf(other, [{ ...cell, claims: judgeCell(other, cell) }])).toMatchObject([{ held: 0, of: 1 }]);
});
