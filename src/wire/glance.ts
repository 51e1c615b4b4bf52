import { addressBytes } from '../tcp/address-text.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import type { Connection } from './connection.ts';

interface Known {
  /** Source and destination as the packet's header has them. */
  readonly addresses: Uint8Array;
  readonly connection: Connection;
}

/** What keeps a history true at the price of a few dozen nanoseconds a packet. */
export interface Glance {
  know(connection: Connection): void;
  forget(connection: Connection): void;
  /**
   * Learn from an ordinary segment of a known connection: no SYN, FIN or RST, nothing unusual in its headers. False: it is
   * something else, and nothing was learnt.
   */
  learn(from: End, bytes: Uint8Array, length: number): boolean;
}

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 65_536 + u16(bytes, at + 2);

/** Where TCP begins, in a packet of which its IP header says nothing unusual; 0 otherwise. */
function beginOfTcp(bytes: Uint8Array): number {
  // more fragments or an offset: the low 14 bits
  if (bytes[0] === 0x45) return bytes[9] === 6 && (u16(bytes, 6) & 0x3fff) === 0 ? 20 : 0;
  return (bytes[0] as number) >> 4 === 6 && bytes[6] === 6 ? 40 : 0;
}

const sameAddresses = (bytes: Uint8Array, at: number, addresses: Uint8Array): boolean => {
  for (let index = 0; index < addresses.length; index++) if (bytes[at + index] !== addresses[index]) return false;
  return true;
};

/** Two no-ops and the timestamps: how Linux begins the options of every segment but a SYN, tcp_options_write(). */
const timestampsFirst = 0x0101080a;

export function makeGlance(): Glance {
  /** By direction, then by both ports. */
  const known = { client: new Map<number, Known[]>(), server: new Map<number, Known[]>() };

  const placeOf = (from: End, { at }: Connection) => {
    const [source, destination] = [at[from], at[otherEnd(from)]];
    const addresses = Buffer.concat([addressBytes(source.address), addressBytes(destination.address)]);
    return { key: source.port * 65_536 + destination.port, addresses };
  };
  const without = (from: End, key: number, addresses: Uint8Array): Known[] =>
    (known[from].get(key) ?? []).filter((each) => Buffer.compare(each.addresses, addresses) !== 0);

  return {
    know(connection) {
      for (const from of ['client', 'server'] as const) {
        const { key, addresses } = placeOf(from, connection);
        known[from].set(key, [...without(from, key, addresses), { addresses, connection }]);
      }
    },
    forget(connection) {
      for (const from of ['client', 'server'] as const) {
        const { key, addresses } = placeOf(from, connection);
        const rest = without(from, key, addresses);
        if (rest.length > 0) known[from].set(key, rest);
        else known[from].delete(key);
      }
    },
    learn(from, bytes, length) {
      const tcp = length < 40 ? 0 : beginOfTcp(bytes);
      if (tcp === 0 || length < tcp + 20) return false;
      const total = tcp === 20 ? u16(bytes, 2) : 40 + u16(bytes, 4);
      const header = ((bytes[tcp + 12] as number) >> 4) * 4;
      const payload = total - tcp - header;
      if (total > length || header < 20 || payload < 0 || (bytes[tcp + 13] as number) & 7) return false;
      const addressesAt = tcp === 20 ? 12 : 8;
      const connection = known[from]
        .get(u32(bytes, tcp))
        ?.find(
          ({ addresses }) => addresses.length === tcp - addressesAt && sameAddresses(bytes, addressesAt, addresses),
        )?.connection;
      if (connection?.last[from] === undefined) return false;
      if (header > 20) {
        if (header < 32 || u32(bytes, tcp + 20) !== timestampsFirst) return false;
        connection.tsval[from] = u32(bytes, tcp + 24);
      }
      const end = (u32(bytes, tcp + 4) + payload) >>> 0;
      if (((end - (connection.next[from] ?? end)) | 0) > 0) connection.next[from] = end;
      return true;
    },
  };
}
