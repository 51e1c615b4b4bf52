import type { Address } from '../../tcp/address.ts';
import { addressText, withoutMapping } from '../../tcp/address-text.ts';

/** Bytes or text from tracefs that are not what the kernel documents; the message says what is wrong. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** One field of an event, where its record has it. */
export interface Field {
  readonly name: string;
  /** As the kernel declares it, without the array's length: `const void *`, `__u8`, `__data_loc char[]`. */
  readonly type: string;
  readonly offset: number;
  /** Of the whole field: 16 for `__u8 saddr_v6[16]`. */
  readonly size: number;
  readonly signed: boolean;
  readonly isArray: boolean;
  /** The field holds not the data but their place: offset in the low, length in the high 16 bits. */
  readonly dataLoc: boolean;
}

/** What `events/<group>/<event>/format` says. */
export interface EventFormat {
  readonly name: string;
  readonly id: number;
  readonly fields: ReadonlyMap<string, Field>;
  /** Names of a field's values, from `__print_symbolic` of the print format; values that it gives as enum names are left out. */
  readonly symbols: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** Bytes that a record of this event has at least. */
  readonly size: number;
}

const fieldLine =
  /^\s*field:\s*(.+?)\s*\b(\w+)(\[\w*\])?;\s*offset:\s*(\d+);\s*size:\s*(\d+);(?:\s*signed:\s*([01]);)?\s*$/gm;

/** Parse the format of an event. Throws TraceError if it has no name, no ID or no fields. */
export function parseFormat(text: string): EventFormat {
  const name = /^name:\s*(\S+)/m.exec(text)?.[1];
  const id = /^ID:\s*(\d+)/m.exec(text)?.[1];
  const fields = parseFields(text);
  if (!name || !id || !fields.has('common_type')) throw new TraceError('not an event format: no name, ID or fields');
  const size = Math.max(...[...fields.values()].map((field) => field.offset + field.size));
  return { name, id: Number(id), fields, symbols: parseSymbols(text), size };
}

/** The `field:` lines of a format or of `events/header_page`. */
export function parseFields(text: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [, type = '', name = '', length, offset, size, signed] of text.matchAll(fieldLine)) {
    const dataLoc = type.startsWith('__data_loc');
    const isArray = dataLoc || length !== undefined;
    fields.set(name, {
      name,
      type,
      offset: Number(offset),
      size: Number(size),
      signed: signed === '1',
      isArray,
      dataLoc,
    });
  }
  return fields;
}

function parseSymbols(text: string): Map<string, Map<number, string>> {
  const symbols = new Map<string, Map<number, string>>();
  for (const start of text.matchAll(/__print_symbolic\(\s*REC->(\w+)\s*,/g)) {
    const names = parsePairs(text, start.index + start[0].length);
    if (names.size > 0) symbols.set(start[1]!, names);
  }
  return symbols;
}

/** `{ 0, "NOT_SPECIFIED" }, { 1, "NO_SOCKET" }, …` up to whatever is not such a pair. */
function parsePairs(text: string, from: number): Map<number, string> {
  const names = new Map<number, string>();
  const pair = /\s*\{\s*([^,{}]+?)\s*,\s*"([^"]*)"\s*\}\s*,?/y;
  pair.lastIndex = from;
  for (let match = pair.exec(text); match; match = pair.exec(text)) {
    const value = /^(-?(?:0x[0-9a-f]+|\d+))[ul]*$/i.exec(match[1]!)?.[1];
    if (value !== undefined) names.set(Number(value), match[2]!);
  }
  return names;
}

/** Reads a value from the record that starts at `at`. */
export type Read<T> = (data: DataView, at: number) => T;

/** A field of the event. Throws TraceError if this kernel's event has none of that name. */
export function fieldOf(format: EventFormat, name: string): Field {
  const field = format.fields.get(name);
  if (!field) throw new TraceError(`${format.name} has no field ${name} on this kernel`);
  return field;
}

