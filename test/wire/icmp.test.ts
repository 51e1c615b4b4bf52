import { describe, expect, test } from 'vitest';
import { headerChecksum, onesSum } from '../../src/tcp/checksum.ts';
import { type IcmpKind, icmpKinds } from '../../src/tcp/icmp.ts';
import { format } from '../../src/tcp/segment.ts';
import { icmpAbout } from '../../src/wire/icmp.ts';
import { segment } from './seen.ts';

const hostUnreachable = (packet: Uint8Array): Buffer => icmpAbout(packet, { kind: 'host-unreachable' }).bytes;

describe('host unreachable', () => {
  test('over IPv4 comes from a router of the link to where the packet came from, and quotes its header and 8 bytes', () => {
    const packet = format(segment('client', ['SYN'], { seq: 7, payload: 'more than 8 bytes' }));
    const answer = hostUnreachable(packet);
    expect([...answer.subarray(12, 20)]).toEqual([...packet.subarray(16, 19), 254, ...packet.subarray(12, 16)]);
    expect([answer[9], answer[20], answer[21]]).toEqual([1, 3, 1]);
    expect(answer.subarray(28).equals(packet.subarray(0, 28))).toBe(true);
    expect(answer.readUInt16BE(2)).toBe(answer.length);
    // 0 over what holds a right checksum
    expect(headerChecksum(answer, 20)).toBe(0);
    expect(onesSum(answer, 20, answer.length)).toBe(0xffff);
  });

  test('over IPv6 its checksum covers the addresses', () => {
    const v6 = { family: 6, hops: 64, trafficClass: 0, flowLabel: 0 } as const;
    const [source, destination] = [
      { address: 'fd77::1', port: 1 },
      { address: 'fd77::2', port: 2 },
    ];
    const packetOf = (payload: number) =>
      format({
        ...segment('client', ['SYN'], { payload: 'x'.repeat(payload) }),
        ip: v6,
        source,
        destination,
        options: [{ kind: 'mss', value: 1440 }],
      });
    const packet = packetOf(0);
    const long = hostUnreachable(packetOf(1400));
    expect(long).toHaveLength(1280);
    expect(long.subarray(48).equals(packetOf(1400).subarray(0, 1232))).toBe(true);
    const answer = hostUnreachable(packet);
    expect([...answer.subarray(8, 40)]).toEqual([...packet.subarray(24, 39), 254, ...packet.subarray(8, 24)]);
    expect([answer[6], answer[40], answer[41]]).toEqual([58, 1, 3]);
    expect(answer.subarray(48).equals(packet)).toBe(true);
    expect(onesSum(answer, 40, answer.length, onesSum(answer, 8, 40, 58 + answer.length - 40))).toBe(0xffff);
  });

  test('of what is no segment is refused', () => {
    expect(() => hostUnreachable(new Uint8Array(20))).toThrow(RangeError);
  });
});

describe('an ICMP message', () => {
  const four = format(segment('client', ['SYN'], { seq: 7 }));
  const six = format({
    ...segment('client', ['SYN'], { seq: 7 }),
    ip: { family: 6, hops: 64, trafficClass: 0, flowLabel: 0 },
    source: { address: 'fd77::1', port: 1 },
    destination: { address: 'fd77::2', port: 2 },
  });

  test('has the type and code of its kind in the family of the packet', () => {
    const codesOf = (packet: Uint8Array) => (kind: IcmpKind) => {
      const { bytes, type, code } = icmpAbout(packet, { kind });
      const at = packet === four ? 20 : 40;
      expect([bytes[at], bytes[at + 1]]).toEqual([type, code]);
      return `${kind} ${type}/${code}`;
    };
    expect(icmpKinds.map(codesOf(four))).toEqual([
      'net-unreachable 3/0',
      'host-unreachable 3/1',
      'protocol-unreachable 3/2',
      'port-unreachable 3/3',
      'fragmentation-needed 3/4',
      'source-route-failed 3/5',
      'admin-prohibited 3/13',
      'source-quench 4/0',
      'ttl-exceeded 11/0',
      'parameter-problem 12/0',
    ]);
    const without: IcmpKind[] = ['source-quench', 'source-route-failed'];
    expect(icmpKinds.filter((kind) => !without.includes(kind)).map(codesOf(six))).toEqual([
      'net-unreachable 1/0',
      'host-unreachable 1/3',
      'protocol-unreachable 4/1',
      'port-unreachable 1/4',
      'fragmentation-needed 2/0',
      'admin-prohibited 1/1',
      'ttl-exceeded 3/0',
      'parameter-problem 4/0',
    ]);
    for (const kind of without) expect(() => icmpAbout(six, { kind })).toThrow(`ICMPv6 has no message '${kind}'`);
  });

  test('of fragmentation that is needed has the MTU of the next hop', () => {
    const said = { kind: 'fragmentation-needed', mtu: 1400 } as const;
    expect(icmpAbout(four, said).bytes.readUInt16BE(26)).toBe(1400);
    expect(icmpAbout(six, said).bytes.readUInt32BE(44)).toBe(1400);
    const { bytes } = icmpAbout(four, said);
    expect(onesSum(bytes, 20, bytes.length)).toBe(0xffff);
  });
});
