import { describe, expect, test } from 'vitest';
import { headerChecksum, onesSum } from '../../src/tcp/checksum.ts';
import { format } from '../../src/tcp/segment.ts';
import { hostUnreachable } from '../../src/wire/icmp.ts';
import { segment } from './seen.ts';

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
