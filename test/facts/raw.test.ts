import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import { violations } from '../../src/facts/invariants.ts';
import type { Call, CallEvent, ConnectionEvent, Event } from '../../src/record/event.ts';
import type { End } from '../../src/tcp/states.ts';
import { all, call, flow, node, ns, opened, queues, segment, went } from './handmade.ts';

const one = flow();
/** The number of each end's raw socket. */
const sockets = { client: 8, server: 9 } as const;
type Refused = Partial<Pick<CallEvent, 'ns' | 'errno' | 'syscall'>>;
const raw = (end: End, at: number, given: Call, more: Refused = {}): CallEvent => ({
  ...call(one, end, at, given, more),
  socket: sockets[end],
});
const read = (end: End, at: number, got: number, took = 0) =>
  raw(end, at, { verb: 'read(2)', asked: 100, wait: true, got }, { ns: ns(took) });
const wrote = (end: End, at: number, bytes: number, asked = bytes) =>
  raw(end, at, { verb: 'write(2)', asked, wait: true, wrote: bytes });
const refused = (end: End, at: number, call: 'read' | 'write', errno: string) =>
  raw(end, at, { verb: `${call}(2)`, asked: 100, wait: false }, { errno, syscall: call });

/** The connection of {@link opened}, whose ends are raw. */
function openedRaw(...ends: readonly End[]): Event[] {
  const told = opened(one, 10);
  return told.map((event): Event => {
    if (event.kind !== 'connection') return event;
    const own = (end: End) => ({
      ...event[end],
      ...(ends.includes(end) && { raw: true as const, socket: sockets[end] }),
    });
    return { ...event, client: own('client'), server: own('server') } satisfies ConnectionEvent;
  });
}
const factsOf = (ends: readonly End[], ...events: Event[]) => {
  const { facts, warnings } = derive([...openedRaw(...ends), ...events], all);
  expect(warnings).toEqual([]);
  expect(violations(facts)).toEqual([]);
  return facts;
};

describe('the ends of raw sockets', () => {
  test('have the bytes that the kernel took, and that read(2) gave', () => {
    const facts = factsOf(
      ['client', 'server'],
      wrote('client', 20, 300, 1000),
      read('server', 21, 100),
      read('server', 22, 40, 5),
      queues(one, 'server', 40, { read: 140, unread: 160, received: 300, state: 'ESTABLISHED' }),
      raw('server', 41, { verb: 'close(2)' }),
      went(one, 'server', 41, 'ESTABLISHED', 'CLOSED'),
      segment('reset-sent', one, 'server', 41.01),
      segment('reset-received', one, 'client', 41.02),
      went(one, 'client', 41.03, 'ESTABLISHED', 'CLOSED'),
    );
    expect(facts).toMatchObject({
      'client.written': 300,
      'client.delivered': 140,
      'client.lost': 160,
      'server.closeMs': 0,
      'server.sawEnd': false,
      'server.closedWith': ['RST'],
    });
    expect(facts['client.lost.receiveQueue']).toBe(160);
  });

  test("have none of Node's events", () => {
    const facts = factsOf(['server'], read('server', 21, 0));
    expect(facts).not.toHaveProperty(['server.events']);
    expect(facts).not.toHaveProperty(['server.hadError']);
    expect(facts).toMatchObject({ 'server.sawEnd': true, 'client.sawEnd': false, 'client.events': [] });
  });

  test('have seen no end of the stream where nothing was asked for, or read(2) was refused', () => {
    const nothing = raw('server', 20, { verb: 'read(2)', asked: 0, wait: true, got: 0 });
    expect(factsOf(['server'], nothing, refused('server', 21, 'read', 'EAGAIN'))['server.sawEnd']).toBe(false);
  });

  test('have each refusal as an error, in order, and what SO_ERROR gave', () => {
    const facts = factsOf(
      ['client'],
      refused('client', 21, 'write', 'EPIPE'),
      refused('client', 20, 'read', 'ECONNRESET'),
      raw('client', 22, { verb: 'error', pending: 'ETIMEDOUT' }),
      raw('client', 23, { verb: 'error', pending: 'none' }),
    );
    expect(facts['client.errors']).toEqual([
      { call: 'read', errno: 'ECONNRESET' },
      { call: 'write', errno: 'EPIPE' },
      { call: 'SO_ERROR', errno: 'ETIMEDOUT' },
    ]);
  });

  test('are closed by close(2), and by AF_UNSPEC', () => {
    const lasting = { ns: ns(7) };
    expect(factsOf(['client'], raw('client', 20, { verb: 'close(2)' }, lasting))['client.closeMs']).toBe(7);
    expect(factsOf(['client'], raw('client', 20, { verb: 'disconnect' }, lasting))['client.closeMs']).toBe(7);
    expect(factsOf(['client'], raw('client', 20, { verb: 'shutdown(2)', how: 'WR' }, lasting))['client.closeMs']).toBe(
      7,
    );
    expect(factsOf(['client'])).not.toHaveProperty(['client.closeMs']);
  });

  test('have the options that were set on their socket before it connected, and of no other socket', () => {
    const set = (at: number, socket: number, more: Partial<CallEvent> = {}): Event => {
      const { endpoint: _, ...plain } = call(one, 'client', at, {
        verb: 'set',
        option: 'SO_LINGER',
        value: at,
        kept: at,
      });
      return { ...plain, socket, ...more } as Event;
    };
    const facts = factsOf(['client'], set(3, 7), set(4, sockets.client), set(20, sockets.client, { endpoint: 1 }));
    expect(facts['client.options']).toEqual([
      { option: 'SO_LINGER', value: 4, kept: 4 },
      { option: 'SO_LINGER', value: 20, kept: 20 },
    ]);
    // it has left the connection, and the next one has none of its facts yet
    expect(factsOf(['client'], set(20, sockets.client))).not.toHaveProperty(['client.options']);
  });
});

test('what is read behind net is read by its application, and Node has no events of that', () => {
  const facts = factsOf(
    [],
    node(one, 'client', 19, 'data', { bytes: 5 }),
    wrote('server', 18, 12),
    read('client', 20, 7),
  );
  expect(facts).toMatchObject({ 'server.written': 12, 'server.delivered': 12, 'server.lost': 0 });
  expect(facts).not.toHaveProperty(['client.events']);
});

test('a shutdown for reading sends no FIN', () => {
  const unsent = queues(one, 'client', 40, { sent: 0, unsent: 10, read: 0 });
  const closed = went(one, 'client', 41, 'ESTABLISHED', 'CLOSED');
  const over = [
    queues(one, 'server', 39, { read: 0 }),
    unsent,
    closed,
    went(one, 'server', 42, 'ESTABLISHED', 'CLOSED'),
  ];
  const facts = factsOf(
    ['client'],
    wrote('client', 20, 10),
    raw('client', 30, { verb: 'shutdown(2)', how: 'RD' }),
    ...over,
  );
  expect(facts['client.lost.sendQueue']).toBe(10);
});

test('a connection that was joined is one, when its other end is accepted later', () => {
  const told = openedRaw('server');
  const event = told.find((each): each is ConnectionEvent => each.kind === 'connection')!;
  const before: ConnectionEvent = { ...event, server: { peer: 'server', endpoint: null, local: event.server.local } };
  const { facts } = derive([...told.filter((each) => each !== event), before, event, read('server', 30, 0)], all);
  expect(facts['server.sawEnd']).toBe(true);
  expect(facts['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED']);
});
