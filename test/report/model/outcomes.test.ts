import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import type { CellRecord } from '../../../src/record/schema.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { outcomesOf } from '../../../src/report/model/outcomes.ts';
import { cellOf, experimentOf, runOf, saved } from '../fixture.ts';

const facts = saved({
  word: kind.word('a', 'b', 'c'),
  other: kind.word('x', 'y'),
  ms: kind.ms(),
  lasted: kind.seconds({ compare: 'within', resolution: 1 }),
});
const experiment = experimentOf({ id: 'x', facts });
type Cells = readonly {
  readonly factors: CellRecord['factors'];
  readonly race?: boolean;
  readonly results: readonly CellRecord['facts'][];
}[];

function outcomes(cells: Cells, shown: readonly string[], most = 12) {
  const records = cells.flatMap(({ factors, race = false, results }) =>
    results.map((each, index) => cellOf('x', factors, each, { race, repeat: index + 1 })),
  );
  return outcomesOf(experiment, shown, gatherCells(runOf([experiment], records)), 250, most);
}
const told = ({ outcomes: all }: ReturnType<typeof outcomes>) =>
  all.map(({ letter, places }) => [
    letter,
    ...places.map(({ results, of, cells }) => `${results}/${of} in ${cells.length}`),
  ]);

test('cells with equal facts are one outcome, in the order in which cells come', () => {
  const cells = ['b', 'a', 'b'].map((word, n) => ({ factors: { n }, results: [{ word }] }));
  expect(told(outcomes(cells, ['word']))).toEqual([
    ['A', '2/2 in 2'],
    ['B', '1/1 in 1'],
  ]);
});

test('races that share outcomes are counted together, apart from cells that always come to the same', () => {
  const race = (n: number, ...words: string[]) => ({
    factors: { n },
    race: true,
    results: words.map((word) => ({ word })),
  });
  const cells = [
    { factors: { n: 0 }, results: [{ word: 'a' }] },
    race(1, 'a', 'a', 'b'),
    race(2, 'b', 'b', 'b'),
    race(3, 'c', 'c'),
  ];
  expect(told(outcomes(cells, ['word']))).toEqual([
    ['A', '1/1 in 1', '2/6 in 2'],
    ['B', '4/6 in 2'],
    ['C', '2/2 in 1'],
  ]);
});

test('races that only a later one joins are one group', () => {
  const race = (n: number, ...words: string[]) => ({
    factors: { n },
    race: true,
    results: words.map((word) => ({ word })),
  });
  expect(told(outcomes([race(1, 'a'), race(2, 'b'), race(3, 'a', 'b')], ['word']))).toEqual([
    ['A', '2/4 in 3'],
    ['B', '2/4 in 3'],
  ]);
});

test('facts that would make too many outcomes are left to the table of cells', () => {
  const cells = ['a', 'b', 'c'].flatMap((word) =>
    ['x', 'y'].map((other) => ({ factors: { word, other }, results: [{ word, other }] })),
  );
  expect(outcomes(cells, ['word', 'other'], 6).facts).toEqual(['word', 'other']);
  expect(outcomes(cells, ['word', 'other'], 5).facts).toEqual(['word']);
  expect(outcomes(cells, ['word', 'other'], 2).outcomes).toHaveLength(3);
});

test('every result has the letter of its outcome', () => {
  const { letterOf } = outcomes(
    [{ factors: {}, race: true, results: [{ word: 'a' }, { word: 'b' }, { word: 'b' }] }],
    ['word'],
  );
  expect([...letterOf].map(([{ repeat }, letter]) => `${repeat}${letter}`).sort()).toEqual(['1B', '2A', '3A']);
});

test('numbers that lie together are one outcome', () => {
  const cells = [0.1, 0.3, 1001, 1003, 3020].map((ms, n) => ({ factors: { n }, results: [{ ms }] }));
  expect(told(outcomes(cells, ['ms']))).toEqual([
    ['A', '2/2 in 2'],
    ['B', '2/2 in 2'],
    ['C', '1/1 in 1'],
  ]);
  const lasted = [60.1, 60.9, 62.5].map((seconds, n) => ({ factors: { n }, results: [{ lasted: seconds }] }));
  expect(told(outcomes(lasted, ['lasted']))).toEqual([
    ['A', '2/2 in 2'],
    ['B', '1/1 in 1'],
  ]);
});

test('unknown and not tried are outcomes of their own', () => {
  const cells = [{ word: 'a' }, { word: null }, {}].map((each, n) => ({ factors: { n }, results: [each] }));
  expect(outcomes(cells, ['word']).outcomes).toHaveLength(3);
});

test('cells in which either end plays a part are one outcome by what that end did', () => {
  const closing = experimentOf({ id: 'x', roles: ['closing', 'other'] });
  const records = (['client', 'server'] as const).map((closer) => {
    const other = closer === 'client' ? 'server' : 'client';
    const told = { [`${closer}.closeMs`]: 2011, [`${other}.closeMs`]: 0.2, [`${closer}.lostIn`]: ['sendQueue'] };
    return cellOf('x', { closer }, told, { roles: { closing: closer, other } });
  });
  const of = (...shown: string[]) => told(outcomesOf(closing, shown, gatherCells(runOf([closing], records)), 250, 12));
  expect(of('closing.closeMs', 'closing.lostIn')).toEqual([['A', '2/2 in 2']]);
  expect(of('client.closeMs')).toHaveLength(2);
});
