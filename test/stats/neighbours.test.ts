import { expect, test } from 'vitest';
import { neighbourPairs, type Timed } from '../../src/stats/neighbours.ts';

/** One after the other, a second each: `b100` is the way b with the value 100, `b-` one that takes no part. */
const played = (names: string, apartMs = 0): Timed<string>[] =>
  names.split(' ').map((name, nth) => {
    const began = nth * (1000 + apartMs);
    const value = name.slice(1) === '-' ? undefined : Number(name.slice(1));
    return { way: name.charAt(0), began, ended: began + 1000, value };
  });

const rounded = (pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([other, own]) => `${Math.round(other)} ${own}`);

test('a value is compared with the geometric mean of its two neighbours', () => {
  expect(rounded(neighbourPairs(played('b100 x70 b400 y1 b900 x80 b900'), 'x', 'b'))).toEqual(['200 70', '900 80']);
});

test('with the one neighbour that there is, whatever the order in which they are given', () => {
  expect(rounded(neighbourPairs(played('x70 b400 y1').toReversed(), 'x', 'b'))).toEqual(['400 70']);
});

test('a neighbour that takes no part, or is another way, is none, and nobody beyond it is one', () => {
  expect(rounded(neighbourPairs(played('b100 b- x70 y5 b400 x- b9'), 'x', 'b'))).toEqual([]);
  expect(rounded(neighbourPairs(played('b100 b- x70 b400'), 'x', 'b'))).toEqual(['400 70']);
  expect(rounded(neighbourPairs(played('b0 x70 b400'), 'x', 'b'))).toEqual(['400 70']);
});

test('what was measured before a pause is no neighbour', () => {
  expect(neighbourPairs(played('b100 x70 b400', 9_000), 'x', 'b')).toHaveLength(1);
  expect(neighbourPairs(played('b100 x70 b400', 11_000), 'x', 'b')).toEqual([]);
});

test('what the machine does for longer than a window is in both, and not in the ratio', () => {
  const speeds = [1, 1, 1, 0.6, 0.6, 0.6, 0.6, 1, 1, 1, 1];
  const all = speeds.map((speed, nth) => `${nth % 2 === 0 ? 'b' : 'x'}${speed * (nth % 2 === 0 ? 1000 : 800)}`);
  const ratios = neighbourPairs(played(all.join(' ')), 'x', 'b').map(([other, own]) => own / other);
  expect(ratios.filter((ratio) => Math.abs(ratio - 0.8) < 1e-9)).toHaveLength(3);
  expect(Math.max(...ratios) / Math.min(...ratios)).toBeLessThan(1.7);
});
