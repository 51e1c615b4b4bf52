import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { markdownPaths } from '../../../src/report/markdown/paths.ts';
import { pathsOf } from '../../../src/report/model/courses.ts';
import { cellOf, experimentOf, path, runOf } from '../fixture.ts';
import { wire } from '../wire-fixture.ts';

const paths = { client: path('ESTABLISHED 1', 'FIN-WAIT-1 2'), server: path('ESTABLISHED 1') };
const over = (lost: string, family: number, ...lines: string[]): CellRecord =>
  cellOf('x', { lost, family }, {}, { paths, ...(lines.length > 0 && { segments: wire(lines) }) });
const told = (...records: CellRecord[]): string => {
  const paths = pathsOf(gatherCells(runOf([experimentOf({ id: 'x' })], records)));
  return paths ? markdownPaths(paths) : '';
};
const summaries = (text: string): string[] =>
  [...text.matchAll(/<summary>(.*)<\/summary>/g)].map(([, summary]) => summary ?? '');

describe('over a wire', () => {
  const text = told(
    over('once', 4, 'client F. 1:1 @3 dropped', 'client F. 1:1 @204-204.1'),
    over('never', 4, 'client F. 1:1 @3-3.1'),
    over('never', 6, 'client F. 1:1 @3.2-3.4'),
  );
  test('each cell is named at its ladder; those with the same segments share one', () => {
    expect(text).toContain('**What the wire carried**: 2 ladders of 3 cells;');
    expect(summaries(text)).toEqual([
      'Ladders, cell by cell',
      '<code>lost=once,family=4</code>',
      '<code>lost=never,family=4</code>; <code>lost=never,family=6</code>',
    ]);
    expect(text.match(/```mermaid/g)).toHaveLength(2);
  });

  test('what was no segment, and what the kernel refused, is told below it', () => {
    const odd = { othersOwn: { 'no-tcp': 300, truncated: 1 }, refusedAsExpected: { EINVAL: 2 } };
    const line = 'client F. 1:1 @3-3.1';
    expect(told({ ...over('never', 4, line), odd })).toContain(
      " Packets besides: of the wire's own that were no segment (no-tcp 300, truncated 1); that the kernel refused as expected (EINVAL 2).",
    );
    expect(told(over('never', 4, line))).not.toContain('besides');
  });

  test('however many cells there are, each has its ladder', () => {
    const many = Array.from({ length: 30 }, (_, n) => over(`${n}`, 4, `client F. 1:1+${n} @3-3.1`));
    expect(told(...many).match(/```mermaid/g)).toHaveLength(30);
  });

  test('a cell in which no packet crossed it is named in a line', () => {
    const said = 'No packet crossed the wire in `x/lost=never,family=4`: there is no ladder.';
    expect(told(over('once', 4, 'client F. 1:1 @3 dropped'), over('never', 4))).toContain(said);
    expect(text).not.toContain('No packet crossed');
  });
});

test('without a wire nothing is said of one', () => {
  expect(told(over('never', 4))).not.toMatch(/wire/);
});
