import { expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import {
  distribution,
  factKey,
  formatChange,
  formatDistribution,
  formatElapsed,
  formatFact,
  formatMemory,
  formatP,
  formatRepeats,
  formatSeconds,
  formatSpread,
} from '../../src/report/format.ts';

test('times have the unit that suits them, and round up into the next one', () => {
  const shown = [0, 2e-8, 4.2e-5, 0.0009999, 0.0015, 0.9994, 0.99951, 61.23, 999.6, -0.002].map(formatSeconds);
  expect(shown).toEqual([
    '0 s',
    '20.0 ns',
    '42.0 µs',
    '1.00 ms',
    '1.50 ms',
    '999 ms',
    '1.00 s',
    '61.2 s',
    '1,000 s',
    '-2.00 ms',
  ]);
});

test('durations for people never say 60 seconds or 60 minutes', () => {
  const shown = [4.24, 9.96, 42.4, 59.6, 65, 120, 3599.6, 7380].map(formatElapsed);
  expect(shown).toEqual(['4.2 s', '10 s', '42 s', '1 min', '1 min 5 s', '2 min', '1 h', '2 h 3 min']);
});

test('facts are shown by type and unit', () => {
  expect(formatFact(1500, kind.ms())).toBe('1.50 s');
  expect(formatFact(300_000, kind.bytes())).toBe('300,000 B');
  expect(formatFact(20_412.7, kind.count())).toBe('20,413');
  expect(formatFact(true)).toBe('yes');
  expect(formatFact(['FIN', 'RST'])).toBe('FIN → RST');
  expect(formatFact([{ call: 'read', errno: 'ECONNRESET' }])).toBe('read ECONNRESET');
  expect(formatFact([0.2523, 1.03], kind.times())).toBe('252 ms, 1.03 s');
  expect(formatFact([])).toBe('none');
});

test('not observed is unknown, not tried is a dash', () => {
  expect(formatFact(null)).toBe('unknown');
  expect(formatFact(undefined)).toBe('–');
});

test('equal values have equal keys whatever the order of their fields', () => {
  expect(factKey([{ call: 'a', errno: 'E' }])).toBe(factKey([{ errno: 'E', call: 'a' }]));
  expect(factKey('1')).not.toBe(factKey(1));
  expect(factKey(undefined)).not.toBe(factKey(null));
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
