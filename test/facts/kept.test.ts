import { expect, test } from 'vitest';
import { carriedIn, kept } from '../../src/facts/carried.ts';
import type { Deed } from '../../src/record/deed.ts';
import { flow, onWire } from './handmade.ts';

const one = flow();

test('of very many are the first and the last', () => {
  const many = carriedIn(
    Array.from({ length: 1000 }, (_, index) => onWire(one, 'client', index, ['ACK'], { n: index + 1 })),
    [],
  ).segments;
  expect([kept(many).length, kept(many)[0]?.n, kept(many).at(-1)?.n]).toEqual([200, 1, 1000]);
  expect(kept(many.slice(0, 200))).toEqual(many.slice(0, 200));
});

test('of very many are those between, too, that close, were lost, are repeated, or stand beside a silence', () => {
  const at = (index: number): number => index + (index > 700 ? 500 : 0);
  const more: Record<number, { flags?: ['FIN' | 'ACK']; deed?: Deed }> = {
    300: { flags: ['FIN'] },
    400: { deed: { do: 'lost', rule: 1 } },
    600: { deed: { do: 'replay', of: 500 } },
  };
  const many = carriedIn(
    Array.from({ length: 1000 }, (_, index) => {
      const { flags = ['ACK'] as ['ACK'], deed = { do: 'carried' } as Deed } = more[index + 1] ?? {};
      return onWire(one, 'client', at(index), flags, { n: index + 1, deed });
    }),
    [],
  ).segments;
  const between = kept(many)
    .map(({ n }) => n)
    .filter((n) => n > 100 && n <= 900);
  expect(between).toEqual([300, 400, 500, 600, 701, 702]);
});

test('of several connections each has its first and last', () => {
  const many = carriedIn(
    Array.from({ length: 1000 }, (_, index) =>
      onWire(one, 'client', index, ['ACK'], { n: index + 1, connection: index < 500 ? 1 : 2 }),
    ),
    [],
  ).segments;
  const numbers = kept(many).map(({ n }) => n);
  expect([1, 500, 501, 1000].every((n) => numbers.includes(n))).toBe(true);
  expect(numbers).toHaveLength(200);
});
