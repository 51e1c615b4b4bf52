import { inspect } from 'node:util';
import type { Address } from '../tcp/address.ts';
import type { Flag } from '../tcp/flags.ts';
import type { TcpOption } from '../tcp/header-options.ts';
import type { Packet } from '../tcp/segment.ts';
import type { End } from '../tcp/states.ts';
import {
  acceptedBytes,
  acceptedEnd,
  acceptedEndpoint,
  acceptedKeys,
  acceptedNumber,
  acceptedOptionKind,
} from './accepted.ts';

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

/** What a packet is: a TCP segment, or none. */
export type PacketKind = Packet['kind'];
declare const kinds: unique symbol;

/** What a rule or a wait says of packets: which, and which one of those. `K`: what all that it means are. */
export interface PatternData<K extends PacketKind = PacketKind> {
  /** Of the type only. */
  readonly [kinds]?: K;
  readonly match: Match;
  /** Only the nth of those that match, from 1. */
  readonly ordinal?: number;
}

/** One end of a connection: what a scenario's endpoint is. */
export interface Connected {
  readonly local: Address;
  readonly remote: Address;
}

/** Of a number that is written out, whether it is one from 1 on: what is not is an error of the compiler's that says so. */
export type Whole<N extends number> = number extends N
  ? N
  : `${N}` extends '0' | `-${string}` | `${string}.${string}`
    ? 'a whole number from 1 on'
    : N;

/**
 * A pattern as a scenario writes it: `fin.from('server').nth(2)`. Each method gives a new one. What speaks of TCP, such as
 * `withSeq()`, makes a pattern of TCP segments only.
 */
export interface Pattern<K extends PacketKind = PacketKind> extends PatternData<K> {
  from(end: End): Pattern<K>;
  /** Both at once. */
  and<O extends PacketKind>(...others: readonly Pattern<O>[]): Pattern<K & O>;
  /** One of them. */
  or<O extends PacketKind>(...others: readonly Pattern<O>[]): Pattern<K | O>;
  not(): Pattern;
  /** The nth of those that match, from 1: counted since the rule was made, or in the whole history by a wait. */
  nth<N extends number>(n: Whole<N>): Pattern<K>;
  /** Relative sequence number, or a range of them; the SYN's is 0, the first byte's 1. */
  withSeq(from: number, to?: number): Pattern<'tcp'>;
  withAck(from: number, to?: number): Pattern<'tcp'>;
  /** Carrying the byte of this relative sequence number. */
  covering(seq: number): Pattern<'tcp'>;
  /** Bytes of payload: exactly so many, or a range. */
  withBytes(from: number, to?: number): Pattern<'tcp'>;
  /** Advertised window as on the wire, not scaled: exactly so much, or a range. */
  withWindow(from: number, to?: number): Pattern<'tcp'>;
  containing(payload: string | Uint8Array): Pattern<'tcp'>;
  withOption(kind: TcpOption['kind']): Pattern<'tcp'>;
  /** Of the connection of this endpoint, in either direction, every incarnation of it. */
  on(endpoint: Connected): Pattern<'tcp'>;
}

function ordinalOf(patterns: readonly PatternData[]): { ordinal?: number } {
  const ordinals = patterns.flatMap(({ ordinal }) => ordinal ?? []);
  if (ordinals.length > 1)
    throw new TypeError(
      'nth(): a pattern may have one nth() only: it counts the packets that match the rest of the pattern',
    );
  return ordinals[0] === undefined ? {} : { ordinal: ordinals[0] };
}

const sequence = { least: -(2 ** 32), most: 2 ** 32 } as const;

/** A pattern, as it was written: throws TypeError for what is none. */
export function acceptedPattern(what: string, given: unknown): PatternData {
  const { match } = (given ?? {}) as Partial<PatternData>;
  if (typeof match === 'object' && match !== null && 'is' in match) return given as PatternData;
  const some = "such as fin or data.from('client')";
  if (typeof given === 'object' && given !== null) acceptedKeys(what, given, ['match', 'ordinal']);
  throw new TypeError(`${what}: must be a pattern, ${some}, not ${inspect(given, { depth: 0 })}`);
}

/**
 * A pattern of this match. Its methods throw RangeError or TypeError where they are given what can never match, or what they do
 * not know.
 */
