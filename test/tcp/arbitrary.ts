import fc from 'fast-check';
import { addressText } from '../../src/tcp/address-text.ts';
import type { TcpOption } from '../../src/tcp/header-options.ts';
import type { IpHeader, TcpSegment } from '../../src/tcp/segment.ts';

/** A whole number from 0 up to, but not, a limit. */
export const below = (limit: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: limit - 1 });
export const word = below(2 ** 32);

export const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength, size: 'max' });
const hex = (minLength: number, maxLength = minLength): fc.Arbitrary<string> =>
  bytes(minLength, maxLength).map((made) => Buffer.from(made).toString('hex'));

/** The bytes of an IPv6 address: runs of zeros of every length at every place, words that begin or end in zeros, IPv4 in IPv6. */
export const address6: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      fc.constant(0xffff),
      below(16),
      below(16).map((digit) => digit << 12),
      below(0x10000),
    ),
    { minLength: 8, maxLength: 8 },
  )
  .map((words) => Uint8Array.from(words.flatMap((each) => [each >> 8, each & 255])));

const option: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant({ kind: 'nop' } as const),
  fc.record({ kind: fc.constant('mss' as const), value: below(65536) }),
  fc.record({ kind: fc.constant('wscale' as const), shift: below(256) }),
  fc.constant({ kind: 'sackOK' } as const),
  fc.record({
    kind: fc.constant('sack' as const),
    blocks: fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('timestamps' as const), value: word, echo: word }),
  fc.record({
    kind: fc.constant('other' as const),
    code: fc.integer({ min: 64, max: 253 }),
    hex: hex(0, 8),
  }),
);

const sizes = { nop: 1, mss: 4, wscale: 3, sackOK: 2, timestamps: 10 } as const;
function sizeOf(each: TcpOption): number {
  if (each.kind === 'sack') return 2 + 8 * each.blocks.length;
  if (each.kind === 'other' || each.kind === 'rest') return 2 + each.hex.length / 2;
  return sizes[each.kind];
}

/** As many options as fit into 40 bytes. */
const options = fc.array(option, { maxLength: 5 }).map((all) => {
  let room = 40;
  return all.filter((each) => {
    const fits = sizeOf(each) <= room;
    if (fits) room -= sizeOf(each);
    return fits;
  });
});

const ip4 = fc.record({
  family: fc.constant(4 as const),
  hops: below(256),
  trafficClass: below(256),
  identification: below(65536),
  dontFragment: fc.boolean(),
  options: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, hex(4), hex(40)),
});
const ip6 = fc.record({
  family: fc.constant(6 as const),
  hops: below(256),
  trafficClass: below(256),
  flowLabel: below(2 ** 20),
});

const endOf = (family: 4 | 6) =>
  fc.record({
    address: (family === 4 ? fc.oneof(bytes(4), fc.constant(new Uint8Array(4))) : address6).map((made) =>
      addressText(made, 0, family),
    ),
    port: below(65536),
  });

/** Segments of both families, whole and with right checksums. */
export const segments: fc.Arbitrary<TcpSegment> = fc.oneof(ip4, ip6).chain((ip: IpHeader) =>
  fc.record({
    kind: fc.constant('tcp' as const),
    ip: fc.constant(ip),
    source: endOf(ip.family),
    destination: endOf(ip.family),
    seq: word,
    ack: word,
    flags: below(4096),
    window: below(65536),
    urgent: below(65536),
    options,
    payload: fc.oneof(bytes(0, 3), bytes(0, 1499)),
    intact: fc.constant(true),
  }),
);

/** The same ones each time, where a test needs many at once rather than a counterexample. */
export const samples = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed: 20260101 });
