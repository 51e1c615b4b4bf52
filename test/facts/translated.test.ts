import { expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Event, MappingEvent } from '../../src/record/event.ts';
import { sameAddress } from '../../src/tcp/address.ts';
import { all, flow, ns, onWire, opened } from './handmade.ts';

const one = flow();
const { client } = one.address;
const outside = { address: '10.0.0.6', port: 61_001 };
const later = { ...outside, port: 61_002 };

/** What the server's kernel says, in the addresses that it knows. */
const asSeen = (event: Event): Event =>
  'remote' in event && event.remote && sameAddress(event.remote as typeof client, client)
    ? ({ ...event, remote: outside } as Event)
    : event;

const mapping = (ms: number, to: typeof outside, forgotten?: true): MappingEvent => ({
  t: ns(ms),
  source: 'wire',
  kind: 'mapping',
  inside: client,
  outside: to,
  ...(forgotten && { forgotten }),
});
const events = (...more: Event[]): Event[] => [...opened(one, 10).map(asSeen), ...more];
const syn = onWire(one, 'client', 9, ['SYN'], { n: 1, seq: 0 });

test('a server whose kernel knows its client by another address has the path of that socket', () => {
  const known = derive(events(mapping(8, outside), syn), all).facts;
  expect(known['server.path']).toContain('ESTABLISHED');
  expect(known['client.path']).toContain('ESTABLISHED');
  // without the mapping nothing tells whose the socket is
  expect(derive(events(syn), all).facts['server.path']).toBeNull();
});

test('a RST that answers a mapping which was made later is not of the socket that knows the first one', () => {
  const reset = (to: typeof outside) =>
    onWire(one, 'server', 900, ['RST'], { n: 2, seq: 1, deed: { do: 'carried', translated: to } });
  const record = (to: typeof outside) =>
    events(mapping(8, outside), syn, mapping(500, outside, true), mapping(899, later), reset(to));
  expect(derive(record(later), all).facts['server.closedWith']).toEqual([]);
  expect(derive(record(outside), all).facts['server.closedWith']).toEqual(['RST']);
});
