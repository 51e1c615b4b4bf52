import { expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import { declarationOf } from '../../src/facts/table.ts';

test('a counter that the scenario decides is compared exactly, others as measurements, in any namespace', () => {
  expect(declarationOf('counters.lab.Tcp.OutRsts', {})?.compare).toBe('exact');
  expect(declarationOf('counters.server.TcpExt.TCPTimeWaitOverflow', {})?.compare).toBe('exact');
  expect(declarationOf('counters.lab.TcpExt.TCPDelivered', {})?.compare).toBe('measurement');
});

test('an experiment that counts something several times says so itself', () => {
  const own = { 'counters.lab.Tcp.OutRsts': kind.count({ compare: 'measurement' }) };
  expect(declarationOf('counters.lab.Tcp.OutRsts', own)?.compare).toBe('measurement');
  expect(declarationOf('counters.client.Tcp.OutRsts', own)?.compare).toBe('exact');
});

test('what nobody declared has no declaration', () => {
  expect(declarationOf('client.paht', {})).toBeUndefined();
});
