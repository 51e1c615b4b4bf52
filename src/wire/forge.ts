import { inspect } from 'node:util';
import { type End, otherEnd } from '../tcp/states.ts';
import type { Address } from '../record/event.ts';
import {
  acceptedEnd,
  acceptedEndpoint,
  acceptedFlags,
  acceptedKeys,
  acceptedNumber,
  acceptedOptionKind,
  acceptedWord,
} from '../experiment/accepted.ts';
import { bitsOf, type Flag } from '../tcp/flags.ts';
import type { Connection } from './history.ts';
import { formatOptions, type TcpOption } from '../tcp/header-options.ts';
import type { Connected } from '../experiment/patterns.ts';
import { format, type IpHeader, type TcpSegment } from './segment.ts';

/** A sequence number: relative to an initial one, from where the end has got to, or as it is on the wire. */
export type Place = number | { readonly next: number } | { readonly absolute: number };

/** A segment that no peer sent, as a scenario writes it and as the wire's process is told it. */
export interface Forgery {
  /** Whose it seems to be: the other end gets it. */
  readonly from: End;
  /** A connection by one of its endpoints, or an incarnation by its number. */
  readonly on: Connected | number;
  readonly flags: readonly Flag[];
  /** Default `{ next: 0 }`: the other end's RCV.NXT, if that got everything. */
  readonly seq?: Place;
  /** Of the other end's numbers. Default `{ next: 0 }` with ACK, otherwise 0 on the wire. */
  readonly ack?: Place;
  /** As on the wire; default: what the end said last. */
  readonly window?: number;
  /**
   * Timestamps (RFC 7323), counted from the TSval that the end, and for `echo` the other end, sent last. Default: the same
   * again where the connection has them.
   */
  readonly timestamps?: 'none' | { readonly value?: number; readonly echo?: number };
  /** Others than timestamps. */
  readonly options?: readonly TcpOption[];
  readonly payload?: string;
  /** Default right. A wrong one is dropped by whoever gets it. */
  readonly checksum?: 'right' | 'wrong';
}

const keys = ['from', 'on', 'flags', 'seq', 'ack', 'window', 'timestamps', 'options', 'payload', 'checksum'];
const inSpace = { least: -(2 ** 32), most: 2 ** 32 } as const;
/** An IPv4 packet's, and its headers with all options. */
const mostPayload = 65_535 - 60 - 60;

function acceptPlace(what: string, place: unknown): void {
  if (typeof place !== 'object' || place === null) return void acceptedNumber(what, place, inSpace);
  acceptedKeys(what, place, ['next', 'absolute']);
  if ('absolute' in place) acceptedNumber(`${what}.absolute`, place.absolute, { least: 0, most: 2 ** 32 - 1 });
  else acceptedNumber(`${what}.next`, (place as { next?: unknown }).next, inSpace);
}

function acceptTimestamps(given: unknown): void {
  if (typeof given === 'string') return void acceptedWord('inject(): timestamps', given, ['none']);
  acceptedKeys('inject(): timestamps', given, ['value', 'echo']);
  for (const [name, value] of Object.entries(given as object)) {
    if (value !== undefined) acceptedNumber(`inject(): timestamps.${name}`, value, inSpace);
  }
}

function acceptOptions(given: unknown): void {
  if (!Array.isArray(given)) throw new TypeError(`inject(): options must be a list, such as [{ kind: 'sackOK' }]`);
  for (const each of given) acceptedOptionKind('inject(): options, kind', (each as Partial<TcpOption> | null)?.kind);
  formatOptions(given as readonly TcpOption[]);
}

/**
 * A forgery as it was written, data only. Throws TypeError or RangeError with the name of what is wrong, and what is allowed.
 */
export function acceptedForgery(given: Forgery): Forgery {
  acceptedKeys('inject()', given, keys);
  const { on } = given;
  acceptedEnd('inject(): from', given.from);
  acceptedFlags('inject(): flags', given.flags);
  if (typeof on === 'number') acceptedNumber('inject(): on', on, { least: 1 });
  else acceptedEndpoint('inject(): on', on);
  if (given.seq !== undefined) acceptPlace('inject(): seq', given.seq);
  if (given.ack !== undefined) acceptPlace('inject(): ack', given.ack);
  if (given.window !== undefined) acceptedNumber('inject(): window', given.window, { least: 0, most: 65_535 });
  if (given.timestamps !== undefined) acceptTimestamps(given.timestamps);
  if (given.options !== undefined) acceptOptions(given.options);
  if (given.payload !== undefined) {
    if (typeof given.payload !== 'string')
      throw new TypeError(`inject(): payload must be a text, not ${inspect(given.payload)}`);
    const { length } = Buffer.from(given.payload);
    acceptedNumber('inject(): bytes of payload', length, { least: 0, most: mostPayload });
  }
  if (given.checksum !== undefined) acceptedWord('inject(): checksum', given.checksum, ['right', 'wrong']);
  // an endpoint has methods, which are no data
  const bare = typeof on === 'number' ? on : { local: on.local, remote: on.remote };
  return { ...given, on: bare };
}

function placed(place: Place, isn: number | undefined, next: number | undefined, what: string): number {
  if (typeof place === 'object' && 'absolute' in place) return place.absolute >>> 0;
  const base = typeof place === 'number' ? isn : next;
  if (base === undefined) throw new RangeError(`${what}: the wire has not seen what it is counted from`);
  return (base + (typeof place === 'number' ? place : place.next)) >>> 0;
}

/** Timestamps with the two no-ops that align them, where the connection has them. */
function stamps({ from, timestamps = {} }: Forgery, { tsval }: Connection): TcpOption[] {
  const latest = tsval[from];
  if (timestamps === 'none' || latest === undefined) return [];
  const value = (latest + (timestamps.value ?? 0)) >>> 0;
  const echo = ((tsval[otherEnd(from)] ?? 0) + (timestamps.echo ?? 0)) >>> 0;
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
export function forge(forgery: Forgery, connection: Connection): Buffer {
  const { from, flags, seq = { next: 0 }, ack, payload = '' } = forgery;
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
    urgent: 0,
    options: [...stamps(forgery, connection), ...(forgery.options ?? [])],
    payload: Buffer.from(payload),
    intact: true,
  });
  if (forgery.checksum === 'wrong') {
    const tcpBegins = (bytes[0] as number) >> 4 === 6 ? 40 : ((bytes[0] as number) & 15) * 4;
    const low = tcpBegins + 17;
    bytes[low] = (bytes[low] as number) ^ 1;
  }
  return bytes;
}
