import { expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import {
  distribution,
  formatChange,
  formatDistribution,
  formatElapsed,
  formatMemory,
  formatP,
  formatRepeats,
  formatSpread,
  formatTogether,
} from '../../src/report/format.ts';

test('durations for people never say 60 seconds or 60 minutes', () => {
  const shown = [4.24, 9.96, 42.4, 59.6, 65, 120, 3599.6, 7380].map(formatElapsed);
  expect(shown).toEqual(['4.2 s', '10 s', '42 s', '1 min', '1 min 5 s', '2 min', '1 h', '2 h 3 min']);
});

test('a race is a distribution, the most frequent first', () => {
  const values = ['client', ...new Array<string>(9).fill('both')];
  expect(formatDistribution(distribution(values))).toBe('both 9/10, client 1/10');
  expect(formatRepeats(new Array(10).fill('both'), kind.word(), true)).toBe('both 10/10');
  expect(formatRepeats(['both', 'both'], kind.word(), false)).toBe('both');
});

test('the rarer of many long values are counted together', () => {
  const long = (end: string): string[] => ['FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT', end];
  const values = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'd'].map(long);
  expect(formatDistribution(distribution(values))).toBe(
    'FIN-WAIT-1 → FIN-WAIT-2 → TIME-WAIT → a 4/10, FIN-WAIT-1 → FIN-WAIT-2 → TIME-WAIT → b 3/10, 2 others 3/10',
  );
  expect(formatDistribution(distribution(['a', 'a', 'b'].map(long)))).toMatch(/a 2\/3, .* b 1\/3$/);
});

test('numbers are their median and between what they lie', () => {
  expect(formatSpread([3000, 2990, 3020], kind.ms())).toBe('3.00 s (2.99 s to 3.02 s)');
  expect(formatSpread([3000, 3001], kind.ms())).toBe('3.00 s');
});

test('a measurement is its median, with how many were observed where some were not', () => {
  expect(formatRepeats([1, 3, 100], kind.ms(), true)).toBe('3.00 ms');
  expect(formatRepeats([1, null, 3], kind.ms(), false)).toBe('2.00 ms (2 of 3)');
  expect(formatRepeats([null, null], kind.ms(), false)).toBe('unknown');
  expect(formatRepeats([undefined], kind.ms(), false)).toBe('–');
  expect(formatRepeats([undefined, null], kind.ms(), false)).toBe('– 1/2, unknown 1/2');
});

test('changes, memory and p-values', () => {
  expect([formatChange(100, 112), formatChange(100, 96.6), formatChange(1, 25), formatChange(0, 3)]).toEqual([
    '+12 %',
    '−3.4 %',
    '×25.0',
    'from 0',
  ]);
  expect(formatMemory(4_110_417_920)).toBe('3.83 GiB');
  expect([formatP(0.0123), formatP(0.00001)]).toEqual(['p = 0.012', 'p < 0.0001']);
});

test('numbers of different cells: bytes and counts from the least to the largest, others by their middle', () => {
  expect(formatTogether([1, 2], kind.bytes())).toBe('1–2 B');
  expect(formatTogether([2, 2], kind.bytes())).toBe('2 B');
  expect(formatTogether([3, 0, 8], kind.count())).toBe('0–8');
  expect(formatTogether([47_581, 49_081], kind.count())).toBe('47,581–49,081');
  const measured = { ...kind.bytes(), compare: 'measurement' } as const;
  expect(formatRepeats([1, 2], measured, false, 2)).toBe('1–2 B');
  expect(formatRepeats([1, 2, 2], measured, false, 1)).toBe('2 B');
  expect(formatTogether([3000, 2990, 3020], kind.ms())).toBe('3.00 s (2.99 s to 3.02 s)');
});
