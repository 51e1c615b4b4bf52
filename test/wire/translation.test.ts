import { describe, expect, test } from 'vitest';
import { fin } from '../../src/experiment/patterns.ts';
import type { MappingEvent } from '../../src/record/event.ts';
import { onesSum } from '../../src/tcp/checksum.ts';
import { format, parse, type TcpSegment } from '../../src/tcp/segment.ts';
import { icmpAbout } from '../../src/wire/icmp.ts';
import { type Forgetting, insidePattern, mayBegin, Translation } from '../../src/wire/translation.ts';
import { client, segment, server } from './seen.ts';

const outside = { 4: '10.0.0.6', 6: 'fd77::6' } as const;
const six = { family: 6, hops: 64, trafficClass: 0, flowLabel: 0 } as const;
const ends6 = { source: { address: 'fd77::1', port: 40_000 }, destination: { address: 'fd77::2', port: 80 } };
const second = 1e9;

function translating(forgetting: Forgetting = { afterwards: 'drop' }) {
  const events: MappingEvent[] = [];
  const translation = new Translation(outside, forgetting, (event) => events.push(event));
  return { translation, events };
}
const tcp = (bytes: Uint8Array) => parse(bytes) as TcpSegment;
const syn = format(segment('client', ['SYN'], { seq: 7 }));
const to = (address: { address: string; port: number }) =>
  format({ ...segment('server', ['ACK'], { seq: 9, ack: 8, payload: 'x' }), destination: address });

