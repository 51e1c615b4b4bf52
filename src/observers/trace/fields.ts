import type { Address } from '../../tcp/address.ts';
import { ipv4Text, ipv6Text } from './address.ts';
import { TraceError } from './error.ts';
import type { EventFormat, Field } from './format.ts';

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
  if (!format.fields.has('family')) return (data, at) => ipv6Text(data, at + v6);
  const family = integer(format, 'family');
  return (data, at) => (family(data, at) === AF_INET ? ipv4Text(data, at + v4) : ipv6Text(data, at + v6));
}

const SOCKADDR_IN6 = 28;

/** A sockaddr_in or sockaddr_in6; all zero where the kernel could not tell, which is an empty address. */
function sockaddrEnd(format: EventFormat, side: Side): Read<Address> {
  const { offset } = fieldOf(format, `${side}addr`);
  return (data, at) => {
    const start = at + offset;
    const version = ipVersion(data.getUint16(start, true));
    if (!version) return { address: '', port: 0 };
    const address = version === 4 ? ipv4Text(data, start + 4) : ipv6Text(data, start + 8);
    return { address, port: data.getUint16(start + 2) };
  };
}