export function pattern<K extends PacketKind = PacketKind>(data: PatternData<K>): Pattern<K> {
  const narrowed = <N extends PacketKind = 'tcp'>(match: Match) =>
    pattern<N>({
      ...ordinalOf([data]),
      match: { is: 'all', of: [...(data.match.is === 'all' ? data.match.of : [data.match]), match] },
    });
  const joined = <J extends PacketKind>(is: 'all' | 'some', word: string, others: readonly PatternData[]) => {
    const all = [data, ...others.map((other) => acceptedPattern(`${word}()`, other))];
    return pattern<J>({ ...ordinalOf(all), match: { is, of: all.map(({ match }) => match) } });
  };
  const range = (what: string, from: number, to: number, limits: { least: number; most: number }) => {
    acceptedNumber(`${what}()`, from, limits);
    acceptedNumber(`${what}(), to`, to, limits);
    if (to < from) throw new RangeError(`${what}(): the range from ${from} to ${to} is empty`);
    return { from, to };
  };
  return {
    ...data,
    from: (end) => narrowed<K>({ is: 'from', end: acceptedEnd('from()', end) }),
    and: (...others) => joined('all', 'and', others),
    or: (...others) => joined('some', 'or', others),
    not: () => pattern({ ...ordinalOf([data]), match: { is: 'not', of: data.match } }),
    nth: (n) => {
      const ordinal = acceptedNumber('nth()', n, { least: 1 });
      return pattern<K>({ ...data, ...ordinalOf([{ match: data.match, ordinal }, data]) });
    },
    withSeq: (from, to = from) => narrowed({ is: 'seq', ...range('withSeq', from, to, sequence) }),
    withAck: (from, to = from) => narrowed({ is: 'ack', ...range('withAck', from, to, sequence) }),
    covering: (seq) => narrowed({ is: 'covers', seq: acceptedNumber('covering()', seq, sequence) }),
    withBytes: (from, to = from) =>
      narrowed({ is: 'length', ...range('withBytes', from, to, { least: 0, most: 65_535 }) }),
    withWindow: (from, to = from) =>
      narrowed({ is: 'window', ...range('withWindow', from, to, { least: 0, most: 65_535 }) }),
    containing: (payload) =>
      narrowed({ is: 'contains', hex: acceptedBytes('containing()', payload, 1).toString('hex') }),
    withOption: (kind) => narrowed({ is: 'option', kind: acceptedOptionKind('withOption()', kind) }),
    on: (endpoint) => {
      acceptedEndpoint('on()', endpoint);
      return narrowed({ is: 'between', one: endpoint.local, other: endpoint.remote });
    },
  };
}

/** The data of a pattern alone, as the wire's process receives it. */
export const dataOf = ({ match, ordinal }: PatternData): PatternData =>
  ordinal === undefined ? { match } : { match, ordinal };

const flags = (set: readonly Flag[], clear: readonly Flag[] = []): Pattern<'tcp'> =>
  pattern({ match: { is: 'flags', set, clear } });

/** Every packet, TCP or not. */
export const any: Pattern = pattern({ match: { is: 'any' } });
/** Every TCP segment. */
export const tcp: Pattern<'tcp'> = flags([]);
/** What opens a connection: SYN without ACK. */
export const syn: Pattern<'tcp'> = flags(['SYN'], ['ACK']);
export const synAck: Pattern<'tcp'> = flags(['SYN', 'ACK']);
/** With or without data. */
export const fin: Pattern<'tcp'> = flags(['FIN']);
export const rst: Pattern<'tcp'> = flags(['RST']);
/** A bare acknowledgement: no data, no SYN, FIN or RST. */
export const ack: Pattern<'tcp'> = pattern({
  match: {
    is: 'all',
    of: [
      { is: 'flags', set: ['ACK'], clear: ['SYN', 'FIN', 'RST'] },
      { is: 'length', from: 0, to: 0 },
    ],
  },
});
/** At least one byte of payload. */
export const data: Pattern<'tcp'> = pattern({ match: { is: 'length', from: 1 } });
/** No whole TCP segment. */
export const notTcp: Pattern<'other'> = pattern({ match: { is: 'other' } });
