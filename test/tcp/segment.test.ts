import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namesOf } from '../../src/tcp/flags.ts';
import { format, parse, type TcpSegment } from '../../src/tcp/segment.ts';
import { below, bytes, samples, segments } from './arbitrary.ts';

const plain = (value: TcpSegment) => ({ ...value, payload: Buffer.from(value.payload).toString('hex') });

describe('parse and format', () => {
  test('are a round trip, and format gives the same bytes again', () => {
    fc.assert(
      fc.property(segments, (made) => {
        const bytes = format(made);
        const back = parse(bytes);
        if (back.kind !== 'tcp') throw new Error(back.why);
        expect(plain(back)).toEqual(plain(made));
        expect(format(back)).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test('one byte that changed is a wrong checksum, or no whole segment any more, or lies outside the sums', () => {
    let noticed = 0;
    fc.assert(
      fc.property(segments, fc.nat(), fc.integer({ min: 1, max: 255 }), (made, place, change) => {
        const bytes = format(made);
        const at = place % bytes.length;
        bytes[at] = (bytes[at]! + change) & 255;
        const packet = parse(bytes);
        const uncovered = packet.kind === 'tcp' && packet.ip.family === 6 && at < 8;
        if (uncovered) return;
        expect(packet.kind === 'other' || !packet.intact, `byte ${at}`).toBe(true);
        noticed++;
      }),
      { numRuns: 500 },
    );
    expect(noticed).toBeGreaterThan(400);
  });
});

describe('bytes that are no segment', () => {
  test('never throw, most of them with a head that begins well', () => {
    const kinds = new Set<string>();
    const heads = [[], [0x45], [0x60], [0x4f], [0x45, 0, 0, 60], [0x60, 0, 0, 0, 0, 20, 6]];
    const hostile = fc
      .record({
        packet: bytes(0, 119),
        head: fc.constantFrom(...heads),
        length: below(90),
        next: fc.constantFrom(0, 0, 6, 43, 44, 58),
        protocol: fc.constantFrom(6, 17),
      })
      .map(({ packet, head, length, next, protocol }) => {
        packet.set(head.slice(0, packet.length));
        if (packet.length > 9 && head.length === 1) {
          packet.set([0, length], head[0] === 0x60 ? 4 : 2);
          packet[6] = next;
          if (head[0] === 0x45) packet.set([0, 64, protocol], 7);
        }
        return packet;
      });
    fc.assert(
      fc.property(hostile, (packet) => {
        const parsed = parse(packet);
        kinds.add(parsed.kind === 'tcp' ? 'tcp' : parsed.why);
      }),
      // seeded: that each kind comes up among so many is the point
      { numRuns: 20_000, seed: 99 },
    );
    const all = ['bad-length', 'extension-header', 'fragment', 'no-ip', 'no-tcp', 'tcp', 'truncated'];
    expect([...kinds].sort()).toEqual(all);
  });

  test('every truncation of a segment is told as one, and trailing bytes are not payload', () => {
    for (const made of samples(segments, 50)) {
      const bytes = format(made);
      for (let length = 1; length < Math.min(bytes.length, 100); length++) {
        expect(parse(bytes.subarray(0, length))).toMatchObject({ kind: 'other', why: 'truncated' });
      }
      const longer = Buffer.concat([bytes, Buffer.alloc(7, 0xee)]);
      expect(plain(parse(longer) as TcpSegment)).toEqual(plain(parse(bytes) as TcpSegment));
    }
    expect(parse(new Uint8Array())).toEqual({ kind: 'other', why: 'no-ip' });
  });

  test('options of impossible length end the options, not the segment', () => {
    const made = { ...samples(segments, 1)[0]!, options: [{ kind: 'mss', value: 1460 }] as const };
    for (const broken of ['0300', '0301', '05ff', '02']) {
      const bytes = format({ ...made, options: [...made.options, { kind: 'rest', hex: broken }] });
      const back = parse(bytes) as TcpSegment;
      expect(back.options[0]).toEqual(made.options[0]);
      expect(back.options[1]).toMatchObject({ kind: 'rest' });
      expect(back.intact).toBe(true);
    }
  });
});

test('a SYN with the options that Linux sends, byte by byte', () => {
  const bytes = Buffer.from(
    '4500003cd1f640004006' +
      '6ac3' +
      '7f0000017f000001' +
      '9a022800' +
      '1a2b3c4d' +
      '00000000' +
      'a002ffd7' +
      '0000' +
      '0000' +
      '0204ffd70402080a00010203000000000103' +
      '0307',
    'hex',
  );
  const segment = parse(bytes) as TcpSegment;
  expect(namesOf(segment.flags)).toEqual(['SYN']);
  expect(segment.source).toEqual({ address: '127.0.0.1', port: 39426 });
  expect(segment.window).toBe(65495);
  expect(segment.options).toEqual([
    { kind: 'mss', value: 65495 },
    { kind: 'sackOK' },
    { kind: 'timestamps', value: 0x10203, echo: 0 },
    { kind: 'nop' },
    { kind: 'wscale', shift: 7 },
  ]);
  // its checksums are left out
  expect(segment.intact).toBe(false);
});
