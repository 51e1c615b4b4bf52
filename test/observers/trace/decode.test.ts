import { describe, expect, test } from 'vitest';
import { decoder, type TraceEvent } from '../../../src/observers/trace/decode.ts';
import { parseFormat, TraceError } from '../../../src/observers/trace/format.ts';
import { decodePage, type RawRecord } from '../../../src/observers/trace/page.ts';
import type { SegmentEvent, TransitionEvent } from '../../../src/record/event.ts';
import { formatOf, formatsOf, kernels, readsOf, readText, sceneOf, scenesOf } from './captures.ts';
import { described, describedByKernel } from './described.ts';

type Chain = readonly TransitionEvent[];

/** Transitions by socket, cut where a chain reaches CLOSED: the address is used again only then. */
function chainsOf(events: readonly TraceEvent[]): Chain[] {
  const open = new Map<string, TransitionEvent[]>();
  const chains: TransitionEvent[][] = [];
  for (const event of events) {
    if (event.kind !== 'transition') continue;
    const chain = open.get(event.socket) ?? [];
    if (chain.length === 0) chains.push(chain);
    chain.push(event);
    open.set(event.socket, chain);
    if (event.to === 'CLOSED') open.delete(event.socket);
  }
  return chains;
}
const statesOf = (chain: Chain): string => [chain[0]!.from, ...chain.map(({ to }) => to)].join(' ');
const count = (values: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};

test('there is a captured kernel', () => {
  expect(kernels.length).toBeGreaterThan(0);
});

