import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import { declarations } from '../../../src/facts/table.ts';
import type { CellRecord, Run } from '../../../src/record/schema.ts';
import { compareRuns } from '../../../src/report/compare/compare.ts';
import { unexplainedCells, withoutFlips } from '../../../src/report/compare/flips.ts';
import { comparisonMarkdown } from '../../../src/report/compare/markdown.ts';
import { comparisonText } from '../../../src/report/compare/text.ts';
import { toldOf } from '../../../src/report/compare/told.ts';
import { cellOf, experimentOf, runOf, saved } from '../fixture.ts';

const facts = saved({
  ...declarations(),
  word: kind.word('a', 'b', 'c'),
  near: kind.ms({ compare: 'within', resolution: 5 }),
});
const on = (kernel: string, values: CellRecord['facts'], over: Partial<CellRecord> = {}): Run =>
  runOf([experimentOf({ id: 'x', facts })], [cellOf('x', { a: 1 }, values, over)], { environment: { kernel } });

const [old, now] = [on('5.10.0', { word: 'a', near: 10 }), on('7.3.4', { word: 'b', near: 90 })];
const first = compareRuns([old, now]);

test('a cell runs again where something new differs', () => {
  expect(first).toMatchObject({ behaviour: 2, unexplained: 2 });
  expect(unexplainedCells(first)).toEqual(['x/a=1']);
  expect(unexplainedCells(compareRuns([old, on('7.3.4', { word: 'a', near: 12 })]))).toEqual([]);
});

test('what comes out the same again is a difference', () => {
  const pairs = [compareRuns([old, on('5.10.0', { word: 'a', near: 11 })]), compareRuns([now, now])];
  const stands = withoutFlips(first, ['x/a=1'], pairs);
  expect(stands).toMatchObject({ behaviour: 2, unexplained: 2, again: { cells: ['x/a=1'], flips: [] } });
  expect(comparisonText(toldOf(stands), { color: false })).toContain('all came out the same again.');
});

test('what flips is no difference, and is shown as a flip, times beyond their resolution, too', () => {
  const pairs = [compareRuns([old, old]), compareRuns([now, on('7.3.4', { word: 'b', near: 12 })])];
  const sifted = withoutFlips(first, ['x/a=1'], pairs);
  expect(sifted).toMatchObject({ behaviour: 1, unexplained: 1 });
  expect(sifted.differences.map(({ fact }) => fact)).toEqual(['word']);
  expect(sifted.again?.flips).toEqual([
    { experiment: 'x', cell: 'x/a=1', fact: 'near', run: 'B', first: '90.0 ms', again: '12.0 ms' },
  ]);
  expect(comparisonMarkdown(toldOf(sifted))).toContain('| `near` | B | 90.0 ms | 12.0 ms | `x/a=1` |');
  expect(comparisonText(toldOf(sifted), { color: false })).toContain('near  B 90.0 ms, then 12.0 ms in x/a=1');
});

test('a cell that errored once and ran the second time says nothing of its kernel', () => {
  const errored = on('7.3.4', {}, { status: 'errored', reason: { code: 'CELL_DEADLINE', message: 'late' } });
  const lacking = compareRuns([old, errored]);
  expect(lacking.fates).toHaveLength(1);
  const sifted = withoutFlips(lacking, unexplainedCells(lacking), [
    compareRuns([old, old]),
    compareRuns([errored, now]),
  ]);
  expect(sifted).toMatchObject({ behaviour: 0, unexplained: 0, fates: [] });
  expect(sifted.again?.flips).toMatchObject([{ run: 'B', first: 'errored', again: 'ran' }]);
});

test('a run that was not repeated flips nothing', () => {
  expect(withoutFlips(first, ['x/a=1'], [undefined, undefined]).behaviour).toBe(2);
});

test('instructions stand side by side, with how much more or less than in the first run', () => {
  const counted = (kernel: string, open: number): Run =>
    runOf([experimentOf({ id: 'x', facts })], [cellOf('x', { a: 1 }, {})], {
      environment: { kernel, cost: { instructions: { open } } },
    });
  const compared = compareRuns([old, counted('5.10.0', 50_000), counted('7.3.4', 55_000)]);
  expect(compared.instructions).toEqual([{ way: 'open', values: [null, 50_000, 55_000] }]);
  expect(comparisonMarkdown(toldOf(compared))).toContain('| `open` | – | 50,000 | 55,000 (+10 %) |');
  expect(compareRuns([old, counted('7.3.4', 1)]).instructions).toEqual([]);
});
