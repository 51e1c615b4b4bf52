import { describe, expect, test } from 'vitest';
import { unsound } from '../../src/facts/soundness.ts';
import type { Event } from '../../src/record/event.ts';
import {
  closedInTurn,
  closedTogether,
  connectCall,
  counters,
  flow,
  listened,
  lost,
  miniSocket,
  opened,
  orphaned,
  sample,
  timerExpire,
  went,
} from './handmade.ts';

const one = flow();
const counted = (opens: number) => counters(200, { 'Tcp.ActiveOpens': opens, 'Tcp.PassiveOpens': opens });
const sound = [...listened(1, 300), ...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), counted(1)];
const codes = (events: readonly Event[]) => unsound(events).map(({ code }) => code);
const texts = (events: readonly Event[]) => unsound(events).map(({ text }) => text);

describe('a sound record gives no warning', () => {
  test.each([
    ['closed in turn', closedInTurn(one, 'client', 20, 50)],
    ['an orphan', orphaned(one, 'server', 20, 50)],
    ['closed together', closedTogether(one, 20)],
    ['reset', [went(one, 'client', 20, 'ESTABLISHED', 'CLOSED'), went(one, 'server', 20.1, 'ESTABLISHED', 'CLOSED')]],
  ])('%s', (_, closed) => {
    expect(unsound([...listened(1, 300), ...opened(one, 10), ...closed, counted(1)])).toEqual([]);
  });

  test('in whatever order its events arrived', () => {
    expect(unsound(sound.toReversed())).toEqual([]);
  });

  test('of several connections in the same kernel sockets, one after the other', () => {
    const second = [...opened(one, 70), ...closedInTurn(one, 'server', 80, 90)];
    expect(unsound([...sound.slice(0, -1), ...second, counted(2)])).toEqual([]);
  });

  test('without any counters', () => {
    expect(unsound(sound.slice(0, -1))).toEqual([]);
  });

  test('of two namespaces, whose counters are added', () => {
    const events = [
      ...sound.slice(0, -1),
      counters(200, { 'Tcp.ActiveOpens': 1 }, 'client'),
      counters(200, { 'Tcp.PassiveOpens': 1 }, 'server'),
    ];
    expect(unsound(events)).toEqual([]);
  });

  test('whose sockets were opened after the counters were read', () => {
    expect(unsound([...sound, ...opened(one, 210), ...closedInTurn(one, 'client', 220, 230)])).toEqual([]);
  });

  test('of a connect(2) for which no port was free, which sends no SYN and is not counted', () => {
    const unsent = flow({ socket: { client: 'c9', server: '' } });
    const events = [
      ...sound,
      connectCall(60, { errno: 'EADDRNOTAVAIL', syscall: 'connect' }),
      went(unsent, 'client', 60.1, 'CLOSED', 'SYN-SENT'),
      went(unsent, 'client', 60.104, 'SYN-SENT', 'CLOSED'),
    ];
    expect(unsound(events)).toEqual([]);
  });

  test('of a refused connection, whose SYN is counted', () => {
    const refused = flow({ socket: { client: 'c9', server: '' } });
    const events = [
      ...sound.slice(0, -1),
      connectCall(60, { errno: 'ECONNREFUSED', syscall: 'connect' }),
      went(refused, 'client', 60.1, 'CLOSED', 'SYN-SENT'),
      went(refused, 'client', 60.2, 'SYN-SENT', 'CLOSED'),
      counters(200, { 'Tcp.ActiveOpens': 2, 'Tcp.PassiveOpens': 1 }),
    ];
    expect(unsound(events)).toEqual([]);
  });

  test('with samples and the timers of mini-sockets in between', () => {
    const more = [sample(30), miniSocket(one, 'client', 50.018, 'b0'), timerExpire(60_000)];
    expect(unsound([...sound, ...more])).toEqual([]);
  });
});

describe('an unsound record gives a warning for each flaw', () => {
  test('events that the kernel dropped, with how many', () => {
    expect(codes([...sound, lost(30, 3), lost(31, 4)])).toEqual(['trace-lost-events']);
    expect(texts([...sound, lost(30, 3), lost(31, 4)])).toEqual(['the kernel dropped 7 trace events']);
  });

  test('events that the kernel dropped, not telling how many', () => {
    expect(texts([...sound, lost(30, 0)])).toEqual(['the kernel dropped an unknown number of trace events']);
  });

  test('a step that TCP does not have', () => {
    const events = sound.map((event) =>
      event.kind === 'transition' && event.to === 'FIN-WAIT-2' ? { ...event, to: 'LAST-ACK' as const } : event,
    );
    expect(codes(events)).toEqual(['chain-illegal', 'chain-illegal']);
    expect(texts(events)[0]).toBe('client 127.0.0.1:40000 to 127.64.0.1:10240: FIN-WAIT-1→LAST-ACK is no legal step');
  });

  test('a full socket in TIME-WAIT', () => {
    const events = [
      ...opened(one, 10),
      went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1'),
      went(one, 'client', 21, 'FIN-WAIT-1', 'TIME-WAIT'),
      went(one, 'client', 22, 'TIME-WAIT', 'CLOSED'),
      went(one, 'server', 23, 'ESTABLISHED', 'CLOSED'),
    ];
    expect(codes(events)).toEqual(['chain-illegal', 'chain-illegal']);
  });

  test('a gap in a chain', () => {
    const events = sound.filter((event) => event.kind !== 'transition' || event.to !== 'FIN-WAIT-1');
    expect(texts(events)).toEqual([
      'client 127.0.0.1:40000 to 127.64.0.1:10240: ESTABLISHED is followed by FIN-WAIT-1→FIN-WAIT-2',
    ]);
    expect(codes(events)).toEqual(['chain-illegal']);
  });

  test('a chain without its beginning, which is missing in the count as well', () => {
    const events = sound.filter((event) => event.kind !== 'transition' || event.to !== 'SYN-RECEIVED');
    expect(codes(events)).toEqual(['chain-illegal', 'chain-count']);
    expect(texts(events)[0]).toMatch(/^headless .* begins with SYN-RECEIVED, not CLOSED$/);
  });

  test('a chain without its end', () => {
    const events = sound.filter(
      (event) => event.kind !== 'transition' || event.from !== 'LAST-ACK' || event.to !== 'CLOSED',
    );
    expect(codes(events)).toEqual(['chain-open']);
    expect(texts(events)).toEqual(['accepted 127.64.0.1:10240 to 127.0.0.1:40000 ends in LAST-ACK, not CLOSED']);
  });

  test('a kernel socket used again before its end was seen', () => {
    const cut = sound.slice(0, -1).filter((event) => event.kind !== 'transition' || event.from !== 'FIN-WAIT-2');
    const second = [...opened(one, 70), ...closedInTurn(one, 'server', 80, 90)];
    expect(codes([...cut, ...second, counted(2)])).toEqual(['chain-open']);
  });

  test.each([
    [0, 2, 0],
    [2, 2, 4],
  ])('a count of opens, %i each, that is not the number of chains', (opens, chains, total) => {
    const events = [...sound.slice(0, -1), counted(opens)];
    expect(codes(events)).toEqual(['chain-count']);
    expect(texts(events)).toEqual([
      `the trace has ${chains} connecting and accepted sockets, ActiveOpens + PassiveOpens is ${total}`,
    ]);
  });
});
