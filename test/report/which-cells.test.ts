import { expect, test } from 'vitest';
import { type Named, placeOf, placeText, whichOf, whichText } from '../../src/report/which-cells.ts';

const cells = ['client', 'server', 'both'].flatMap((closes) =>
  ['off', 'zero'].map((linger) => ({ id: `x/closes=${closes},linger=${linger}`, factors: { closes, linger } })),
);
const whichCells = (chosen: readonly Named[], all: readonly Named[], mark: (text: string) => string, most?: number) =>
  whichText(whichOf(chosen, all), mark, most);
const say = (match: (factors: { closes: string; linger: string }) => boolean, most?: number): string =>
  whichCells(
    cells.filter(({ factors }) => match(factors)),
    cells,
    (text) => text,
    most,
  );

test('cells are named by the fewest factor values that only they have', () => {
  expect(say(({ linger }) => linger === 'zero')).toBe('all 3 cells with linger=zero');
  expect(say(({ closes }) => closes === 'both')).toBe('both cells with closes=both');
  expect(say(() => true)).toBe('all 6 cells');
});

test('one cell is its id, cells that more than two sets of values would name are listed', () => {
  expect(say(({ closes, linger }) => closes === 'both' && linger === 'off')).toBe('x/closes=both,linger=off');
  const many = [1, 2, 3].flatMap((a) => [1, 2, 3].map((b) => ({ id: `x/a=${a},b=${b}`, factors: { a, b } })));
  const diagonal = many.filter(({ factors: { a, b } }) => a === b);
  expect(whichCells(diagonal, many, (text) => text, 1)).toBe('x/a=1,b=1 and 2 more');
  expect(say(() => false)).toBe('no cell');
});

test('values that other cells have too name a part of them together', () => {
  const odd = ({ closes, linger }: { closes: string; linger: string }): boolean =>
    (closes === 'both') !== (linger === 'off');
  expect(say(odd)).toBe('all 3 cells with closes=client,server linger=off or closes=both linger=zero');
  expect(say(({ closes, linger }) => linger === 'off' && closes !== 'both')).toBe(
    'both cells with closes=client,server linger=off',
  );
});

test('a place is named in short where all that tells its cells apart is too long', () => {
  const [seen, long] = [{ results: 1, of: 1, varies: false }, 'x'.repeat(60)];
  const twins = (value: string) => [1, 2].map((a) => ({ id: `y/a=${a}`, factors: { a, same: `${value}${a}` } }));
  const wordsOf = (own: readonly Named[]) => placeText(placeOf(own.slice(0, 1), own, seen), (text) => text);
  expect(wordsOf(twins('b'))).toBe('a=1 same=b1');
  expect(wordsOf(twins(long + long))).toBe('a=1');
});
