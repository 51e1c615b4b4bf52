import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CountersError, changes, counterNames, parseCounters, parseSockstat } from '../../src/tcp/counters.ts';

const folder = new URL('../fixtures/counters/', import.meta.url);
const kernels = readdirSync(folder).flatMap((file) => /^(linux-[\d.]+)\.before\.snmp\.txt$/.exec(file)?.[1] ?? []);

test('there is a capture', () => {
  expect(kernels.length).toBeGreaterThan(0);
});

describe.each(kernels)('%s', (kernel) => {
  const read = (when: string, name: string): string =>
    readFileSync(new URL(`${kernel}.${when}.${name}.txt`, folder), 'utf8');
  const before = parseCounters(read('before', 'snmp'), read('before', 'netstat'));
  const after = parseCounters(read('after', 'snmp'), read('after', 'netstat'));

  test('only Tcp and TcpExt are read, a negative value too', () => {
    expect(new Set(Object.keys(after).map((name) => name.split('.')[0]))).toEqual(new Set(['Tcp', 'TcpExt']));
    expect(after['Tcp.MaxConn']).toBe(-1);
    expect(after['Tcp.RtoMin']).toBe(200);
    expect(Object.values(after).every(Number.isSafeInteger)).toBe(true);
  });

  test('the exchange is what changed', () => {
    const changed = changes(before, after);
    expect(changed).toMatchObject({
      'Tcp.ActiveOpens': 14,
      'Tcp.PassiveOpens': 13,
      'Tcp.AttemptFails': 1,
      'Tcp.OutRsts': 7,
      'TcpExt.TW': 7,
      'TcpExt.TCPAbortOnData': 4,
      'TcpExt.TCPAbortOnClose': 2,
    });
    expect(Object.values(changed)).not.toContain(0);
    expect(changed).not.toHaveProperty('TcpExt.TCPAbortOnLinger');
  });

  test('the names of the counters tell one that is absent from one that did not change; gauges are none', () => {
    const names = counterNames(read('before', 'snmp'), read('before', 'netstat'));
    expect(names).toEqual(expect.arrayContaining(['Tcp.ActiveOpens', 'TcpExt.TW', 'TcpExt.TCPAbortOnLinger']));
    expect(names).not.toContain('Tcp.CurrEstab');
    expect(names).not.toContain('TcpExt.TCPAbortOnOverflow');
  });

  test('sockstat counts what is left', () => {
    const text = read('after', 'sockstat');
    expect(parseSockstat(read('before', 'sockstat')).tw).toBe(0);
    expect(parseSockstat(text)).toMatchObject({ inuse: 1, tw: 7 });
    expect(parseSockstat(text)).not.toHaveProperty('inuse6');
    expect(parseSockstat(text + read('after', 'sockstat6'))).toMatchObject({ inuse: 1, inuse6: 0, tw: 7 });
  });

  test('texts that are not the counters are refused', () => {
    expect(() => parseCounters('', read('after', 'netstat'))).toThrow(CountersError);
    expect(() => parseCounters(read('after', 'snmp'), '')).toThrow(CountersError);
    expect(() => parseSockstat(read('after', 'sockstat6'))).toThrow(CountersError);
  });
});

test('gauges are no changes, and neither is what stayed', () => {
  const before = { 'Tcp.CurrEstab': 1, 'Tcp.RtoMax': 1, 'Tcp.InSegs': 5, 'Tcp.OutSegs': 5 };
  const after = { 'Tcp.CurrEstab': 9, 'Tcp.RtoMax': 2, 'Tcp.InSegs': 5, 'Tcp.OutSegs': 7 };
  expect(changes(before, after)).toEqual({ 'Tcp.OutSegs': 2 });
});

test('a counter that appears began at zero', () => {
  expect(changes({}, { 'TcpExt.New': 3 })).toEqual({ 'TcpExt.New': 3 });
});

test.each([
  ['a value is missing', 'Tcp: ActiveOpens PassiveOpens\nTcp: 1\n'],
  ['the values are of another group', 'Tcp: ActiveOpens\nUdp: 1\n'],
  ['a value is no number', 'Tcp: ActiveOpens\nTcp: one\n'],
])('counters are refused where %s', (_, snmp) => {
  expect(() => parseCounters(snmp, 'TcpExt: TCPTimeouts\nTcpExt: 0\n')).toThrow(CountersError);
});

test.each(['TCP: inuse 1 orphan 0 tw 0 alloc 1\n', 'TCP: inuse x orphan 0 tw 0 alloc 1 mem 1\n'])(
  'sockstat is refused: %j',
  (text) => {
    expect(() => parseSockstat(text)).toThrow(CountersError);
  },
);
