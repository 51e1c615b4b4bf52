import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { markdownGrid } from '../../../src/report/markdown/facts.ts';
import { factsOf } from '../../../src/report/model/facts.ts';
import { placeText } from '../../../src/report/which-cells.ts';
import { cellOf, experimentOf, runOf, saved } from '../fixture.ts';

const states = ['ESTABLISHED', 'TIME-WAIT', 'LISTEN', 'BOUND', 'CLOSED'];
const reuses = ['none', 'addr', 'port', 'both'];
/** A pattern that no few sets of factor values describe, the first two states being alike. */
const words: Record<string, string> = {
  ESTABLISHED: 'abbb',
  'TIME-WAIT': 'abbb',
  LISTEN: 'baab',
  BOUND: 'bbaa',
  CLOSED: 'bbba',
};

function grid(wordOf: (old: string, index: number) => string) {
  const experiment = experimentOf({
    id: 'x',
    factors: { reuse: reuses, old: states },
    facts: saved({ word: kind.word('a', 'b') }),
    shows: ['word'],
  });
  const records = reuses.flatMap((reuse, index) =>
    states.map((old) => cellOf('x', { reuse, old }, { word: wordOf(old, index) })),
  );
  const cells = gatherCells(runOf([experiment], records));
  const { outcomes } = factsOf(experiment, cells, 250).view;
  return { outcomes, text: outcomes?.grid ? markdownGrid(outcomes.grid) : '' };
}
const scattered = (old: string, index: number): string => words[old]?.[index] ?? '';

test('outcomes that no short words place are a grid, values that come to the same in one row', () => {
  expect(grid(scattered).text.split('\n')).toEqual([
    '| outcome by `old` | `reuse=none` | `reuse=addr` | `reuse=port` | `reuse=both` |',
    '|---|---|---|---|---|',
    '| `ESTABLISHED`, `TIME-WAIT` | A | B | B | B |',
    '| `LISTEN` | B | A | A | B |',
    '| `BOUND` | B | B | A | A |',
    '| `CLOSED` | B | B | B | A |',
  ]);
});

test('there is none where short words place each outcome', () => {
  const { outcomes, text } = grid((old, index) => (index === 0 || old === 'CLOSED' ? 'a' : 'b'));
  expect(outcomes?.rows).toHaveLength(2);
  expect(text).toBe('');
});

test('cells that no short words name are counted of all, not said to be with themselves', () => {
  const [first] = grid(scattered).outcomes?.rows ?? [];
  expect(first?.places.map((place) => placeText(place, (text) => text))).toEqual(['7 of the 20 cells']);
});