describe.each(kernels)('%s', (kernel) => {
  // older ones trace a reset only where a full socket sends it, and have its ports in fields
  const tracesEveryReset = !formatOf(kernel, 'tcp.tcp_send_reset').fields.has('sport');

  test.each(scenesOf(kernel))('%s: every event is what the kernel itself prints of it', (name) => {
    const { events, lines } = sceneOf(kernel, name);
    expect(events.map(described).sort()).toEqual(lines.map(describedByKernel).sort());
    expect(events.length).toBeGreaterThan(0);
  });

  test.each(scenesOf(kernel))('%s: times are nanoseconds of the clock that processes read', (name) => {
    const { events, known } = sceneOf(kernel, name);
    for (const { t } of events) {
      expect(t).toBeGreaterThan(known.from);
      expect(t).toBeLessThan(known.to);
    }
    expect(events.some(({ t }) => t % 1000 !== 0)).toBe(true);
  });

  test.each(['fin-ipv4', 'fin-ipv6'])('%s: 23 connections are 23 chains at each end', (name) => {
    const { events, known } = sceneOf(kernel, name);
    const chains = chainsOf(events);
    expect(known.connections.length).toBe(23);
    expect(count(chains.map(statesOf))).toEqual({
      'CLOSED LISTEN CLOSED': 1,
      'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSED': 23,
      'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED': 23,
    });
    const clients = chains.filter(([first]) => first?.to === 'SYN-SENT').map((chain) => chain.at(-1)!.local.port);
    expect(clients).toEqual(known.connections.map(({ client }) => client));
  });

  test.each(['fin-ipv4', 'fin-ipv6', 'fin-and-reset-mapped', 'overrun'])(
    "%s: a mini-socket's timer starts just before the same CPU's FIN-WAIT-2 to CLOSED",
    (name) => {
      const { events } = sceneOf(kernel, name);
      const ends = events.flatMap((event, index) =>
        event.kind === 'transition' && event.from === 'FIN-WAIT-2' ? [{ event, before: events[index - 1] }] : [],
      );
      expect(ends.length).toBeGreaterThan(0);
      for (const { event, before } of ends) {
        expect(before?.kind).toBe('mini-timer-start');
        expect(before?.cpu).toBe(event.cpu);
      }
      const timers = events.flatMap((event) => (event.kind === 'mini-timer-start' ? [event.jiffies] : []));
      expect(new Set(timers).size).toBe(1);
      expect(timers[0]! % 60).toBe(0);
    },
  );

  test.each(['reset-ipv4', 'reset-ipv6'])('%s: 11 resets are sent and received, with no mini-socket', (name) => {
    const { events, known } = sceneOf(kernel, name);
    expect(count(chainsOf(events).map(statesOf))).toEqual({
      'CLOSED LISTEN CLOSED': 1,
      'CLOSED SYN-SENT ESTABLISHED CLOSED': 11,
      'LISTEN SYN-RECEIVED ESTABLISHED CLOSED': 11,
    });
    const flows = (kind: string) =>
      events
        .flatMap((event) => (event.kind === kind ? [event as SegmentEvent] : []))
        .map(({ local, remote }) => [local.port, remote.port]);
    expect(flows('reset-sent')).toEqual(known.connections.map(({ client, server }) => [client, server]));
    expect(flows('reset-received')).toEqual(known.connections.map(({ client, server }) => [server, client]));
    expect(flows('mini-timer-start')).toEqual([]);
  });

  test('IPv6 sockets with IPv4 addresses have the address as IPv4 and family 6', () => {
    const { events } = sceneOf(kernel, 'fin-and-reset-mapped');
    const chains = chainsOf(events);
    const established = chains.flat().filter(({ to }) => to === 'ESTABLISHED');
    expect(established.length).toBe(26);
    for (const { family, local, remote } of established) {
      expect([family, local.address, remote.address]).toEqual([6, '127.0.0.1', '127.0.0.1']);
    }
    const listening = chains.find(([first]) => first?.to === 'LISTEN')![0]!;
    expect(listening.local.address).toBe('::');
    for (const event of events) {
      if (event.kind === 'reset-sent')
        expect([event.local.address, event.remote.address]).toEqual(['127.0.0.1', '127.0.0.1']);
    }
  });

  test.runIf(tracesEveryReset)('a reset without any socket has no address of one, and its sender as local end', () => {
    const { events } = sceneOf(kernel, 'resets');
    const refused = events.filter((event) => event.kind === 'reset-sent' && event.socket === '') as SegmentEvent[];
    expect(refused.map(({ local }) => local)).toEqual([
      { address: '127.0.0.1', port: 6019 },
      { address: '::1', port: 6029 },
    ]);
  });

  test.runIf(tracesEveryReset)(
    "a reset by a mini-socket carries the mini-socket's address, which no full socket had",
    () => {
      const { events, known } = sceneOf(kernel, 'resets');
      const ports = known.connections
        .filter(({ ends }) => ends === 'reset by a mini-socket')
        .map(({ client }) => client);
      const full = new Set(events.flatMap((event) => (event.kind === 'transition' ? [event.socket] : [])));
      const sent = events.flatMap((event) =>
        event.kind === 'reset-sent' && ports.includes(event.local.port) ? [event] : [],
      );
      expect(sent.length).toBe(2);
      for (const { socket } of sent) {
        expect(socket).toMatch(/^ffff[0-9a-f]{12}$/);
        expect(full.has(socket)).toBe(false);
      }
    },
  );

  test('two mini-sockets live their second and end by their timer', () => {
    const { events, known } = sceneOf(kernel, 'mini-timer');
    const started = new Map(
      events.flatMap((event) => (event.kind === 'mini-timer-start' ? [[event.timer, event]] : [])),
    );
    expect(started.size).toBe(4);
    const lived = events.flatMap((event) => {
      const start = event.kind === 'mini-timer-expire' ? started.get(event.timer) : undefined;
      return start ? [{ ns: event.t - start.t, start }] : [];
    });
    expect(lived.length).toBe(known.connections.filter(({ ends }) => ends === 'timer').length);
    const shortest = Math.min(...[...started.values()].map(({ jiffies }) => jiffies!));
    for (const { ns, start } of lived) {
      expect(start.jiffies).toBe(shortest);
      expect(ns).toBeGreaterThan(0.99e9);
      expect(ns).toBeLessThan(1.2e9);
    }
  });

  test('retransmissions are told by flow: data by its socket, a SYN-ACK by none', () => {
    const { events, known } = sceneOf(kernel, 'retransmits');
    const again = events.flatMap((event) => (event.kind === 'retransmit' ? [event] : []));
    for (const { client, server } of known.connections) {
      const data = again.filter(({ local, remote }) => local.port === client && remote.port === server);
      expect(data.length).toBeGreaterThan(2);
      expect(new Set(data.map(({ socket }) => socket)).size).toBe(1);
    }
    for (const { client, server } of known.unheard!) {
      const synAcks = again.filter(({ local, remote }) => local.port === server && remote.port === client);
      expect(synAcks.length).toBeGreaterThan(0);
      expect(new Set(synAcks.map(({ socket }) => socket))).toEqual(new Set(['']));
    }
  });

  test('what was lost is counted: as many as the kernel counts', () => {
    const { pages, known } = sceneOf(kernel, 'overrun');
    const lost = pages.map(({ missed }) => missed).filter((missed) => missed !== 0);
    const overrun = Object.values(known.overrun).filter((events) => events > 0);
    expect(overrun.length).toBeGreaterThan(0);
    expect(lost).toEqual(overrun);
  });

  test('the origin is subtracted before a time becomes a number', () => {
    const [{ pages, cpu }] = readsOf(kernel, 'fin-ipv4') as [{ pages: Uint8Array[]; cpu: number }];
    const record = decodePage(pages[0]!).records[0]!;
    const far = { ...record, t: 2n ** 62n + 5n };
    expect(decoder(formatsOf(kernel), { origin: 2n ** 62n })(far, cpu)?.t).toBe(5);
  });

  test('records of events without a format, and of other protocols, are no events', () => {
    const [{ pages, cpu }] = readsOf(kernel, 'fin-ipv4') as [{ pages: Uint8Array[]; cpu: number }];
    const record = decodePage(pages[0]!).records[0]!;
    const others = formatsOf(kernel).filter(({ name }) => name !== 'inet_sock_set_state');
    expect(decoder(others, { origin: 0n })(record, cpu)).toBeUndefined();
    expect(decoder([], { origin: 0n })(record, cpu)).toBeUndefined();
    expect(decoder(formatsOf(kernel), { origin: 0n })(changed(kernel, record, 'protocol', 132), cpu)).toBeUndefined();
  });

  test('TCP_NEW_SYN_RECV is SYN-RECEIVED, and a number that is no state is refused', () => {
    const [{ pages, cpu }] = readsOf(kernel, 'fin-ipv4') as [{ pages: Uint8Array[]; cpu: number }];
    const record = decodePage(pages[0]!).records[0]!;
    const decode = decoder(formatsOf(kernel), { origin: 0n });
    expect(decode(changed(kernel, record, 'newstate', 12), cpu)).toMatchObject({ to: 'SYN-RECEIVED' });
    expect(() => decode(changed(kernel, record, 'newstate', 99), cpu)).toThrow(TraceError);
  });

  test('a record that is shorter than its event is refused', () => {
    const [{ pages, cpu }] = readsOf(kernel, 'fin-ipv4') as [{ pages: Uint8Array[]; cpu: number }];
    const record = decodePage(pages[0]!).records[0]!;
    const decode = decoder(formatsOf(kernel), { origin: 0n });
    const whole = formatOf(kernel, 'sock.inet_sock_set_state').size;
    for (let size = 0; size < whole; size++) expect(() => decode({ ...record, size }, cpu)).toThrow(TraceError);
    expect(decode({ ...record, size: whole }, cpu)).toBeDefined();
  });

  test('a kernel whose event lacks a field is refused when the decoder is made', () => {
    const text = readText(kernel, 'formats/sock.inet_sock_set_state.txt').replace(/^.*\bskaddr;.*\n/m, '');
    expect(() => decoder([parseFormat(text)], { origin: 0n })).toThrow(/no field skaddr/);
  });

  test('an event without family and reason, as older kernels have it, is read from its sixteen-byte addresses', () => {
    const text = readText(kernel, 'formats/tcp.tcp_receive_reset.txt')
      .replace('name: tcp_receive_reset', 'name: tcp_send_reset')
      .replace(/^.*\bfamily;.*\n/m, '');
    const decode = decoder([parseFormat(text)], { origin: 0n });
    for (const [scene, address] of [
      ['reset-ipv4', '127.0.0.1'],
      ['reset-ipv6', '::1'],
    ] as const) {
      const { known } = sceneOf(kernel, scene);
      const events = readsOf(kernel, scene).flatMap(({ pages, cpu }) =>
        pages.flatMap((page) => decodePage(page).records.flatMap((record) => decode(record, cpu) ?? [])),
      );
      expect(events.length).toBe(11);
      expect(events[0]).toMatchObject({
        kind: 'reset-sent',
        local: { address, port: known.connections[0]!.server },
        remote: { address, port: known.connections[0]!.client },
      });
      expect(events[0]).not.toHaveProperty('reason');
    }
  });
});

/** The same record with another value in one field. */
function changed(kernel: string, record: RawRecord, field: string, value: number): RawRecord {
  const bytes = new Uint8Array(record.data.buffer.slice(record.data.byteOffset + record.offset)).slice(0, record.size);
  const data = new DataView(bytes.buffer);
  const { offset, size } = formatsOf(kernel)
    .find(({ name }) => name === 'inet_sock_set_state')!
    .fields.get(field)!;
  if (size === 2) data.setUint16(offset, value, true);
  else data.setInt32(offset, value, true);
  return { ...record, data, offset: 0 };
}
