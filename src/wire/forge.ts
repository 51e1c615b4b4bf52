import type { ForgeryData, Place, Stamp } from '../experiment/forgery.ts';
import type { Address } from '../tcp/address.ts';
import { bitsOf, flagBits } from '../tcp/flags.ts';
import type { TcpOption } from '../tcp/header-options.ts';
import { format, type IpHeader, type TcpSegment } from '../tcp/segment.ts';
import { otherEnd } from '../tcp/states.ts';
import type { Connection } from './connection.ts';
import { lengthOf } from './history.ts';

function placed(place: Place, isn: number | undefined, next: number | undefined, what: string): number {
  if (typeof place === 'object' && 'absolute' in place) return place.absolute >>> 0;
  const base = typeof place === 'number' ? isn : next;
  if (base === undefined) {
    const counted =
      typeof place === 'number'
        ? `${place} is counted from the end's initial number`
        : 'its default is where the end has come to';
    throw new RangeError(`${what}: ${counted}, which the wire has not seen: give { absolute: n }`);
  }
  return (base + (typeof place === 'number' ? place : place.next)) >>> 0;
}

const stamped = (stamp: Stamp = 0, latest = 0): number =>
  (typeof stamp === 'object' ? stamp.absolute : latest + stamp) >>> 0;

/** Timestamps with the two no-ops that align them, where the connection has them. */
function stamps({ from, timestamps = {} }: ForgeryData, { tsval }: Connection): TcpOption[] {
  const latest = tsval[from];
  if (timestamps === 'none' || (latest === undefined && typeof timestamps.value !== 'object')) return [];
  const value = stamped(timestamps.value, latest);
  const echo = stamped(timestamps.echo, tsval[otherEnd(from)]);
  return [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'timestamps', value, echo }];
}

/** Of an end that has sent nothing yet: what Linux sends, TTL 64. */
const ipOf = (last: TcpSegment | undefined, { address }: Address): IpHeader => {
  if (last) return last.ip;
  return address.includes(':')
    ? { family: 6, hops: 64, trafficClass: 0, flowLabel: 0 }
    : { family: 4, hops: 64, trafficClass: 0, identification: 0, dontFragment: true, options: '' };
};

/** The bytes of a forged segment of a connection. Throws RangeError where it is counted from what the wire has not seen. */
export function forge(forgery: ForgeryData, connection: Connection): Buffer {
  const { from, flags, seq = { next: 0 }, ack, urgent = 0, hex = '' } = forgery;
  const other = otherEnd(from);
  const { at, isn, next, last } = connection;
  const acked = ack ?? (flags.includes('ACK') ? { next: 0 } : { absolute: 0 });
  const bytes = format({
    kind: 'tcp',
    ip: ipOf(last[from], at[from]),
    source: at[from],
    destination: at[other],
    seq: placed(seq, isn[from], next[from], 'seq'),
    ack: placed(acked, isn[other], next[other], 'ack'),
    flags: bitsOf(flags),
    window: forgery.window ?? last[from]?.window ?? 65_535,
    urgent,
    options: [...stamps(forgery, connection), ...(forgery.options ?? [])],
    payload: Buffer.from(hex, 'hex'),
    intact: true,
  });
  if (forgery.checksum === 'wrong') {
    const tcpBegins = (bytes[0] as number) >> 4 === 6 ? 40 : ((bytes[0] as number) & 15) * 4;
    const low = tcpBegins + 17;
    bytes[low] = (bytes[low] as number) ^ 1;
  }
  return bytes;
}

/** The RST by which a host answers a segment of a connection that it does not have, RFC 9293 §3.10.7.1. */
export function resetOf(segment: TcpSegment): TcpSegment {
  const isAck = (segment.flags & flagBits.ACK) !== 0;
  return {
    kind: 'tcp',
    ip: ipOf(undefined, segment.destination),
    source: segment.destination,
    destination: segment.source,
    seq: isAck ? segment.ack : 0,
    ack: isAck ? 0 : (segment.seq + lengthOf(segment)) >>> 0,
    flags: bitsOf(isAck ? ['RST'] : ['RST', 'ACK']),
    window: 0,
    urgent: 0,
    options: [],
    payload: Buffer.alloc(0),
    intact: true,
  };
}
