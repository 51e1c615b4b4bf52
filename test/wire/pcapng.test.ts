import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  interfaceDescription,
  packetAround,
  packetHead,
  packetOptions,
  readPcapng,
  sectionHeader,
} from '../../src/wire/pcapng.ts';
import { bytes, word } from '../tcp/arbitrary.ts';

const head = Buffer.concat([
  sectionHeader({ application: 'test', comment: 'of nothing' }),
  interfaceDescription({ name: 'wire', snap: 65_535 }),
]);

const sender = { direction: 'inbound', emitted: false } as const;

interface Packet {
  readonly direction: 'inbound' | 'outbound';
  readonly emitted: boolean;
  readonly wallNs: bigint;
  readonly bytes: Uint8Array;
  readonly original: number;
  readonly comment: string;
}

function blockOf({ wallNs, bytes, original, comment, ...sender }: Packet, room = 0): Buffer {
  const block = Buffer.alloc(4096, 0xee);
  block.set(bytes, packetHead);
  const place = {
    high: Number(wallNs >> 32n),
    low: Number(wallNs & 0xffffffffn),
    captured: bytes.length,
    original,
  };
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  return block.subarray(0, packetAround(view, 0, place, packetOptions(sender, comment, room)));
}

describe('a capture file', () => {
  test('is read as it was written', () => {
    const packet: fc.Arbitrary<Packet> = fc
      .record({
        direction: fc.constantFrom('inbound', 'outbound'),
        emitted: fc.boolean(),
        wallNs: fc.tuple(word, word).map(([high, low]) => (BigInt(high) << 31n) | BigInt(low)),
        bytes: bytes(0, 1499),
        cut: fc.nat(2),
        comment: fc.constantFrom('carried', 'held 412 ms', 'duplicate of #7', 'é'),
      })
      .map(({ cut, ...made }) => ({ ...made, original: made.bytes.length + cut }));
    fc.assert(
      fc.property(fc.array(packet), (packets) => {
        const file = readPcapng(Buffer.concat([head, ...packets.map((each) => blockOf(each))]));
        expect(file.packets.map((each) => ({ ...each, bytes: Uint8Array.from(each.bytes) }))).toEqual(packets);
        expect(file).toMatchObject({ application: 'test', comment: 'of nothing', torn: 0 });
        expect(file.interfaces).toEqual([{ name: 'wire', linkType: 101, resolution: 9 }]);
      }),
    );
  });

  test('that was cut off anywhere gives the packets before, and tells what is left', () => {
    const packet = { ...sender, wallNs: 5n, bytes: Uint8Array.of(1, 2, 3), original: 3, comment: 'carried' };
    const block = blockOf(packet);
    const whole = Buffer.concat([head, block, block]);
    for (let cut = 1; cut < block.length; cut++) {
      const file = readPcapng(whole.subarray(0, whole.length - cut));
      expect([file.packets.length, file.torn]).toEqual([1, block.length - cut]);
    }
  });

  test('keeps room for a comment that comes later, without blanks, and pads with zeros', () => {
    const packet = { ...sender, wallNs: 5n, bytes: Uint8Array.of(9), original: 1, comment: 'held' };
    const block = blockOf(packet, 64);
    expect(block.length % 4).toBe(0);
    expect([...block.subarray(packetHead, packetHead + 4)]).toEqual([9, 0, 0, 0]);
    expect(block.length).toBe(blockOf({ ...packet, comment: 'x'.repeat(64) }, 64).length);
    expect(block.includes('held ')).toBe(false);
    expect(readPcapng(Buffer.concat([head, block])).packets[0]!.comment).toBe('held');
  });

  test('of another kind is refused', () => {
    expect(() => readPcapng(Buffer.alloc(100))).toThrow(/pcapng/);
    expect(() => readPcapng(Buffer.alloc(0))).toThrow(/pcapng/);
  });
});
