import { describe, expect, test } from 'vitest';
import type { CellDetail, RunDetail } from '../../src/record/detail.ts';
import { brief, cellDetailParts, runDetailParts } from '../../src/report/detail.ts';
import { claimOf, experimentOf } from './fixture.ts';

const experiment = experimentOf({ id: 'x' });
const cellText = (detail: CellDetail): string => cellDetailParts(detail, experiment).join('');
const runText = (detail: RunDetail, over: Partial<Parameters<typeof runDetailParts>[0]> = {}): string =>
  runDetailParts(claimOf({ id: 'c', detail, ...over }), experiment).join('');
const unobserved = { fact: 'timeWait.holder', is: 'not-observed', code: 'not-sampled', why: 'no ss' } as const;

describe('what a verdict in a cell rests on', () => {
  test('is the facts that the claim read, with their units, and how many more', () => {
    const read = [
      { fact: 'timeWait.seconds', value: 61.23456789 },
      { fact: 'client.path', value: ['FIN-WAIT-1', 'TIME-WAIT'] },
      { fact: 'client.errors', value: [{ call: 'write', errno: 'EPIPE' }] },
      { fact: 'client.closeMs', value: 0.25 },
      { fact: 'counters.lab.Tcp.OutRsts', value: 2 },
    ];
    expect(cellText({ on: 'facts', read, more: 3 })).toBe(
      'timeWait.seconds = 61.2 s, client.path = FIN-WAIT-1 → TIME-WAIT, client.errors = write EPIPE, client.closeMs = 250 µs, counters.lab.Tcp.OutRsts = 2, 3 more',
    );
    expect(cellText({ on: 'facts', read: [], more: 0 })).toBe('');
  });

  test('is a fact without a value and why, or what the claim threw', () => {
    expect(cellText({ on: 'no-value', ...unobserved })).toBe('timeWait.holder not observed: no ss');
    expect(cellText({ on: 'no-value', fact: 'timeWait.holder', is: 'not-tried' })).toBe('timeWait.holder not tried');
    expect(cellText({ on: 'throw', message: 'no such thing' })).toBe('claim threw: no such thing');
  });
});

test('what a verdict of late processes rests on is which, how late, and what was read', () => {
  const read = [{ fact: 'client.closeMs', value: 215 }];
  const peer = { process: 'peer', peer: 'client', ms: 1020 } as const;
  expect(cellText({ on: 'late', latest: peer, by: 'behaviour', read, more: 1 })).toBe(
    "the client's process did not run for 1.02 s, which may have changed what the kernels did: client.closeMs = 215 ms, 1 more",
  );
  const of = (process: 'harness' | 'wire' | 'observers') =>
    cellText({ on: 'late', latest: { process, ms: 20 }, by: 'times', read: [], more: 0 });
  expect([of('harness'), of('wire'), of('observers')]).toEqual([
    'the harness did not run for 20.0 ms, which can explain the times',
    'the wire was late by 20.0 ms, which can explain the times',
    'the observers were late by 20.0 ms, which can explain the times',
  ]);
  expect(runText({ on: 'late-results', by: 'times', late: 1, results: 12, latest: peer })).toBe(
    "refuted by times of one of 12 results, which its delay can explain: the client's process did not run for 1.02 s",
  );
  expect(runText({ on: 'late-results', by: 'behaviour', late: 2, results: 12, latest: peer })).toBe(
    "refuted with 2 of 12 results that were late, not without them: the client's process did not run for 1.02 s",
  );
});

describe('what a verdict over a run rests on', () => {
  test('is its share, and the results that decided it', () => {
    const cells = { confirmed: 2, refuted: 5, inconclusive: 1 };
    const read = [{ fact: 'timeWait.holder', value: 'client' }];
    const first = [
      { cell: 'x/a=1', detail: { on: 'facts' as const, read, more: 0 } },
      { cell: 'x/a=2', repeat: 2, detail: { on: 'facts' as const, read: [], more: 0 } },
    ];
    expect(runText({ on: 'results', first, more: 3 }, { verdict: 'refuted', cells })).toBe(
      'in 5 of 8: a=1: timeWait.holder = client; a=2 #2; 3 more',
    );
    expect(
      runText({ on: 'results', first: [], more: 0 }, { cells: { confirmed: 2, refuted: 0, inconclusive: 0 } }),
    ).toBe('in 2 of 2');
  });

  test('is what it read of the results, or how much', () => {
    const read = [1, 2].map((a) => ({ cell: `x/a=${a}`, fact: 'client.closeMs', value: a / 5 }));
    expect(runText({ on: 'facts', read, more: 1 })).toBe(
      'a=1: client.closeMs = 200 µs; a=2: client.closeMs = 400 µs; 1 more',
    );
    expect(runText({ on: 'many-facts', facts: 4, results: 2 }, { without: 2 })).toBe(
      '4 facts of 2 results (without 2 that did not run)',
    );
    expect(runText({ on: 'no-value', cell: 'x', ...unobserved })).toBe('x: timeWait.holder not observed: no ss');
  });

  test.each([
    ['no-cell-ran', 'no cell ran'],
    ['applies-to-none', 'applies to no cell that ran'],
    ['undecided', 'what ran does not decide it'],
    ['no-fact-read', 'it read no fact of the cells that ran'],
  ] as const)('may be nothing: %s', (because, text) => {
    expect(runText({ on: 'nothing', because })).toBe(text);
  });

  test('may be nothing, since its own condition left none', () => {
    expect(runText({ on: 'nothing', because: 'applies-to-none', results: 4 })).toBe('it applies to none of 4 results');
  });
});

test('a long detail is cut between two of its parts', () => {
  const fact = 'closes=client,by=end: client.path = SYN-SENT → ESTABLISHED → CLOSED';
  const detail = brief([fact, ...new Array(40).fill(`; ${fact}`)]);
  expect(detail.length).toBeLessThan(210);
  expect(detail.endsWith(`${fact} …`)).toBe(true);
  expect(brief(['short'])).toBe('short');
  expect(brief(['x'.repeat(1000)])).toHaveLength(202);
});
