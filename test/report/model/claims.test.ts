import { expect, test } from 'vitest';
import { gatherCells } from '../../../src/report/gather.ts';
import { openTogether, reasonsOf, tally } from '../../../src/report/model/claims.ts';
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
