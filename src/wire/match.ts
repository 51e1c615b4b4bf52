import type { Match } from '../experiment/patterns.ts';
import { sameAddress } from '../tcp/address.ts';
import { bitsOf } from '../tcp/flags.ts';
import type { TcpSegment } from '../tcp/segment.ts';
import type { Seen } from './history.ts';

const within = (value: number | undefined, from: number, to = Number.POSITIVE_INFINITY): boolean =>
  value !== undefined && value >= from && value <= to;

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
        (sameAddress(source, match.one) && sameAddress(destination, match.other)) ||
        (sameAddress(source, match.other) && sameAddress(destination, match.one))
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
