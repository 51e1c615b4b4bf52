import { expect, test } from 'vitest';
import { whichCells } from '../../src/report/which-cells.ts';

const cells = ['client', 'server', 'both'].flatMap((closes) =>
  ['off', 'zero'].map((linger) => ({ id: `x/closes=${closes},linger=${linger}`, factors: { closes, linger } })),
);
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

test('one cell is its id, cells without a common value are listed', () => {
  expect(say(({ closes, linger }) => closes === 'both' && linger === 'off')).toBe('x/closes=both,linger=off');
  const odd = ({ closes, linger }: { closes: string; linger: string }): boolean =>
    (closes === 'both') !== (linger === 'off');
  expect(say(odd, 1)).toBe('x/closes=client,linger=off and 2 more');
  expect(say(() => false)).toBe('no cell');
});

test('a value that other cells have too does not name a part of them', () => {
  expect(say(({ closes, linger }) => linger === 'off' && closes !== 'both')).toBe(
    'x/closes=client,linger=off, x/closes=server,linger=off',
  );
});
