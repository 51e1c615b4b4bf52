import { describe, expect, test } from 'vitest';
import { declarations } from '../../src/facts/table.ts';
import { lackedCounters, NotObserved, NotTried, type OnRead, readable } from '../../src/verdict/facts.ts';

const declared = declarations();
const read = (facts: Parameters<typeof readable>[0], unknown: Parameters<typeof readable>[2] = {}, onRead?: OnRead) =>
  readable(facts, declared, unknown, onRead);

describe('readable', () => {
  test('gives a value as it is', () => {
    const facts = read({ 'timeWait.holder': 'client', 'client.closeMs': 0, 'client.sawEnd': false, 'client.path': [] });
    expect(facts['timeWait.holder']).toBe('client');
    expect(facts['client.closeMs']).toBe(0);
    expect(facts['client.sawEnd']).toBe(false);
    expect(facts['client.path']).toEqual([]);
  });

  test('throws NotObserved, with the reason, for what was not observed', () => {
    const facts = read(
      { 'timeWait.seconds': null },
      { 'timeWait.seconds': { code: 'not-sampled', text: 'it outlived the cell' } },
    );
    expect(() => facts['timeWait.seconds']).toThrow(NotObserved);
    expect(() => facts['timeWait.seconds']).toThrow('timeWait.seconds not observed: it outlived the cell');
  });

  test('throws NotTried for a declared fact that the cell has not', () => {
    expect(() => read({})['timeWait.seconds']).toThrow(NotTried);
  });

  test('throws a TypeError for a name that is not declared', () => {
    for (const name of [
      'timeWait.holdr',
      'then',
      'toString',
      '__proto__',
      'counters.lab.Udp.InErrors',
      'counters.lab',
    ]) {
      expect(() => read({})[name]).toThrow(TypeError);
    }
  });

  test('a counter that did not change is 0 where the counters of its namespace were read', () => {
    const facts = read({ 'counters.client.Tcp.ActiveOpens': 1, 'counters.server.Tcp.PassiveOpens': null });
    expect(facts['counters.client.Tcp.ActiveOpens']).toBe(1);
    expect(facts['counters.client.TcpExt.TCPAbortOnData']).toBe(0);
    expect(() => facts['counters.server.TcpExt.TCPAbortOnData']).toThrow(NotObserved);
    expect(() => facts['counters.lab.Tcp.OutRsts']).toThrow('the counters of lab were not read');
  });

  test('a value of the moment is none of the counters, and the reason says so', () => {
    const counters = new Set(['Tcp.ActiveOpens']);
    const why = 'Tcp.CurrEstab is a value of the moment or a setting, and counts nothing';
    for (const of of [counters, undefined]) {
      const facts = readable({ 'counters.lab.Tcp.ActiveOpens': 1 }, declared, {}, undefined, of);
      expect(() => facts['counters.lab.Tcp.CurrEstab']).toThrow(why);
    }
    const name = 'counters.lab.Tcp.CurrEstab';
    expect(lackedCounters([name], counters)).toEqual({
      facts: { [name]: null },
      unknown: { [name]: { code: 'no-count', text: why } },
    });
  });

  test('a counter that the kernel does not have is not observed, one that it has and that did not change is 0', () => {
    const counters = new Set(['Tcp.ActiveOpens', 'TcpExt.TCPAbortOnData']);
    const facts = readable({ 'counters.client.Tcp.ActiveOpens': 1 }, declared, {}, undefined, counters);
    expect(facts['counters.client.Tcp.ActiveOpens']).toBe(1);
    expect(facts['counters.client.TcpExt.TCPAbortOnData']).toBe(0);
    expect(() => facts['counters.client.TcpExt.NoSuchThing']).toThrow(NotObserved);
    expect(() => facts['counters.client.Tcp.TCPAbortOnData']).toThrow(
      'counters.client.Tcp.TCPAbortOnData not observed: this kernel has no such counter',
    );
    expect('counters.client.TcpExt.NoSuchThing' in facts).toBe(false);
  });

  test('of the facts that are shown, counters that the kernel does not have are unknown', () => {
    const shown = ['counters.lab.TcpExt.TW', 'counters.lab.TcpExt.NoSuchThing', 'client.path'];
    expect(lackedCounters(shown, new Set(['TcpExt.TW']))).toEqual({
      facts: { 'counters.lab.TcpExt.NoSuchThing': null },
      unknown: {
        'counters.lab.TcpExt.NoSuchThing': { code: 'no-such-counter', text: 'this kernel has no such counter' },
      },
    });
  });

  test('answers whether there is a value by `in`', () => {
    const facts = read({ 'timeWait.holder': 'client', 'timeWait.seconds': null });
    expect('timeWait.holder' in facts).toBe(true);
    expect('timeWait.seconds' in facts).toBe(false);
    expect('client.retransmits' in facts).toBe(false);
    expect(() => 'timeWait.holdr' in facts).toThrow(TypeError);
    expect(Object.keys(facts)).toEqual(['timeWait.holder']);
  });

  test('nothing that a claim does to a value changes the record', () => {
    const record = { 'client.path': ['CLOSED', 'ESTABLISHED'] };
    const facts = read(record);
    (facts['client.path'] as string[]).reverse();
    expect(facts['client.path']).toEqual(['CLOSED', 'ESTABLISHED']);
    expect(() => {
      (facts as Record<string, unknown>)['client.path'] = [];
    }).toThrow(TypeError);
    expect(record).toEqual({ 'client.path': ['CLOSED', 'ESTABLISHED'] });
  });

  test('tells what was read, with or without a value', () => {
    const seen: [string, unknown][] = [];
    const facts = read({ 'timeWait.holder': 'client', 'timeWait.seconds': null }, {}, (...one) => seen.push(one));
    void facts['timeWait.holder'];
    expect(() => facts['timeWait.seconds']).toThrow();
    expect(seen).toEqual([
      ['timeWait.holder', 'client'],
      ['timeWait.seconds', expect.any(NotObserved)],
    ]);
  });
});
