import { describe, expect, test } from 'vitest';
import { cellsOf, type PlannedCell } from '../../src/plan/cells.ts';
import { cover } from '../../src/plan/select.ts';
import { cell, define } from './definitions.ts';

const pairs = (cells: readonly PlannedCell[]) =>
  new Set(cells.flatMap(({ factors }) => Object.entries(factors).map(([name, value]) => `${name}=${value}`)));

describe('a covering part of the cells', () => {
  const cells = cellsOf(define({ id: 'a', factors: { x: [1, 2, 3], y: [1, 2], z: ['a', 'b', 'c', 'd'] } }));

  test('has every value, in no more cells than the factor with the most values', () => {
    const chosen = cover(cells);
    expect(pairs(chosen)).toEqual(pairs(cells));
    expect(chosen).toHaveLength(4);
  });

  test('is the same every time, in the order of the cells', () => {
    expect(cover(cells)).toEqual(cover(cells));
    expect(cover(cells)).toEqual(cells.filter((one) => cover(cells).includes(one)));
  });

  test('has the values that occur, where not all combinations do', () => {
    const some = cells.filter(({ factors }) =>
      factors.x === 3 ? factors.z === 'd' && factors.y === 1 : factors.z !== 'd',
    );
    expect(pairs(cover(some))).toEqual(pairs(some));
  });
});

test('of cells with as many values the quick ones are chosen', () => {
  const definition = define({
    id: 'a',
    factors: { how: ['net', 'reuse'], n: [1, 2] },
    seconds: ({ how, n }) => (how === 'net' && n === 2 ? 62 : 1),
  });
  expect(cover(cellsOf(definition)).map(({ id }) => id)).toEqual(['a/how=net,n=1', 'a/how=reuse,n=2']);
});

test('a cell whose values later ones have is left out', () => {
  const make = (x: number, y: number, z: number, seconds: number) =>
    cell({ id: `${x}${y}${z}`, factors: { x, y, z }, seconds });
  // 111 comes first with three new values, then each of the others brings one that no other has
  const cells = [make(1, 1, 1, 1), make(1, 1, 2, 2), make(1, 2, 1, 3), make(2, 1, 1, 4)];
  expect(cover(cells).map(({ id }) => id)).toEqual(['112', '121', '211']);
});

test('one cell without factors is its own part, none of none', () => {
  const one = cell({});
  expect(cover([one])).toEqual([one]);
  expect(cover([])).toEqual([]);
});
