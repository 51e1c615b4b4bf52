import { describe, expect, test } from 'vitest';
import { namesOf } from '../../src/tcp/flags.ts';
import { format, parse, type TcpSegment } from '../../src/tcp/segment.ts';
import { generator } from '../wire/random.ts';

const plain = (value: TcpSegment) => ({ ...value, payload: Buffer.from(value.payload).toString('hex') });

describe('parse and format', () => {
  test('are a round trip over 3000 random segments of both families', () => {
    const { segment } = generator(20260101);
    for (let count = 0; count < 3000; count++) {
      const made = segment();
      const back = parse(format(made));
      if (back.kind !== 'tcp') throw new Error(`${back.why}: ${JSON.stringify(plain(made))}`);
      expect(plain(back)).toEqual(plain(made));
    }
  });

  test('format gives the same bytes again', () => {
    const { segment } = generator(7);
    for (let count = 0; count < 500; count++) {
      const bytes = format(segment());
      expect(format(parse(bytes) as TcpSegment)).toEqual(bytes);
    }
  });

  test('one byte that changed is a wrong checksum, or no whole segment any more, or lies outside the sums', () => {
    const { segment, below } = generator(11);
    let noticed = 0;
    for (let count = 0; count < 500; count++) {
      const bytes = format(segment());
      const at = below(bytes.length);
      bytes[at] = (bytes[at]! + 1 + below(254)) & 255;
      const packet = parse(bytes);
      const uncovered = packet.kind === 'tcp' && packet.ip.family === 6 && at < 8;
      if (uncovered) continue;
      expect(packet.kind === 'other' || !packet.intact, `byte ${at}`).toBe(true);
      noticed++;
    }
    expect(noticed).toBeGreaterThan(400);
  });
});

describe('bytes that are no segment', () => {
  test('never throw: 20000 random ones, most of them with a head that begins well', () => {
    const { bytes, below, pick } = generator(99);
    const kinds = new Map<string, number>();
    for (let count = 0; count < 20_000; count++) {
      const hostile = bytes(below(120));
      const head = pick([[], [0x45], [0x60], [0x4f], [0x45, 0, 0, 60], [0x60, 0, 0, 0, 0, 20, 6]]);
      hostile.set(head.slice(0, hostile.length));
      if (hostile.length > 9 && head.length === 1) {
        hostile.set([0, below(90)], head[0] === 0x60 ? 4 : 2);
        hostile[6] = pick([0, 0, 6, 43, 44, 58]);
        if (head[0] === 0x45) hostile.set([0, 64, pick([6, 17])], 7);
      }
      const packet = parse(hostile);
      const kind = packet.kind === 'tcp' ? 'tcp' : packet.why;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const all = ['bad-length', 'extension-header', 'fragment', 'no-ip', 'no-tcp', 'tcp', 'truncated'];
    expect([...kinds.keys()].sort()).toEqual(all);
  });

  test('every truncation of a segment is told as one, and trailing bytes are not payload', () => {
    const { segment } = generator(3);
    for (let count = 0; count < 50; count++) {
      const bytes = format(segment());
      for (let length = 1; length < Math.min(bytes.length, 100); length++) {
        expect(parse(bytes.subarray(0, length))).toMatchObject({ kind: 'other', why: 'truncated' });
      }
      const longer = Buffer.concat([bytes, Buffer.alloc(7, 0xee)]);
      expect(plain(parse(longer) as TcpSegment)).toEqual(plain(parse(bytes) as TcpSegment));
    }
    expect(parse(new Uint8Array())).toEqual({ kind: 'other', why: 'no-ip' });
  });

  test('options of impossible length end the options, not the segment', () => {
    const made = { ...generator(5).segment(), options: [{ kind: 'mss', value: 1460 }] as const };
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
