import { expect, test } from 'vitest';
import { absentCounter } from '../../src/facts/counters.ts';

const name = 'counters.client.Tcp.OutRsts';

test('a counter of a namespace that was read did not change; of one that was not, nothing is known', () => {
  expect(absentCounter(name, { 'counters.client.TcpExt.TW': 1 })).toBe(0);
  expect(absentCounter(name, { 'counters.server.TcpExt.TW': 1 })).toBeNull();
  expect(absentCounter(name, { 'counters.client.TcpExt.TW': null })).toBeNull();
  expect(absentCounter(name, {})).toBeNull();
});

test('what is no counter is not tried', () => {
  expect(absentCounter('client.path', { 'counters.client.TcpExt.TW': 1 })).toBeUndefined();
});
