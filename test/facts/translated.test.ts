import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Event, MappingEvent } from '../../src/record/event.ts';
import { sameAddress } from '../../src/tcp/address.ts';
import { all, closedInTurn, flow, ns, onWire, opened } from './handmade.ts';

const one = flow();
const { client } = one.address;
const outside = { address: '10.0.0.6', port: 61_001 };
const later = { ...outside, port: 61_002 };

/** What the server's kernel says, in the addresses that it knows. */
const asSeen = (event: Event, inside = client, to = outside): Event =>
  'remote' in event && event.remote && sameAddress(event.remote as typeof client, inside)
    ? ({ ...event, remote: to } as Event)
    : event;

const mapping = (ms: number, to: typeof outside, forgotten?: true): MappingEvent => ({
  t: ns(ms),
  source: 'wire',
  kind: 'mapping',
  inside: client,
  outside: to,
  ...(forgotten && { forgotten }),
});
const events = (...more: Event[]): Event[] => [...opened(one, 10).map((event) => asSeen(event)), ...more];
const syn = onWire(one, 'client', 9, ['SYN'], { n: 1, seq: 0 });

test('a server whose kernel knows its client by another address has the path of that socket', () => {
  const known = derive(events(mapping(8, outside), syn), all).facts;
  expect(known['server.path']).toContain('ESTABLISHED');
  expect(known['client.path']).toContain('ESTABLISHED');
  // without the mapping nothing tells whose the socket is
  expect(derive(events(syn), all).facts['server.path']).toBeNull();
});

test('TIME-WAIT ends where another client of the translation takes its port, and stays where that has another', () => {
  const second = flow({
    label: 'second',
    address: { ...one.address, client: { ...client, address: '127.0.0.2' } },
    socket: { client: 'c1', server: '51' },
    endpoint: { client: 3, server: 4 },
  });
  const record = (to: typeof outside) => [
    ...[mapping(8, outside), ...opened(one, 10), ...closedInTurn(one, 'server', 20, 50)].map((event) => asSeen(event)),
    { ...mapping(90, to), inside: second.address.client },
    ...opened(second, 100).map((event) => asSeen(event, second.address.client, to)),
  ];
  const facts = (to: typeof outside) => derive(record(to), all).facts;
  expect(facts(outside)['timeWait.endedBy']).toBe('recycled');
  expect(facts(later)['timeWait.endedBy']).not.toBe('recycled');
  expect(facts(outside)['second.server.path']).toEqual(facts(later)['second.server.path']);
});

describe('a second client at the address and port that the server knows the first one by, which TIME-WAIT challenged', () => {
  const second = flow({
    label: 'second',
    address: { ...one.address, client: { ...client, address: '127.0.0.2' } },
    socket: { client: 'c1', server: '51' },
    endpoint: { client: 3, server: 4 },
  });
  const inside = second.address.client;
  const numbers = { client: 5_000_000, server: 9000 };
  const known = { do: 'carried', translated: outside } as const;
  /** The second client's RST comes 0.2 ms after the server's ACK, to which it is sent; its SYN again 10 ms later. */
  const record = ({ rst = 2, to = outside, server = numbers.server }) => {
    const deed = { ...known, translated: to };
    const first = { n: 8, connection: 2, seq: 0, initial: numbers, deed };
    return [
      ...[mapping(8, outside), ...opened(one, 10), ...closedInTurn(one, 'server', 20, 50)].map((event) =>
        asSeen(event),
      ),
      onWire(one, 'client', 10.001, ['SYN'], { n: 1, seq: 0, deed: known }),
      onWire(one, 'server', 10.01, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1, deed: known }),
      onWire(one, 'client', 10.021, ['ACK'], { n: 3, seq: 1, ack: 1, deed: known }),
      onWire(one, 'server', 20.001, ['FIN', 'ACK'], { n: 4, seq: 1, ack: 1, deed: known }),
      onWire(one, 'client', 20.015, ['ACK'], { n: 5, seq: 1, ack: 2, deed: known }),
      onWire(one, 'client', 50.001, ['FIN', 'ACK'], { n: 6, seq: 1, ack: 2, deed: known }),
      onWire(one, 'server', 50.021, ['ACK'], { n: 7, seq: 2, ack: 2, deed: known }),
      mapping(60, outside, true),
      { ...mapping(99.5, to), inside },
      onWire(second, 'client', 99.5, ['SYN'], first),
      onWire(second, 'server', 99.6, ['ACK'], { n: 9, seq: 2, ack: 2, deed }),
      onWire(second, 'client', 99.8, ['RST'], { n: 10, seq: rst, deed }),
      onWire(second, 'client', 109.8, ['SYN'], { ...first, n: 11 }),
      onWire(second, 'server', 109.9, ['SYN', 'ACK'], {
        n: 12,
        connection: 2,
        seq: 0,
        ack: 1,
        initial: { ...numbers, server },
        deed,
      }),
      ...opened(second, 110).map((event) => asSeen(event, inside, to)),
    ];
  };
  const facts = (of: Parameters<typeof record>[0]) => {
    const found = derive(record(of), all).facts;
    return [found['timeWait.endedBy'], found['timeWait.cutShort']];
  };

  test('ended TIME-WAIT by its RST, before its second SYN came', () => {
    expect(facts({})).toEqual(['rst', expect.closeTo(0.049_78, 9)]);
  });

  test('took its place by that SYN, where the server’s number goes on from the last one: tcp_rfc1337 is 1', () => {
    expect(facts({ server: 5002 + 65_537 })).toEqual(['recycled', expect.closeTo(0.059_78, 9)]);
  });

  test('did one or the other, where neither number fits', () => {
    expect(facts({ rst: 3 })).toEqual([null, null]);
  });

  test('did neither, where the translation gave it another port', () => {
    expect(facts({ to: later })).toEqual(['namespace', undefined]);
  });
});

test('a RST that answers a mapping which was made later is not of the socket that knows the first one', () => {
  const reset = (to: typeof outside) =>
    onWire(one, 'server', 900, ['RST'], { n: 2, seq: 1, deed: { do: 'carried', translated: to } });
  const record = (to: typeof outside) =>
    events(mapping(8, outside), syn, mapping(500, outside, true), mapping(899, later), reset(to));
  expect(derive(record(later), all).facts['server.closedWith']).toEqual([]);
  expect(derive(record(outside), all).facts['server.closedWith']).toEqual(['RST']);
});
