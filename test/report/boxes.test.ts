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

test('where several factors tell the same cells apart, a box has them all, or the first declared', () => {
  const at = (left: string, to: string, timestamps: number, twReuse: number) => ({
    factors: { left, to, timestamps, twReuse },
  });
  const [refused, reached] = [at('TIME-WAIT', 'same', 0, 1), at('TIME-WAIT', 'another', 0, 0)];
  const all = [at('ESTABLISHED', 'same', 1, 0), at('TIME-WAIT', 'same', 1, 1), refused, reached];
  expect(boxesOf([refused], all, 1)?.map(boxWords)).toEqual([['to=same', 'timestamps=0', 'twReuse=1']]);
  expect(boxesOf([refused], all, 1, { isBrief: true })?.map(boxWords)).toEqual([['to=same', 'timestamps=0']]);
});

test('boxes have no other than the given factors, unless these leave cells alike', () => {
  const all = [4, 6].flatMap((family) =>
    ['a', 'b'].map((side) => ({ factors: { family, side, twin: side === 'a' ? 1 : 2 } })),
  );
  const chosen = all.filter(({ factors }) => factors.side === 'a');
  expect(boxesOf(chosen, all, 1, { factors: ['family', 'twin'] })?.map(boxWords)).toEqual([['twin=1']]);
  expect(boxesOf(chosen, all, 1, { factors: ['family'] })?.map(boxWords)).toEqual([['side=a', 'twin=1']]);
});

test('a box whose cells are all in the others is left out', () => {
  const at = (a: number, b: number, c: number) => ({ factors: { a, b, c } });
  const all = [1, 2].flatMap((a) => [1, 2].flatMap((b) => [1, 2].map((c) => at(a, b, c))));
  for (let chosen = 1; chosen < 2 ** 8; chosen++) {
    const some = all.filter((_, index) => (chosen >> index) % 2 === 1);
    const boxes = boxesOf(some, all, 8) ?? [];
    const holds = (own: typeof boxes) => (cell: (typeof all)[number]) =>
      own.some((box) => [...box].every(([name, values]) => values.includes(cell.factors[name as 'a'])));
    for (const box of boxes) expect(some.every(holds(boxes.filter((other) => other !== box)))).toBe(false);
    expect(all.filter(holds(boxes))).toEqual(some);
  }
});
