import { expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import { factKey, formatFact, formatSeconds } from '../../src/facts/values.ts';

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
