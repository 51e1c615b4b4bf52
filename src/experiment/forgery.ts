import { isIP } from 'node:net';
import type { Address } from '../tcp/address.ts';
import type { Flag } from '../tcp/flags.ts';
import { formatOptions, type TcpOption } from '../tcp/header-options.ts';
import { type End, ends } from '../tcp/states.ts';
import {
  acceptedAddress,
  acceptedBytes,
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

/** A timestamp: counted from the latest one of its end, or as it is on the wire. */
export type Stamp = number | { readonly absolute: number };

/** Both ends of a connection that need not exist: the four numbers that a segment has. */
export type Between = Readonly<Record<End, Address>>;

/** A segment that no peer sent, as a scenario writes it. */
export interface Forgery {
  /** Whose it seems to be: the other end gets it. */
  readonly from: End;
  /** A connection by one of its endpoints, or an incarnation by its number. */
  readonly on?: Connected | number;
  /**
   * Instead of `on`: any addresses and ports. Where the wire has seen nothing between those, numbers are counted from those of the
   * first forged segment, whose own are absolute.
   */
  readonly between?: Between;
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
  readonly timestamps?: 'none' | { readonly value?: Stamp; readonly echo?: Stamp };
  /** Others than timestamps. */
  readonly options?: readonly TcpOption[];
  readonly payload?: string | Uint8Array;
  /** The urgent pointer; it says something with URG only. Default 0. */
  readonly urgent?: number;
  /** Default right. A wrong one is dropped by whoever gets it. */
  readonly checksum?: 'right' | 'wrong';
}

/** A forgery as the wire's process receives it: its payload hexadecimal. */
export type ForgeryData = Omit<Forgery, 'payload'> & { readonly hex?: string };

const keys = [
  'from',
  'on',
  'between',
  'flags',
  'seq',
  'ack',
  'window',
  'timestamps',
  'options',
  'payload',
  'urgent',
  'checksum',
];
const inSpace = { least: -(2 ** 32), most: 2 ** 32 } as const;
const onWire = { least: 0, most: 2 ** 32 - 1 } as const;
/** An IPv4 packet's, and its headers with all options. */
const mostPayload = 65_535 - 60 - 60;

function acceptPlace(what: string, place: unknown): void {
  if (typeof place !== 'object' || place === null) return void acceptedNumber(what, place, inSpace);
  acceptedKeys(what, place, ['next', 'absolute']);
  if ('absolute' in place) acceptedNumber(`${what}.absolute`, place.absolute, onWire);
  else acceptedNumber(`${what}.next`, (place as { next?: unknown }).next, inSpace);
}

function acceptTimestamps(given: unknown): void {
  if (typeof given === 'string') return void acceptedWord('inject(): timestamps', given, ['none']);
  acceptedKeys('inject(): timestamps', given, ['value', 'echo']);
  for (const [name, value] of Object.entries(given as object)) {
    const what = `inject(): timestamps.${name}`;
    if (typeof value === 'object' && value !== null) {
      acceptedKeys(what, value, ['absolute']);
      acceptedNumber(`${what}.absolute`, (value as { absolute?: unknown }).absolute, onWire);
    } else if (value !== undefined) acceptedNumber(what, value, inSpace);
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
export function acceptedForgery(given: Forgery): ForgeryData {
  acceptedKeys('inject()', given, keys);
  const { payload, ...rest } = given;
  acceptedEnd('inject(): from', given.from);
  acceptedFlags('inject(): flags', given.flags);
  const whose = acceptedWhose(given);
  if (given.seq !== undefined) acceptPlace('inject(): seq', given.seq);
  if (given.ack !== undefined) acceptPlace('inject(): ack', given.ack);
  if (given.window !== undefined) acceptedNumber('inject(): window', given.window, { least: 0, most: 65_535 });
  if (given.timestamps !== undefined) acceptTimestamps(given.timestamps);
  if (given.options !== undefined) acceptOptions(given.options);
  const bytes = payload === undefined ? undefined : acceptedBytes('inject(): payload', payload);
  if (bytes) acceptedNumber('inject(): bytes of payload', bytes.length, { least: 0, most: mostPayload });
  if (given.urgent !== undefined) acceptedNumber('inject(): urgent', given.urgent, { least: 0, most: 65_535 });
  if (given.checksum !== undefined) acceptedWord('inject(): checksum', given.checksum, ['right', 'wrong']);
  return { ...rest, ...whose, ...(bytes && { hex: bytes.toString('hex') }) };
}

/** Of which connection it is, without the methods of an endpoint, which are no data. */
function acceptedWhose({ on, between }: Forgery): Pick<Forgery, 'on' | 'between'> {
  if (between === undefined) {
    if (typeof on === 'number') return { on: acceptedNumber('inject(): on', on, { least: 1 }) };
    acceptedEndpoint('inject(): on', on);
    const { local, remote } = on as Connected;
    return { on: { local, remote } };
  }
  if (on !== undefined) throw new TypeError('inject(): on and between are both given; use one of them');
  acceptedKeys('inject(): between', between, ends);
  const { client, server } = between;
  acceptedAddress('inject(): between.client', client);
  acceptedAddress('inject(): between.server', server);
  if (isIP(client.address) !== isIP(server.address))
    throw new TypeError(`inject(): between: ${client.address} and ${server.address} have different address families`);
  return { between: { client: bareAddress(client), server: bareAddress(server) } };
}

const bareAddress = ({ address, port }: Address): Address => ({ address, port });
