import { expect, test } from 'vitest';
import { ladderOf } from '../../../src/report/ladder/ladder.ts';
import { timesOf } from '../../../src/report/ladder/words.ts';
import { cellOf } from '../fixture.ts';
import { wire } from '../wire-fixture.ts';

/** Times of segments sent at so many ms. */
const told = (...ms: number[]): string[] => {
  const ladder = ladderOf(cellOf('x', {}, {}, { segments: wire(ms.map((at) => `client S 0: @${at}-${at}`)) }));
  return ms.map((at) => timesOf(ladder)(at * 1e6));
};

test('times count from the first row, in the unit that suits them', () =>
  expect(told(5, 5.04, 17, 61_005)).toEqual(['0 ms', '+40.0 µs', '+12.0 ms', '+61.0 s']));

test('neighbours that three digits would make equal have more, as few as tell them apart', () => {
  expect(told(5, 209.62, 209.7, 301)).toEqual(['0 ms', '+204.6 ms', '+204.7 ms', '+296 ms']);
  expect(told(0, 61_000, 61_020)).toEqual(['0 ms', '+61.00 s', '+61.02 s']);
});

test('beyond six digits they are equal: the rows are in order', () =>
  expect(told(0, 61_000, 61_000.01)).toEqual(['0 ms', '+61.0000 s', '+61.0000 s']));
