import { isIP } from 'node:net';
import { inspect } from 'node:util';
import { type Flag, flagNames } from '../tcp/flags.ts';
import { optionKinds, type TcpOption } from '../tcp/header-options.ts';
import { type IcmpKind, icmpKinds } from '../tcp/icmp.ts';
import { type End, ends } from '../tcp/states.ts';
import { didYouMean } from '../text/nearest.ts';

/**
 * Checks of what a scenario passes to the wire, made when the step is called: types are not checked when a file runs, and a later
 * error would use internal names, or not come at all. Each check throws TypeError or RangeError, which names the option, the
 * allowed values, and the value that was probably meant.
 */
const shown = (value: unknown): string => inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** One of these words. */
export function acceptedWord<W extends string>(what: string, value: unknown, words: readonly W[]): W {
  if (words.includes(value as W)) return value as W;
  const meant = typeof value === 'string' ? didYouMean(value, words) : '';
  throw new TypeError(`${what}: unknown value ${shown(value)}${meant}; use ${listed(words)}`);
}

export const acceptedEnd = (what: string, value: unknown): End => acceptedWord(what, value, ends);

/** A list of control bits' names. */
export function acceptedFlags(what: string, value: unknown): readonly Flag[] {
  if (!Array.isArray(value))
    throw new TypeError(`${what}: must be a list of flags, such as ['FIN', 'ACK'], not ${shown(value)}`);
  return value.map((flag) => acceptedWord(what, flag, flagNames));
}

export interface Limits {
  readonly least?: number;
  readonly most?: number;
  /** Default true. */
  readonly whole?: boolean;
}

/** A number within limits. */
export function acceptedNumber(
  what: string,
  value: unknown,
  { least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER, whole = true }: Limits = {},
): number {
  const right = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (right && (value as number) >= least && (value as number) <= most) return value as number;
  const from = least === Number.MIN_SAFE_INTEGER ? '' : ` from ${least}`;
  const to = most === Number.MAX_SAFE_INTEGER ? from && ' on' : ` to ${most}`;
  throw new RangeError(`${what}: must be a ${whole ? 'whole ' : ''}number${from}${to}, not ${shown(value)}`);
}

/** An object that has no other keys than these. */
export function acceptedKeys(what: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${what}: must be an object with ${listed(keys)}, not ${shown(value)}`);
  }
  const other = Object.keys(value).find((key) => !keys.includes(key));
  if (other !== undefined) {
    throw new TypeError(`${what}: unknown option ${shown(other)}${didYouMean(other, keys)}; use ${listed(keys)}`);
  }
}

/** What is looked for in a payload, or sent as one: a text or bytes. */
export function acceptedBytes(what: string, value: unknown, least = 0): Buffer {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new TypeError(`${what}: must be a text or a Uint8Array, not ${shown(value)}`);
  }
  if (value.length < least) throw new RangeError(`${what}: must not be empty`);
  return Buffer.from(value as string);
}

/** The kind of a TCP option. */
export const acceptedOptionKind = (what: string, value: unknown): TcpOption['kind'] =>
  acceptedWord(what, value, optionKinds);

/** Number of a packet, which is given by its number or as the packet that the wire returned. */
export function acceptedPacket(what: string, packet: unknown, least = 1): number {
  const n = typeof packet === 'object' && packet !== null && 'n' in packet ? packet.n : packet;
  if (Number.isSafeInteger(n) && (n as number) >= least) return n as number;
  throw new TypeError(`${what}: must be a packet that wire.seen() gave, or its number, not ${shown(packet)}`);
}

/** An end of a connection, by its addresses. */
export function acceptedEndpoint(what: string, value: unknown): void {
  const { local, remote } = (value ?? {}) as { local?: unknown; remote?: unknown };
  const isAddress = (each: unknown) => typeof each === 'object' && each !== null && 'address' in each && 'port' in each;
  if (isAddress(local) && isAddress(remote)) return;
  throw new TypeError(
    `${what}: must be an endpoint, what client.connect() or client.open() gives, not ${shown(value)}`,
  );
}

/** An address as a number, and a port. */
export function acceptedAddress(what: string, value: unknown): void {
  acceptedKeys(what, value, ['address', 'port']);
  const { address, port } = value as { address?: unknown; port?: unknown };
  if (typeof address !== 'string' || isIP(address) === 0)
    throw new TypeError(`${what}.address: must be an IPv4 or IPv6 address, not ${shown(address)}`);
  acceptedNumber(`${what}.port`, port, { least: 0, most: 65_535 });
}

/** The kind of an ICMP message, with the MTU where that is what it says. */
export function acceptedIcmp(what: string, kind: unknown, options: unknown): { kind: IcmpKind; mtu?: number } {
  const said = acceptedWord(`${what}: kind`, kind, icmpKinds);
  if (said !== 'fragmentation-needed') {
    if (options !== undefined) throw new TypeError(`${what}: options: only 'fragmentation-needed' has some, { mtu }`);
    return { kind: said };
  }
  acceptedKeys(`${what}: options`, options, ['mtu']);
  const { mtu } = options as { mtu?: unknown };
  return { kind: said, mtu: acceptedNumber(`${what}: mtu`, mtu, { least: 68, most: 65_535 }) };
}
