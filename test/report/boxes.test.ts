import { expect, test } from 'vitest';
import { boxesOf, boxWords } from '../../src/report/which-cells.ts';

const cells = ['client', 'server', 'both'].flatMap((closes) =>
  ['end', 'destroy'].flatMap((by) => [4, 6].map((family) => ({ factors: { closes, by, family } }))),
);
type Factors = (typeof cells)[number]['factors'];
const say = (match: (factors: Factors) => boolean, most = 3): string[][] | undefined =>
  boxesOf(
    cells.filter(({ factors }) => match(factors)),
    cells,
    most,
  )?.map(boxWords);

test('several values of a factor are told as --where takes them', () => {
  expect(say(({ closes }) => closes !== 'both')).toEqual([['closes=client,server']]);
});

test('a factor that excludes nothing is not told', () => {
  expect(say(() => true)).toEqual([[]]);
  expect(say(({ closes, by }) => closes === 'both' && by === 'end')).toEqual([['closes=both', 'by=end']]);
});

test('what is no box is told as several, or not at all where that takes too many', () => {
  const odd = ({ closes, by }: Factors): boolean => (closes === 'both') === (by === 'end');
  expect(say(odd)).toEqual([
    ['closes=client,server', 'by=destroy'],
    ['closes=both', 'by=end'],
  ]);
  expect(say(odd, 1)).toBeUndefined();
});

test('boxes hold the chosen cells and no others, whichever these are', () => {
  for (let chosen = 1; chosen < 2 ** 8; chosen++) {
    const some = cells.slice(0, 8).filter((_, index) => (chosen >> index) % 2 === 1);
    const boxes = boxesOf(some, cells, cells.length) ?? [];
    const inside = cells.filter(({ factors }) =>
      boxes.some((box) => [...box].every(([name, values]) => values.includes(factors[name as keyof Factors]))),
    );
    expect(inside).toEqual(some);
  }
});

test('a product with holes is told without them', () => {
  const holed = cells.filter(({ factors: { closes, by } }) => closes !== 'both' || by === 'end');
  const both = holed.filter(({ factors }) => factors.closes === 'both');
  expect(boxesOf(both, holed, 1)?.map(boxWords)).toEqual([['closes=both']]);
});
