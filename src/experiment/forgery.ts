import { inspect } from 'node:util';
import type { Flag } from '../tcp/flags.ts';
import { formatOptions, type TcpOption } from '../tcp/header-options.ts';
import type { End } from '../tcp/states.ts';
import {
  acceptedEnd,
  acceptedEndpoint,
  acceptedFlags,
  acceptedKeys,
  acceptedNumber,
  acceptedOptionKind,
  acceptedWord,
} from './accepted.ts';
import type { Connected } from './patterns.ts';

/** A sequence number: relative to an initial one, from where the end has got to, or as it is on the wire. */
export type Place = number | { readonly next: number } | { readonly absolute: number };

/** A segment that no peer sent, as a scenario writes it and as the wire's process receives it. */
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
