import type { End } from '../tcp/states.ts';
import type { Address } from '../record/event.ts';
import { bitsOf, type Flag } from '../tcp/flags.ts';
import type { Seen } from './history.ts';
import type { TcpOption } from '../tcp/header-options.ts';
import type { TcpSegment } from './segment.ts';

/** Which packets are meant, as data. Ranges are inclusive; sequence and acknowledgement numbers are relative. */
export type Match =
  | { readonly is: 'any' }
  /** No whole TCP segment: ICMPv6, a fragment, hostile bytes. */
  | { readonly is: 'other' }
  | { readonly is: 'from'; readonly end: End }
  | { readonly is: 'flags'; readonly set: readonly Flag[]; readonly clear: readonly Flag[] }
  /** Bytes of payload. */
  | { readonly is: 'length'; readonly from: number; readonly to?: number }
  /** As on the wire, not scaled. */
  | { readonly is: 'window'; readonly from: number; readonly to: number }
  | { readonly is: 'seq' | 'ack'; readonly from: number; readonly to: number }
  /** Its payload has the byte of this sequence number. */
  | { readonly is: 'covers'; readonly seq: number }
  /** Its payload has these bytes, hexadecimal. */
  | { readonly is: 'contains'; readonly hex: string }
  /** Between two addresses, in either direction. */
  | { readonly is: 'between'; readonly one: Address; readonly other: Address }
  /** Of this incarnation, by its number in the history. */
  | { readonly is: 'connection'; readonly number: number }
  | { readonly is: 'option'; readonly kind: TcpOption['kind'] }
  | { readonly is: 'all'; readonly of: readonly Match[] }
  | { readonly is: 'some'; readonly of: readonly Match[] }
  | { readonly is: 'not'; readonly of: Match };

const within = (value: number | undefined, from: number, to = Number.POSITIVE_INFINITY): boolean =>
  value !== undefined && value >= from && value <= to;

const same = (one: Address, other: Address): boolean => one.address === other.address && one.port === other.port;

function segmentMatches(match: Match, seen: Seen, segment: TcpSegment): boolean {
  switch (match.is) {
    case 'flags':
      return (segment.flags & bitsOf([...match.set, ...match.clear])) === bitsOf(match.set);
    case 'length':
      return within(segment.payload.length, match.from, match.to);
    case 'window':
      return within(segment.window, match.from, match.to);
    case 'seq':
      return within(seen.seq, match.from, match.to);
    case 'ack':
      return within(seen.ack, match.from, match.to);
    case 'covers':
      return seen.seq !== undefined && match.seq >= seen.seq && match.seq < seen.seq + segment.payload.length;
    case 'contains':
      return Buffer.from(segment.payload).includes(match.hex, 0, 'hex');
    case 'between': {
      const { source, destination } = segment;
      return (
        (same(source, match.one) && same(destination, match.other)) ||
        (same(source, match.other) && same(destination, match.one))
      );
    }
    case 'connection':
      return seen.connection === match.number;
    case 'option':
      return segment.options.some(({ kind }) => kind === match.kind);
    default:
      return false;
  }
}

/** Whether a packet is meant. What speaks of TCP means no other packet. */
export function matches(match: Match, seen: Seen): boolean {
  switch (match.is) {
    case 'any':
      return true;
    case 'other':
      return seen.packet.kind === 'other';
    case 'from':
      return seen.from === match.end;
    case 'all':
      return match.of.every((each) => matches(each, seen));
    case 'some':
      return match.of.some((each) => matches(each, seen));
    case 'not':
      return !matches(match.of, seen);
    default:
      return seen.packet.kind === 'tcp' && segmentMatches(match, seen, seen.packet);
  }
}
