import { seeded } from '../../src/stats/random.ts';
import { addressText } from '../../src/tcp/address-text.ts';
import type { TcpOption } from '../../src/tcp/header-options.ts';
import type { IpHeader, TcpSegment } from '../../src/tcp/segment.ts';

/** Random values that a seed determines. */
export function generator(seed: number) {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const word = () => below(2 ** 32);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const bytes = (length: number) => Uint8Array.from({ length }, () => below(256));
  const hex = (length: number) => Buffer.from(bytes(length)).toString('hex');

  const option = (): TcpOption =>
    pick<() => TcpOption>([
      () => ({ kind: 'nop' }),
      () => ({ kind: 'mss', value: below(65536) }),
      () => ({ kind: 'wscale', shift: below(256) }),
      () => ({ kind: 'sackOK' }),
      () => ({ kind: 'sack', blocks: Array.from({ length: 1 + below(4) }, () => [word(), word()] as const) }),
      () => ({ kind: 'timestamps', value: word(), echo: word() }),
      () => ({ kind: 'other', code: 64 + below(190), hex: hex(below(9)) }),
    ])();

  /** As many options as fit into 40 bytes. */
  function options(): TcpOption[] {
    const sizes = { nop: 1, mss: 4, wscale: 3, sackOK: 2, timestamps: 10 } as const;
    const size = (each: TcpOption): number => {
      if (each.kind === 'sack') return 2 + 8 * each.blocks.length;
      if (each.kind === 'other' || each.kind === 'rest') return 2 + each.hex.length / 2;
      return sizes[each.kind];
    };
    const made: TcpOption[] = [];
    let room = 40;
    for (let count = below(6); count > 0; count--) {
      const next = option();
      if (size(next) > room) continue;
      made.push(next);
      room -= size(next);
    }
    return made;
  }

  function segment(): TcpSegment {
    const family = pick([4, 6] as const);
    const address = () => addressText(pick([bytes, (length: number) => new Uint8Array(length)])(16), 0, family);
    const common = { hops: below(256), trafficClass: below(256) };
    const ip: IpHeader =
      family === 4
        ? {
            family,
            ...common,
            identification: below(65536),
            dontFragment: pick([true, false]),
            options: hex(4 * pick([0, 0, 0, 1, 10])),
          }
        : { family, ...common, flowLabel: below(2 ** 20) };
    return {
      kind: 'tcp',
      ip,
      source: { address: address(), port: below(65536) },
      destination: { address: address(), port: below(65536) },
      seq: word(),
      ack: word(),
      flags: below(4096),
      window: below(65536),
      urgent: below(65536),
      options: options(),
      payload: bytes(pick([0, 0, 1, 2, 3, below(1500)])),
      intact: true,
    };
  }
  return { random, below, word, pick, bytes, segment };
}
