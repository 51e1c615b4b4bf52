import { expect, test } from 'vitest';
import { gatherCells } from '../../../src/report/gather.ts';
import { claimViews, openTogether, reasonsOf, tally } from '../../../src/report/model/claims.ts';
import { cellOf, claimOf, experimentOf, runOf, told } from '../fixture.ts';

test('a share says what the other results said', () => {
  const cells = { confirmed: 3, refuted: 2, inconclusive: 1 };
  expect(tally(claimOf({ id: 'c', verdict: 'refuted', cells }))).toBe('2 of 6 results, 1 inconclusive, 3 confirmed');
});

test('reasons are those of the cells; the claim speaks for itself where no cell does', () => {
  const experiment = experimentOf({ id: 'x' });
  const cells = gatherCells(
    runOf(
      [experiment],
      ['one', 'two', 'one'].map((detail, a) =>
        cellOf('x', { a }, {}, { claims: [{ id: 'c', verdict: 'refuted', detail: told(detail) }] }),
      ),
    ),
  );
  const claim = claimOf({ id: 'c', verdict: 'refuted', detail: told('in 3 of 3: a=0: one; a=1: two; a=2: one') });
  expect(reasonsOf(claim, cells, experiment).map(({ detail, cells: own }) => [detail, own.length])).toEqual([
    ['one', 2],
    ['two', 1],
  ]);
  expect(reasonsOf({ ...claim, id: 'across', across: true, detail: told('all') }, cells, experiment)).toEqual([
    { detail: 'all', cells: [] },
  ]);
});

test('claims that no cell bears on are told together, others one by one', () => {
  const none = { confirmed: 0, refuted: 0, inconclusive: 0 };
  const claims = [
    claimOf({ id: 'a', verdict: 'inconclusive', cells: none, detail: told('applies to no cell that ran') }),
    claimOf({ id: 'b', verdict: 'inconclusive', cells: { ...none, inconclusive: 2 }, detail: told('x not observed') }),
    claimOf({ id: 'c', verdict: 'inconclusive', cells: none, detail: told('applies to no cell that ran') }),
    claimOf({ id: 'd', verdict: 'refuted' }),
    claimOf({ id: 'e' }),
  ];
  expect(openTogether(claims).map((same) => same.map(({ id }) => id))).toEqual([['d'], ['a', 'c'], ['b']]);
});

test('a fact that a claim read in some of its results only has their number beside its values', () => {
  const read = (fact: string, results: number) => ({ fact, verdict: 'confirmed' as const, results });
  const claim = claimOf({
    id: 'c',
    cells: { confirmed: 5, refuted: 0, inconclusive: 0 },
    observed: [
      { ...read('server.delivered', 5), least: 100, most: 200_000 },
      { ...read('client.closeMs', 3), least: 39, most: 120 },
    ],
  });
  const words = claimOf({
    id: 'd',
    cells: { confirmed: 7, refuted: 0, inconclusive: 0 },
    observed: [{ ...read('server.lostIn', 6), values: [{ value: ['sendQueue'], results: 6 }] }],
  });
  const views = claimViews(experimentOf({ id: 'x', claims: [claim, words] }));
  expect(views.map(({ observed = [] }) => observed.map(({ is }) => is))).toEqual([
    ['100–200,000 B', '39.0–120 ms (in 3 of 5)'],
    ['sendQueue (in 6 of 7)'],
  ]);
});
