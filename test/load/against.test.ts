import { expect, test } from 'vitest';
import { against } from '../../src/load/against.ts';

const base = [100, 103, 98, 101, 99, 102];
const times = (factor: number) => base.map((value, index) => value * factor + index / 100);

test('a way is said to differ only where the test tells it apart from all others together', () => {
  const arms = [
    { name: 'faster', values: times(1.2) },
    { name: 'slower', values: times(0.8) },
    { name: 'alike', values: times(1.001) },
  ];
  expect(against(base, arms).map(({ name, differs }) => [name, differs])).toEqual([
    ['faster', 'more'],
    ['slower', 'fewer'],
    ['alike', 'not shown'],
  ]);
});

test('what one comparison would show, many do not', () => {
  const near = times(1.03);
  const alone = against(base, [{ name: 'near', values: near }]);
  const noise = Array.from({ length: 9 }, (_, nth) => ({ name: `noise ${nth}`, values: times(1.0003 + nth / 1e4) }));
  const among = against(base, [{ name: 'near', values: near }, ...noise]);
  expect(alone[0]?.differs).toBe('more');
  expect(among[0]?.differs).toBe('not shown');
});

test('with so few repeats that no result could tell, nothing is said', () => {
  expect(against([1, 2, 3], [{ name: 'x', values: [7, 8, 9] }])[0]?.differs).toBe('not shown');
});
