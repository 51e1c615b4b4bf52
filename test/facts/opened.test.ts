import { describe, expect, test } from 'vitest';
import { viewOf } from '../../src/facts/connections.ts';
import { derive } from '../../src/facts/derive.ts';
import type { ConnectionEvent, Event } from '../../src/record/event.ts';
import { all, blind, type Flow, flow, ns, onWire, sample, scenarioEnds, shown, went } from './handmade.ts';

const one = flow();

/** An open at `at` that took 0.2 ms; told again where a process has the other end. */
const told = (of: Flow, at: number, server: Partial<ConnectionEvent['server']> = {}): ConnectionEvent => ({
  t: ns(at + 0.2),
  source: 'harness',
  kind: 'connection',
  label: of.label,
  client: {
    peer: 'client',
    endpoint: of.endpoint.client,
    local: of.address.client,
    opening: { from: ns(at), until: ns(at + 0.2) },
  },
  server: { peer: 'server', endpoint: null, local: of.address.server, ...server },
});

/** The kernel chooses the port after this transition. */
const synSent = (of: Flow, at: number): Event => {
  const syn = went(of, 'client', at + 0.1, 'CLOSED', 'SYN-SENT');
  return { ...syn, local: { ...syn.local, port: 0 } };
};

const answered = [
  onWire(one, 'client', 10.3, ['SYN'], { n: 1 }),
  onWire(one, 'server', 10.4, ['SYN', 'ACK'], { n: 2 }),
];
const accepted = [
  went(one, 'server', 50, 'LISTEN', 'SYN-RECEIVED'),
  went(one, 'server', 50.01, 'SYN-RECEIVED', 'ESTABLISHED'),
];
const facts = (...events: readonly Event[]) => derive([...events, scenarioEnds(90)], all);

describe('an end that was opened', () => {
  test('is in SYN-SENT while the kernel has told no port of it', () => {
    const [connection] = viewOf([synSent(one, 10), told(one, 10)], all).connections;
    expect(connection?.client.chain?.transitions.map(({ to }) => to)).toEqual(['SYN-SENT']);
  });

  test('has not the chain of an earlier attempt on the same numbers', () => {
    const again = flow({ socket: { client: 'c1', server: '51' }, endpoint: { client: 3, server: 4 } });
    const gone = went(one, 'client', 12, 'SYN-SENT', 'CLOSED');
    const events = [synSent(one, 10), told(one, 10), gone, synSent(again, 20), told(again, 20)];
    const { connections } = viewOf(events, all);
    expect(connections.map(({ client }) => client.chain?.socket)).toEqual(['c0', 'c1']);
    expect(connections[0]?.client.succeededAt).toBe(ns(20.1));
  });

  test('is one connection, however often it was told of, as it was told last', () => {
    const { connections } = viewOf([told(one, 10), told(one, 10, { endpoint: 2 })], all);
    expect(connections.map(({ server }) => server.endpoint)).toEqual([2]);
  });

  test('of a SYN that crossed it, the other end has the chain that its own connect(2) began', () => {
    const far = went(one, 'server', 15.1, 'CLOSED', 'SYN-SENT');
    const opening = { from: ns(15), until: ns(15.2) };
    const events = [synSent(one, 10), far, told(one, 10), told(one, 10, { endpoint: 2, opening })];
    expect(facts(...events).facts['server.path']).toEqual(['SYN-SENT']);
  });

  test('is sampled from SYN-SENT on without tracepoints, and nothing is made up of the other', () => {
    const { paths, facts: found } = derive([told(one, 10), scenarioEnds(90)], blind);
    expect(paths.client?.map(({ state }) => state)).toEqual(['SYN-SENT']);
    expect(paths.server).toEqual([]);
    expect(found['server.path']).toBeNull();
  });
});

describe('a request', () => {
  const waiting = [synSent(one, 10), told(one, 10), ...answered, sample(20, shown(one, 'server', 'SYN-RECEIVED'))];

  test('that ss showed began when the SYN came, and became the accepted socket', () => {
    const { paths, facts: found } = facts(...waiting, ...accepted, told(one, 10, { endpoint: 2 }));
    expect(paths.server?.[0]).toEqual({
      state: 'SYN-RECEIVED',
      at: ns(10.3),
      evidence: 'exact',
      source: 'wire',
      mini: true,
    });
    expect(found['server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED']);
    expect(found['server.miniSocket']).toEqual(['SYN-RECEIVED']);
    expect(found['server.stateMs.SYN-RECEIVED']).toBeCloseTo(39.71, 3);
  });

  test('that nobody completed ended between two looks', () => {
    const { paths, facts: found } = facts(...waiting, sample(60), sample(80));
    expect(found['server.path']).toEqual(['SYN-RECEIVED', 'CLOSED']);
    expect(paths.server?.at(-1)).toMatchObject({ evidence: 'sampled', notBefore: ns(20), at: ns(65) });
  });

  test('that was reset ended when the RST came', () => {
    const reset = onWire(one, 'client', 55, ['RST'], { n: 3 });
    expect(facts(...waiting, reset, sample(60)).paths.server?.at(-1)).toMatchObject({ evidence: 'exact', at: ns(55) });
  });

  test('is not made up of a SYN-ACK: a server with SYN cookies has none', () => {
    const cookie = [synSent(one, 10), told(one, 10), ...answered, sample(20)];
    expect(facts(...cookie).facts['server.path']).toEqual([]);
    expect(facts(...cookie, ...accepted, told(one, 10, { endpoint: 2 })).facts['server.miniSocket']).toEqual([]);
  });

  test('is unknown where ss did not look while it may have been there', () => {
    const { facts: found, unknown } = facts(synSent(one, 10), told(one, 10), ...answered);
    expect(found['server.path']).toBeNull();
    expect(unknown['server.path']?.code).toBe('not-sampled');
  });

  test('was none where the SYN never came', () => {
    const lost = onWire(one, 'client', 10.3, ['SYN'], { n: 1, deed: { do: 'dropped', rule: 1 } });
    expect(facts(synSent(one, 10), told(one, 10), lost).facts['server.path']).toEqual([]);
  });
});

test('segments are those of the attempt that was opened last before they began', () => {
  const old = flow({ label: 'old' });
  const again = flow({ label: 'new', socket: { client: 'c1', server: '51' }, endpoint: { client: 3, server: 4 } });
  const first = onWire(old, 'client', 10.15, ['SYN'], { n: 1 });
  const second = onWire(again, 'client', 20.15, ['SYN'], { n: 2, connection: 2 });
  const { segments } = facts(synSent(old, 10), told(old, 10), first, synSent(again, 20), told(again, 20), second);
  expect(segments.map(({ label }) => label)).toEqual(['old', 'new']);
});

test('one socket that is both ends has the facts of the end that connected, and no other', () => {
  const itself = flow({ address: { client: one.address.server, server: one.address.server } });
  const events = [
    went(itself, 'client', 10.1, 'CLOSED', 'SYN-SENT'),
    went(itself, 'client', 10.11, 'SYN-SENT', 'SYN-RECEIVED'),
    went(itself, 'client', 10.12, 'SYN-RECEIVED', 'ESTABLISHED'),
    told(itself, 10, { endpoint: 1, peer: 'client' }),
  ];
  const { facts: found } = facts(...events);
  expect(found['client.path']).toEqual(['SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED']);
  expect(Object.keys(found).filter((name) => name.startsWith('server.'))).toEqual([]);
});