/** An integer of up to four bytes. */
export function integer(format: EventFormat, name: string): Read<number> {
  const { offset, size, signed } = fieldOf(format, name);
  if (size === 4 && signed) return (data, at) => data.getInt32(at + offset, true);
  if (size === 4) return (data, at) => data.getUint32(at + offset, true);
  if (size === 2) return (data, at) => data.getUint16(at + offset, true);
  if (size === 1) return (data, at) => data.getUint8(at + offset);
  throw new TraceError(`${format.name}: ${name} has ${size} bytes`);
}

/** An unsigned long. */
export function long(format: EventFormat, name: string): Read<bigint> {
  const { offset, size } = fieldOf(format, name);
  if (size !== 8) throw new TraceError(`${format.name}: ${name} has ${size} bytes, not 8`);
  return (data, at) => data.getBigUint64(at + offset, true);
}

/** A pointer as sixteen hexadecimal digits, '' for a null pointer. */
export function pointer(format: EventFormat, name: string): Read<string> {
  const { offset, size } = fieldOf(format, name);
  if (size !== 8) throw new TraceError(`${format.name}: ${name} has ${size} bytes, not 8`);
  return (data, at) => {
    const high = data.getUint32(at + offset + 4, true);
    const low = data.getUint32(at + offset, true);
    return high === 0 && low === 0 ? '' : hex(high) + hex(low);
  };
}

const hex = (word: number): string => word.toString(16).padStart(8, '0');

const AF_INET = 2;
const AF_INET6 = 10;

/** The socket's family as an event gives it: 2 and 10 are 4 and 6, anything else is not TCP's. */
export const ipVersion = (family: number): 4 | 6 | undefined =>
  family === AF_INET ? 4 : family === AF_INET6 ? 6 : undefined;

export type Side = 's' | 'd';

/** One end of an event's flow: source (`s`) or destination (`d`), in whichever of the kernel's forms this event has it. */
export function end(format: EventFormat, side: Side): Read<Address> {
  return fieldOf(format, `${side}addr`).size >= SOCKADDR_IN6
    ? sockaddrEnd(format, side)
    : split(format, side, addressOf(format, side));
}

function split(format: EventFormat, side: Side, address: Read<string>): Read<Address> {
  const port = integer(format, `${side}port`);
  return (data, at) => ({ address: address(data, at), port: port(data, at) });
}

/**
 * AF_INET6 events have garbage in the four-byte field. Events without a family have what they know in the sixteen-byte field:
 * of an IPv4 socket, the mapped address.
 */
function addressOf(format: EventFormat, side: Side): Read<string> {
  const v4 = fieldOf(format, `${side}addr`).offset;
  const v6 = fieldOf(format, `${side}addr_v6`).offset;
  if (!format.fields.has('family')) return (data, at) => textAt(data, at + v6, 6);
  const family = integer(format, 'family');
  return (data, at) => (family(data, at) === AF_INET ? textAt(data, at + v4, 4) : textAt(data, at + v6, 6));
}

/** As `ss` is read: an IPv4-mapped address is IPv4. */
const textAt = (data: DataView, at: number, family: 4 | 6): string =>
  withoutMapping(addressText(new Uint8Array(data.buffer, data.byteOffset + at, family === 4 ? 4 : 16), 0, family));

const SOCKADDR_IN6 = 28;

/** Reads a sockaddr_in or sockaddr_in6. The kernel leaves an unknown address all zero, which becomes an empty address. */
function sockaddrEnd(format: EventFormat, side: Side): Read<Address> {
  const { offset } = fieldOf(format, `${side}addr`);
  return (data, at) => {
    const start = at + offset;
    const version = ipVersion(data.getUint16(start, true));
    if (!version) return { address: '', port: 0 };
    const address = textAt(data, start + (version === 4 ? 4 : 8), version);
    return { address, port: data.getUint16(start + 2) };
  };
}
