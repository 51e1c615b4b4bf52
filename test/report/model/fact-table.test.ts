import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import type { FactValue } from '../../../src/record/fact.ts';
import type { CellRecord } from '../../../src/record/schema.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { type FactTable, factTable } from '../../../src/report/model/fact-table.ts';
import { cellOf, experimentOf, runOf, saved } from '../fixture.ts';

const facts = saved({
  word: kind.word('a', 'b'),
  ms: kind.ms(),
  seconds: kind.seconds({ compare: 'within', resolution: 'timer' }),
});
type Given = (way: string, family: number, repeat: number) => CellRecord['facts'];
function tableOf(shows: string[], given: Given, repeats = 1, race = false): FactTable {
  const experiment = experimentOf({
    id: 'x',
    factors: { way: ['one', 'two'], family: [4, 6], one: [1] },
    facts,
    shows,
  });
  const cells = ['one', 'two'].flatMap((way) =>
    [4, 6].flatMap((family) =>
      Array.from({ length: repeats }, (_, index) =>
        cellOf('x', { way, family, one: 1 }, given(way, family, index), { repeat: index + 1, race }),
      ),
    ),
  );
  return factTable(experiment, gatherCells(runOf([experiment], cells)), 250);
}
const folded = (table: FactTable): string[] => table.folded.map(({ factor }) => factor);
const byWay = (one: FactValue, two: FactValue) => (way: string) => ({ word: way === 'one' ? one : two });

test('a factor that makes no difference to any shown fact is no column', () => {
  const table = tableOf(['word'], byWay('a', 'b'));
  expect(folded(table)).toEqual(['family']);
  expect(table.factors).toEqual(['way']);
  expect(table.constant).toEqual([{ factor: 'one', value: 1 }]);
  expect(table.rows.map(({ factors, values }) => [factors, values])).toEqual([
    [['one'], ['a']],
    [['two'], ['b']],
  ]);
});

test('a difference in a single cell keeps the column', () => {
  const table = tableOf(['word'], (way, family) => ({ word: way === 'two' && family === 6 ? 'b' : 'a' }));
  expect(folded(table)).toEqual([]);
  expect(table.rows).toHaveLength(4);
});

test('values within their resolution are the same, values further apart are not', () => {
  expect(folded(tableOf(['seconds'], (_, family) => ({ seconds: family === 4 ? 60.1 : 62 })))).toContain('family');
  expect(folded(tableOf(['seconds'], (_, family) => ({ seconds: family === 4 ? 60.1 : 62.4 })))).not.toContain(
    'family',
  );
});

test('unknown in some cells only is not the same', () => {
  expect(folded(tableOf(['word'], (_, family) => ({ word: family === 4 ? 'a' : null })))).toEqual(['way']);
});

test('a measurement folds only where repeats could have shown a difference', () => {
  const noise: Given = (_, __, repeat) => ({ ms: 5 + repeat });
  expect(folded(tableOf(['ms'], noise))).toEqual([]);
  expect(folded(tableOf(['ms'], noise, 6))).toEqual(['way', 'family']);
  expect(folded(tableOf(['ms'], (_, family, repeat) => ({ ms: family * 10 + repeat }), 6))).toEqual(['way']);
});

test('races fold by their distributions', () => {
  const race: Given = (_, family, repeat) => ({ word: family === 4 || repeat < 2 ? 'a' : 'b' });
  expect(folded(tableOf(['word'], race, 10, true))).toEqual(['way']);
  expect(folded(tableOf(['word'], () => ({ word: 'a' }), 1, true))).toEqual([]);
});

test('factors that only make a difference together both stay', () => {
  const table = tableOf(['word'], (way, family) => ({ word: (way === 'one') === (family === 4) ? 'a' : 'b' }));
  expect(folded(table)).toEqual([]);
});

test('factors that fold one by one, but not together, do not both', () => {
  const late = { one: 0, two: 1.5 };
  const table = tableOf(['seconds'], (way, family) => ({
    seconds: 60 + late[way as 'one'] + (family === 4 ? 0 : 1.5),
  }));
  expect(folded(table)).toEqual(['way']);
});

test('counters are columns too, those that did not change are 0', () => {
  const table = tableOf(['counters.lab.Tcp.OutRsts'], (way) =>
    way === 'one' ? { 'counters.lab.Tcp.OutRsts': 2 } : { 'counters.lab.Tcp.ActiveOpens': 1 },
  );
  expect(table.rows.map(({ values }) => values)).toEqual([['2'], ['0']]);
});
