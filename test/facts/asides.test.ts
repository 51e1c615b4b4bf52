import { expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Deed } from '../../src/record/deed.ts';
import type { Event, WireEvent } from '../../src/record/event.ts';
import { all, call, flow, node, ns, onWire, opened } from './handmade.ts';

const one = flow({ label: 'old' });
const again = flow({ label: 'new', endpoint: { client: 3, server: 4 }, socket: { client: 'c1', server: '51' } });
const asides = (...events: Event[]) => derive(events, all).asides;
const syn = onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 });

test('a closing call is told with when it returned', () => {
  const close = call(one, 'client', 20, { verb: 'close', by: 'destroy' }, { ns: ns(1500) });
  expect(asides(syn, ...opened(one, 10), close, call(one, 'client', 15, { verb: 'write', bytes: 1 }))).toEqual([
    { what: 'close', t: ns(20), until: ns(1520), end: 'client', label: 'old', by: 'destroy' },
  ]);
});

test('without a wire nothing is told', () => {
  expect(asides(...opened(one, 10), call(one, 'client', 20, { verb: 'close', by: 'destroy' }))).toEqual([]);
});

test('a host-unreachable message is told to the end that it went to, with the segment that it answers', () => {
  const told: WireEvent = {
    n: 2,
    t: ns(30),
    from: 'server',
    why: 'no-tcp',
    source: 'wire',
    kind: 'segment',
    deed: { do: 'forged', as: 'unreachable', of: 1 },
  };
  const other: WireEvent = { ...told, n: 3, deed: { do: 'forged' } };
  expect(asides(syn, ...opened(one, 10), told, other)).toEqual([
    { what: 'unreachable', t: ns(30), end: 'client', label: 'old', of: 1 },
    { what: 'forged', t: ns(30), until: ns(30), end: 'client', label: '', kinds: [{ why: 'no-tcp' }], of: 3, count: 1 },
  ]);
});

test('packets that are no segments are told, those in a row as one; an echo of the wire is not', () => {
  const raw = (
    n: number,
    from: 'client' | 'server',
    why: NonNullable<WireEvent['why']>,
    deed: Deed = { do: 'forged' },
  ): WireEvent => ({
    n,
    t: ns(30 + n),
    from,
    why,
    source: 'wire',
    kind: 'segment',
    deed,
  });
  const refused = raw(6, 'server', 'no-ip', { do: 'forged', refusedBy: 'kernel', errno: 'EINVAL' });
  const ping = raw(5, 'client', 'no-tcp', { do: 'forged', as: 'echo', of: 4 });
  const told = [raw(2, 'client', 'truncated'), raw(3, 'client', 'truncated'), raw(4, 'client', 'no-ip'), ping, refused];
  expect(asides(syn, ...opened(one, 10), ...told)).toEqual([
    {
      what: 'forged',
      t: ns(32),
      until: ns(34),
      end: 'server',
      label: '',
      kinds: [{ why: 'truncated' }, { why: 'no-ip' }],
      of: 2,
      count: 3,
    },
    {
      what: 'forged',
      t: ns(36),
      until: ns(36),
      end: 'client',
      label: '',
      kinds: [{ why: 'no-ip', errno: 'EINVAL' }],
      of: 6,
      count: 1,
    },
  ]);
});

const reused = (...events: Event[]): Event[] => [
  syn,
  ...opened(one, 10),
  onWire(one, 'client', 20, ['ACK'], { n: 2, seq: 1, bytes: 500 }),
  node(one, 'server', 20.1, 'data', { bytes: 500 }),
  onWire(one, 'client', 30, ['SYN'], { n: 3, seq: 0, connection: 2 }),
  ...opened(again, 30),
  ...events,
];
const replay = onWire(one, 'client', 50, ['ACK'], {
  n: 4,
  seq: 1,
  bytes: 500,
  connection: 2,
  deed: { do: 'replay', of: 2 },
});

test('what the new connection read of an old segment is told as those bytes', () => {
  expect(asides(...reused(replay, node(again, 'server', 50.2, 'data', { bytes: 400 })))).toEqual([
    { what: 'read', t: ns(50.2), end: 'server', label: 'new', bytes: 400, of: 4 },
  ]);
});

test('once bytes of the new client have come, nobody knows whose they are', () => {
  const own = onWire(one, 'client', 45, ['ACK'], { n: 5, seq: 1, bytes: 100, connection: 2 });
  const read = node(again, 'server', 50.2, 'data', { bytes: 100 });
  expect(asides(...reused(own, replay, read))).toEqual([
    { what: 'read', t: ns(50.2), end: 'server', label: 'new', bytes: 100 },
  ]);
});

test('what was read before the wire made anything is not told', () => {
  expect(asides(...reused(node(again, 'server', 49, 'data', { bytes: 100 })))).toEqual([]);
});