describe('a translation', () => {
  test.each([
    [4, syn],
    [6, format({ ...segment('client', ['SYN'], { seq: 7 }), ip: six, ...ends6 })],
  ] as const)('gives what comes from inside another source, its checksums right, IPv%i', (family, packet) => {
    const { translation, events } = translating();
    const before = Buffer.from(packet);
    const given = translation.outward(packet, 1);
    expect(given.outside).toEqual({ address: outside[family], port: 61_001 });
    expect(tcp(given.bytes)).toMatchObject({ source: given.outside, seq: 7, intact: true });
    expect(Buffer.from(packet).equals(before)).toBe(true);
    expect(events).toEqual([
      { t: 1, source: 'wire', kind: 'mapping', inside: tcp(packet).source, outside: given.outside },
    ]);
  });

  test('gives what comes back to the inside; a checksum that was wrong stays wrong', () => {
    const { translation } = translating();
    const known = translation.outward(syn, 0).outside!;
    const back = to(known);
    expect(translation.inward(back, 1)).toEqual({ unmapped: false, outside: known });
    expect(tcp(back)).toMatchObject({ source: server, destination: client, intact: true });
    const wrong = to(known);
    wrong[37] = wrong[37]! ^ 1;
    translation.inward(wrong, 2);
    expect(tcp(wrong)).toMatchObject({ destination: client, intact: false });
  });

  test('leaves alone what is not for it, and knows no mapping that was never made', () => {
    const { translation } = translating();
    const direct = to(client);
    expect(translation.inward(direct, 0)).toEqual({ unmapped: false });
    expect(translation.inward(to({ address: outside[4], port: 61_009 }), 0).unmapped).toBe(true);
    const ping = Uint8Array.of(0x45, ...Array<number>(27).fill(0));
    expect(translation.outward(ping, 0)).toEqual({ bytes: ping });
  });

  test('has one mapping for a socket, whatever it speaks to, and another for another socket', () => {
    const { translation } = translating();
    const elsewhere = format({ ...segment('client', ['SYN']), destination: { ...server, port: 81 } });
    const another = format({ ...segment('client', ['SYN']), source: { ...client, port: 2 } });
    const ports = [syn, elsewhere, another].map((packet) => translation.outward(packet, 0).outside?.port);
    expect(ports).toEqual([61_001, 61_001, 61_002]);
  });

  test('forgets what no packet used in its time, and makes a new mapping for the next of the inside', () => {
    const { translation, events } = translating({ afterNs: second, afterwards: 'drop' });
    const first = translation.outward(syn, 0).outside!;
    expect(translation.inward(to(first), 0.9 * second).unmapped).toBe(false);
    expect(translation.outward(syn, 1.8 * second).outside).toEqual(first);
    const late = to(first);
    expect(translation.inward(late, 2.9 * second)).toEqual({ unmapped: true, outside: first });
    // for the record it is still of its connection
    expect(tcp(late).destination).toEqual(client);
    expect(translation.outward(syn, 3 * second).outside?.port).toBe(61_002);
    expect(events.map(({ t, forgotten = false, found }) => [t, forgotten, found])).toEqual([
      [0, false, undefined],
      [2.8 * second, true, 2.9 * second],
      [3 * second, false, undefined],
    ]);
    expect(translation.mappings(3 * second).map(({ forgotten }) => forgotten)).toEqual([true, false]);
  });

  test('is the only one of its wire, and begins before the first connection', () => {
    const { translation } = translating();
    expect(() => mayBegin(undefined, undefined)).not.toThrow();
    expect(() => mayBegin(translation, undefined)).toThrow(/^this wire translates already; take one/);
    expect(() => mayBegin(undefined, { at: { client, server } })).toThrow(
      `a connection is behind it already, ${client.address}:${client.port} to ${server.address}:${server.port}; take it before`,
    );
  });

  test('forgets all at once', () => {
    const { translation, events } = translating();
    translation.outward(syn, 0);
    expect(translation.forgetAll(1)).toBe(1);
    expect(translation.forgetAll(2)).toBe(0);
    expect(events.at(-1)).not.toHaveProperty('found');
    expect(translation.outward(syn, 3).outside?.port).toBe(61_002);
  });

  test('with one port has room for one socket, and for another when it has forgotten that', () => {
    const { translation } = translating({ afterwards: 'drop', ports: 1 });
    const another = format({ ...segment('client', ['SYN']), source: { ...client, port: 2 } });
    expect(translation.hasRoom(syn, 0)).toBe(true);
    translation.outward(syn, 0);
    expect([syn, another].map((packet) => translation.hasRoom(packet, 1))).toEqual([true, false]);
    translation.forgetAll(2);
    expect(translation.hasRoom(another, 3)).toBe(true);
    expect(translation.outward(another, 3).outside?.port).toBe(61_001);
    const back = to({ address: outside[4], port: 61_001 });
    expect(translation.inward(back, 4).unmapped).toBe(false);
    expect(tcp(back).destination).toEqual({ ...client, port: 2 });
  });

  test('forgets a mapping whose port a packet of the wire itself takes', () => {
    const { translation } = translating({ afterwards: 'drop', ports: 1 });
    translation.outward(syn, 0);
    translation.outward(format({ ...segment('client', ['SYN']), source: { ...client, port: 2 } }), 1);
    expect(translation.mappings(2).map(({ forgotten }) => forgotten)).toEqual([true, false]);
  });

  test('has an ICMP message quote the address that its receiver knows', () => {
    const { translation } = translating();
    const known = translation.outward(syn, 0).outside!;
    const { bytes } = icmpAbout(to(client), { kind: 'host-unreachable' });
    const given = translation.outward(bytes, 1).bytes;
    expect([...given.subarray(28 + 16, 28 + 20)]).toEqual([10, 0, 0, 6]);
    expect(Buffer.from(given).readUInt16BE(28 + 22)).toBe(known.port);
    expect(onesSum(given, 20, given.length)).toBe(0xffff);
    // the quoted header's own checksum, too
    expect(onesSum(given, 28, 48)).toBe(0xffff);
  });

  test('has patterns of either address mean the inside', () => {
    const { translation } = translating();
    const known = translation.outward(syn, 0).outside!;
    const far = fin.on({ local: server, remote: known }).not();
    expect(insidePattern(translation, far).match).toEqual(fin.on({ local: server, remote: client }).not().match);
    expect(insidePattern(undefined, far)).toBe(far);
  });
});
