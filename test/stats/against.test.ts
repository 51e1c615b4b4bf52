import { expect, test } from 'vitest';
import { against, repeatsNeeded } from '../../src/stats/against.ts';

const rates = [100, 203, 98, 151, 99, 302, 97, 180, 120, 110];
const byRepeat = (values: readonly number[]) => new Map(values.map((value, index) => [index + 1, value]));
/** So many times as large, give or take a percent. */
const times = (factor: number) =>
  byRepeat(rates.map((value, index) => value * factor * (1 + (((index * 7) % 10) - 4.5) / 500)));

test('a way is said to differ only where the test tells it apart from all others together', () => {
  const arms = [
    { name: 'faster', values: times(1.2) },
    { name: 'slower', values: times(0.8) },
    { name: 'alike', values: times(1) },
  ];
  expect(against(byRepeat(rates), arms).map(({ name, differs }) => [name, differs])).toEqual([
    ['faster', 'more'],
    ['slower', 'fewer'],
    ['alike', 'alike'],
  ]);
});

test('a difference that is within the margin is not said to be one, however sure it is', () => {
  const by = (ratio: number) => [{ name: 'x', values: times(ratio) }];
  expect(against(byRepeat(rates), by(1.02))[0]?.low).toBeGreaterThan(1);
  expect(against(byRepeat(rates), by(1.02))[0]?.differs).toBe('alike');
  expect(against(byRepeat(rates), by(1 / 1.02))[0]?.differs).toBe('alike');
  expect(against(byRepeat(rates), by(1.05))[0]?.differs).toBe('more');
  expect(against(byRepeat(rates), by(1 / 1.05))[0]?.differs).toBe('fewer');
});

test('what one comparison would show, many do not', () => {
  const near = byRepeat(rates.map((value, index) => value * (index === 0 ? 1.029 : 1.06 + index / 1000)));
  const alone = against(byRepeat(rates), [{ name: 'near', values: near }]);
  const noise = Array.from({ length: 19 }, (_, nth) => ({ name: `noise ${nth}`, values: times(1 + nth / 1e5) }));
  const among = against(byRepeat(rates), [{ name: 'near', values: near }, ...noise]);
  expect(alone[0]?.differs).toBe('more');
  expect(among[0]?.differs).toBe('not shown');
});

test('with so few repeats that no result could tell, nothing is said', () => {
  expect(against(byRepeat([1, 2, 3]), [{ name: 'x', values: byRepeat([7, 8, 9]) }])[0]?.differs).toBe('not shown');
});

test('repeats are compared by their number, and those that one of the two does not have are left out', () => {
  const slower = times(0.8);
  slower.delete(3);
  const [found] = against(byRepeat(rates), [{ name: 'slower', values: slower }]);
  expect(found?.ratio).toBeCloseTo(0.8, 2);
  expect(found?.differs).toBe('fewer');
});

test('what lies at the margin on both sides is not said to be beyond it on either', () => {
  const values = Array.from({ length: 40 }, (_, nth) => (nth < 21 ? 1.031 : 0.97) * (1 + nth / 1e5));
  const [found] = against(byRepeat(values.map(() => 1)), [{ name: 'x', values: byRepeat(values) }]);
  expect(found?.differs).not.toMatch(/more|fewer/);
});

test('a repeat in which nothing was done compares with nothing', () => {
  const [found] = against(byRepeat([0, 0]), [{ name: 'x', values: byRepeat([0, 5]) }]);
  expect(found).toMatchObject({ ratio: Number.NaN, differs: 'not shown' });
});

test('so many repeats are needed that the least chance of all, corrected, is small enough', () => {
  for (const arms of [1, 5, 8, 20]) {
    const many = (count: number) => byRepeat(Array.from({ length: count }, () => 100));
    const twice = (count: number) => new Map([...many(count)].map(([repeat, value]) => [repeat, value * 2 + repeat]));
    const differs = (count: number) =>
      against(
        many(count),
        Array.from({ length: arms }, () => ({ name: 'x', values: twice(count) })),
      )[0]?.differs;
    expect(differs(repeatsNeeded(arms))).toBe('more');
    expect(differs(repeatsNeeded(arms) - 1)).toBe('not shown');
  }
});
