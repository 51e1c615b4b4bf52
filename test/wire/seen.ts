import type { Address } from '../../src/tcp/address.ts';
import { bitsOf, type Flag } from '../../src/tcp/flags.ts';
import type { TcpSegment } from '../../src/tcp/segment.ts';
import type { End } from '../../src/tcp/states.ts';
import { type History, makeHistory, type Seen } from '../../src/wire/history.ts';

export const client: Address = { address: '10.77.0.1', port: 4242 };
export const server: Address = { address: '10.77.0.2', port: 80 };

export interface Spec {
  readonly seq?: number;
  readonly ack?: number;
  readonly payload?: string;
  readonly options?: TcpSegment['options'];
  readonly client?: Address;
}

/** A segment from an end of the one connection of these tests. */
export function segment(from: End, flags: readonly Flag[], spec: Spec = {}): TcpSegment {
  const ends = { client: spec.client ?? client, server };
  return {
    kind: 'tcp',
    ip: { family: 4, hops: 64, trafficClass: 0, identification: 1, dontFragment: true, options: '' },
    source: ends[from],
    destination: ends[from === 'client' ? 'server' : 'client'],
    seq: (spec.seq ?? 0) >>> 0,
    ack: (spec.ack ?? 0) >>> 0,
    flags: bitsOf(flags),
    window: 64240,
    urgent: 0,
    options: spec.options ?? [],
    payload: Buffer.from(spec.payload ?? ''),
    intact: true,
  };
}

/** Tells segments to a history, numbering them, one ms apart. */
export function teller(history: History = makeHistory()) {
  let n = 0;
  return (from: End, flags: readonly Flag[], spec?: Spec): Seen => {
    const packet = segment(from, flags, spec);
    return history.see(++n, n * 1e6, from, 40 + packet.payload.length, packet);
  };
}

/** The opening of a connection, initial sequence numbers 1000 and 5000. */
export const opening = (tell: ReturnType<typeof teller>): readonly Seen[] => [
  tell('client', ['SYN'], { seq: 1000 }),
  tell('server', ['SYN', 'ACK'], { seq: 5000, ack: 1001 }),
  tell('client', ['ACK'], { seq: 1001, ack: 5001 }),
];
