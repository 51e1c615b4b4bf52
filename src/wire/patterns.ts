import type { End } from '../facts/states.ts';
import type { Address } from '../record/event.ts';
import type { Flag } from './flags.ts';
import type { Match } from './match.ts';
import type { TcpOption } from './options.ts';

/** What a rule or a wait says of packets: which, and which one of those. */
export interface PatternData {
  readonly match: Match;
  /** Only the nth of those that match, from 1. */
  readonly ordinal?: number;
}

/** One end of a connection: what a scenario's endpoint is. */
export interface Connected {
  readonly local: Address;
  readonly remote: Address;
}

/** A pattern as a scenario writes it: `fin.from('server').nth(2)`. Each method gives a new one. */
export interface Pattern extends PatternData {
  from(end: End): Pattern;
  /** Both at once. */
  and(...others: readonly Pattern[]): Pattern;
  /** One of them. */
  or(...others: readonly Pattern[]): Pattern;
  not(): Pattern;
  /** The nth of those that match, from 1: counted since the rule was made, or in the whole history by a wait. */
  nth(n: number): Pattern;
  /** Relative sequence number, or a range of them; the SYN's is 0, the first byte's 1. */
  withSeq(from: number, to?: number): Pattern;
  withAck(from: number, to?: number): Pattern;
  /** Carrying the byte of this relative sequence number. */
  covering(seq: number): Pattern;
  /** Bytes of payload: exactly so many, or a range. */
  withBytes(from: number, to?: number): Pattern;
  /** Advertised window as on the wire, not scaled: exactly so much, or a range. */
  withWindow(from: number, to?: number): Pattern;
  containing(payload: string | Uint8Array): Pattern;
  withOption(kind: TcpOption['kind']): Pattern;
  /** Of the connection of this endpoint, in either direction, every incarnation of it. */
  on(endpoint: Connected): Pattern;
}

const whole = (value: number, least: number): number => {
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${value} is no whole number from ${least} on`);
  return value;
};

function ordinalOf(patterns: readonly PatternData[]): { ordinal?: number } {
  const ordinals = patterns.flatMap(({ ordinal }) => ordinal ?? []);
  if (ordinals.length > 1) throw new TypeError('nth() of a pattern once: it counts what matches all the rest');
  return ordinals[0] === undefined ? {} : { ordinal: ordinals[0] };
}

/** A pattern of this match. Throws RangeError or TypeError where a method is given what can never match. */
export function pattern(data: PatternData): Pattern {
  const narrowed = (match: Match) =>
    pattern({
      ...ordinalOf([data]),
      match: { is: 'all', of: [...(data.match.is === 'all' ? data.match.of : [data.match]), match] },
    });
  const joined = (is: 'all' | 'some', others: readonly PatternData[]) =>
    pattern({ ...ordinalOf([data, ...others]), match: { is, of: [data, ...others].map(({ match }) => match) } });
  const range = (from: number, to = from) => {
    if (to < from) throw new RangeError(`from ${from} to ${to} is no range`);
    return { from, to };
  };
  return {
    ...data,
    from: (end) => narrowed({ is: 'from', end }),
    and: (...others) => joined('all', others),
    or: (...others) => joined('some', others),
    not: () => pattern({ ...ordinalOf([data]), match: { is: 'not', of: data.match } }),
    nth: (n) => pattern({ ...data, ...ordinalOf([{ match: data.match, ordinal: whole(n, 1) }, data]) }),
    withSeq: (from, to) => narrowed({ is: 'seq', ...range(from, to) }),
    withAck: (from, to) => narrowed({ is: 'ack', ...range(from, to) }),
    covering: (seq) => narrowed({ is: 'covers', seq }),
    withBytes: (from, to) => narrowed({ is: 'length', ...range(whole(from, 0), to) }),
    withWindow: (from, to) => narrowed({ is: 'window', ...range(whole(from, 0), to) }),
    containing: (payload) => narrowed({ is: 'contains', hex: Buffer.from(payload).toString('hex') }),
    withOption: (kind) => narrowed({ is: 'option', kind }),
    on: ({ local, remote }) => narrowed({ is: 'between', one: local, other: remote }),
  };
}

/** The data of a pattern alone, as the wire's process is told it. */
export const dataOf = ({ match, ordinal }: PatternData): PatternData =>
  ordinal === undefined ? { match } : { match, ordinal };

const flags = (set: readonly Flag[], clear: readonly Flag[] = []): Pattern =>
  pattern({ match: { is: 'flags', set, clear } });

/** Every packet, TCP or not. */
export const any: Pattern = pattern({ match: { is: 'any' } });
/** Every TCP segment. */
export const tcp: Pattern = flags([]);
/** What opens a connection: SYN without ACK. */
export const syn: Pattern = flags(['SYN'], ['ACK']);
export const synAck: Pattern = flags(['SYN', 'ACK']);
/** With or without data. */
export const fin: Pattern = flags(['FIN']);
export const rst: Pattern = flags(['RST']);
/** A bare acknowledgement: no data, no SYN, FIN or RST. */
export const ack: Pattern = pattern({
  match: {
    is: 'all',
    of: [
      { is: 'flags', set: ['ACK'], clear: ['SYN', 'FIN', 'RST'] },
      { is: 'length', from: 0, to: 0 },
    ],
  },
});
/** At least one byte of payload. */
export const data: Pattern = pattern({ match: { is: 'length', from: 1 } });
/** No whole TCP segment. */
export const notTcp: Pattern = pattern({ match: { is: 'other' } });
