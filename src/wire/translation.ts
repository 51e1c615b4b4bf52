import type { Match, PatternData } from '../experiment/patterns.ts';
import type { MappingEvent, Ns } from '../record/event.ts';
import { type Address, addressAndPort } from '../tcp/address.ts';
import { addressBytes, addressText } from '../tcp/address-text.ts';
import type { End } from '../tcp/states.ts';

/** What the translation does with a packet from outside for which there is no mapping. */
export type Afterwards = 'drop' | 'reset';

/** How a translation forgets. */
export interface Forgetting {
  /** Of a mapping without a packet in either direction; absent: never. */
  readonly afterNs?: Ns;
  readonly afterwards: Afterwards;
  /** How many ports it has outside; absent: all of those that no kernel chooses. */
  readonly ports?: number;
}

/** An address and a port inside, and those that the outside sees instead. */
export interface Mapping {
  readonly inside: Address;
  readonly outside: Address;
  readonly forgotten: boolean;
}

/** What came of a packet from outside. */
export interface Inward {
  /** There is no mapping, or none any more. */
  readonly unmapped: boolean;
  /** To which it was sent; absent where it was not for the translation. */
  readonly outside?: Address;
}

interface Known {
  readonly inside: Address;
  readonly outside: Address;
  last: Ns;
  forgotten: boolean;
}

/** Ports that no kernel chooses: above the default of ip_local_port_range. */
const firstPort = 61_001;
/** Up to the last one. */
export const mostPorts = 65_536 - firstPort;
const TCP = 6;
const icmp = { 4: { protocol: 1, errors: [3, 4, 11, 12] }, 6: { protocol: 58, errors: [1, 2, 3, 4] } } as const;

/**
 * Throws RangeError where a translation cannot begin: a wire has one, and has it before its first connection, whose ends would know
 * each other by other addresses in the middle of it.
 */
export function mayBegin(
  present: Translation | undefined,
  first: { readonly at: Readonly<Record<End, Address>> } | undefined,
): void {
  if (present)
    throw new RangeError(
      'this wire translates already; take one translate() in a cell, and its forget() to begin anew',
    );
  if (first)
    throw new RangeError(
      `a connection is behind it already, ${addressAndPort(first.at.client)} to ${addressAndPort(first.at.server)}; take it before the first step that connects`,
    );
}

/** Where things are in an IP packet; undefined for what is none, or is a fragment. */
interface Layout {
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly payload: number;
}

function layoutOf(bytes: Uint8Array, at = 0): Layout | undefined {
  const version = (bytes[at] ?? 0) >> 4;
  if (
    version === 4 &&
    bytes.length >= at + 28 &&
    (((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number)) % 0x4000 === 0
  )
    return {
      family: 4,
      protocol: bytes[at + 9] as number,
      source: at + 12,
      destination: at + 16,
      payload: at + ((bytes[at] as number) & 15) * 4,
    };
  if (version === 6 && bytes.length >= at + 48)
    return { family: 6, protocol: bytes[at + 6] as number, source: at + 8, destination: at + 24, payload: at + 40 };
  return undefined;
}

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/**
 * Put other bytes there, an even number of them, and have checksums follow: RFC 1624 §3, so that one that was wrong stays wrong.
 * A checksum beyond the packet's end, as of what is quoted, is left alone.
 */
function replace(bytes: Uint8Array, at: number, by: Uint8Array, checksums: readonly number[]): void {
  for (let offset = 0; offset < by.length; offset += 2) {
    const [before, after] = [u16(bytes, at + offset), u16(by, offset)];
    bytes[at + offset] = after >> 8;
    bytes[at + offset + 1] = after & 255;
    for (const place of checksums) {
      if (place + 1 >= bytes.length) continue;
      let sum = (~u16(bytes, place) & 0xffff) + (~before & 0xffff) + after;
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      bytes[place] = (~sum & 0xffff) >> 8;
      bytes[place + 1] = ~sum & 255;
    }
  }
}

/** Another address and port in a TCP segment's packet, its source's or its destination's. */
function readdress(bytes: Uint8Array, layout: Layout, whose: 'source' | 'destination', to: Address): void {
  const tcp = layout.payload;
  // the pseudo header is part of TCP's checksum, and an IPv4 header has one of its own
  const header = layout.family === 4 ? [layout.source - 2] : [];
  replace(bytes, layout[whose], addressBytes(to.address), [...header, tcp + 16]);
  replace(bytes, tcp + (whose === 'source' ? 0 : 2), Uint8Array.of(to.port >> 8, to.port & 255), [tcp + 16]);
}

const addressIn = (bytes: Uint8Array, layout: Layout, whose: 'source' | 'destination'): Address => ({
  address: addressText(bytes, layout[whose], layout.family),
  port: u16(bytes, layout.payload + (whose === 'source' ? 0 : 2)),
});

/**
 * What a NAT at the server's edge of the wire does: endpoints behind it share one address, and each has a port of its own there,
 * whatever it speaks to (endpoint-independent mapping and filtering, RFC 4787 §4.1, §5). The table is looked at when a packet comes.
 */
export class Translation {
  readonly #outside: Readonly<Record<4 | 6, string>>;
  readonly #forgetting: Forgetting;
  readonly #tell: (event: MappingEvent) => void;
  readonly #byInside = new Map<string, Known>();
  readonly #byOutside = new Map<string, Known>();
  readonly #all: Known[] = [];

  constructor(outside: Readonly<Record<4 | 6, string>>, forgetting: Forgetting, tell: (event: MappingEvent) => void) {
    this.#outside = outside;
    this.#forgetting = forgetting;
    this.#tell = tell;
  }

  get afterwards(): Afterwards {
    return this.#forgetting.afterwards;
  }

  /** Whether a packet of the inside has a mapping, or a port is free for a new one. */
  hasRoom(bytes: Uint8Array, t: Ns): boolean {
    const layout = layoutOf(bytes);
    if (layout?.protocol !== TCP) return true;
    const known = this.#byInside.get(addressAndPort(addressIn(bytes, layout, 'source')));
    return this.#live(known, t) !== undefined || this.#freePort(layout.family, t) !== undefined;
  }

  /** The packet of the inside as the outside gets it, and whom that takes it to be from: a copy where it is another. */
  outward(bytes: Uint8Array, t: Ns): { readonly bytes: Uint8Array; readonly outside?: Address } {
    const layout = layoutOf(bytes);
    if (layout?.protocol === TCP) {
      const { outside } = this.#mapped(addressIn(bytes, layout, 'source'), layout.family, t);
      const copy = Uint8Array.from(bytes);
      readdress(copy, layout, 'source', outside);
      return { bytes: copy, outside };
    }
    return { bytes: layout ? this.#quoting(bytes, layout, t) : bytes };
  }

  /** An ICMP error quotes what its receiver sent, to the address that it knows: RFC 5508 §4.2. */
  #quoting(bytes: Uint8Array, { family, protocol, payload }: Layout, t: Ns): Uint8Array {
    const { errors, protocol: own } = icmp[family];
    const quoted = protocol === own && (errors as readonly number[]).includes(bytes[payload] ?? -1);
    const layout = quoted ? layoutOf(bytes, payload + 8) : undefined;
    if (layout?.protocol !== TCP) return bytes;
    const known = this.#live(this.#byInside.get(addressAndPort(addressIn(bytes, layout, 'destination'))), t);
    if (!known) return bytes;
    const copy = Uint8Array.from(bytes);
    const sum = payload + 2;
    const header = layout.family === 4 ? [layout.source - 2] : [];
    const before = header.map((at) => copy.slice(at, at + 2));
    replace(copy, layout.destination, addressBytes(known.outside.address), [...header, sum]);
    const port = Uint8Array.of(known.outside.port >> 8, known.outside.port & 255);
    replace(copy, layout.payload + 2, port, [sum]);
    // the quoted header's own checksum changed, too, under that of the message
    for (const [index, at] of header.entries()) {
      const now = copy.slice(at, at + 2);
      copy.set(before[index] as Uint8Array, at);
      replace(copy, at, now, [sum]);
    }
    return copy;
  }

  /** Has a packet from outside, in its place, be for the inside, where the translation knows or knew whom it is for. */
  inward(bytes: Uint8Array, t: Ns): Inward {
    const layout = layoutOf(bytes);
    if (layout?.protocol !== TCP) return { unmapped: false };
    const outside = addressIn(bytes, layout, 'destination');
    if (outside.address !== this.#outside[layout.family]) return { unmapped: false };
    const known = this.#byOutside.get(addressAndPort(outside));
    const live = this.#live(known, t);
    if (live) live.last = Math.max(live.last, t);
    if (known) readdress(bytes, layout, 'destination', known.inside);
    return { unmapped: live === undefined, outside };
  }

  #live(known: Known | undefined, t: Ns): Known | undefined {
    if (!known || known.forgotten) return undefined;
    const { afterNs = Number.POSITIVE_INFINITY } = this.#forgetting;
    if (t - known.last <= afterNs) return known;
    this.#forget(known, known.last + afterNs, t);
    return undefined;
  }

  /** `found`: when it was looked for, where its time was over by then. */
  #forget(known: Known, t: Ns, found?: Ns): void {
    known.forgotten = true;
    const { inside, outside } = known;
    const when = found === undefined ? {} : { found };
    this.#tell({ t, source: 'wire', kind: 'mapping', inside, outside, forgotten: true, ...when });
  }

  #mapped(inside: Address, family: 4 | 6, t: Ns): Known {
    const key = addressAndPort(inside);
    const live = this.#live(this.#byInside.get(key), t);
    if (live) {
      live.last = Math.max(live.last, t);
      return live;
    }
    // what the wire itself sends finds room at the cost of another
    const outside = { address: this.#outside[family], port: this.#freePort(family, t) ?? this.#inTurn(0) };
    const before = this.#live(this.#byOutside.get(addressAndPort(outside)), t);
    if (before) this.#forget(before, t);
    const made: Known = { inside, outside, last: t, forgotten: false };
    this.#all.push(made);
    this.#byInside.set(key, made);
    this.#byOutside.set(addressAndPort(outside), made);
    this.#tell({ t, source: 'wire', kind: 'mapping', inside, outside });
    return made;
  }

  #inTurn(nth: number): number {
    return firstPort + ((this.#all.length + nth) % (this.#forgetting.ports ?? mostPorts));
  }

  /** The next port in turn that no live mapping has. */
  #freePort(family: 4 | 6, t: Ns): number | undefined {
    const address = this.#outside[family];
    const { ports = mostPorts } = this.#forgetting;
    for (let nth = 0; nth < ports; nth++) {
      const port = this.#inTurn(nth);
      if (!this.#live(this.#byOutside.get(addressAndPort({ address, port })), t)) return port;
    }
    return undefined;
  }

  /** Forget every mapping, as a NAT that begins anew: how many there were. */
  forgetAll(t: Ns): number {
    const live = this.#all.filter((known) => this.#live(known, t));
    for (const known of live) this.#forget(known, t);
    return live.length;
  }

  /** All mappings, forgotten ones too, in the order in which they were made. */
  mappings(t: Ns): Mapping[] {
    return this.#all.map((known) => {
      const forgotten = this.#live(known, t) === undefined;
      return { inside: known.inside, outside: known.outside, forgotten };
    });
  }

  /** What the outside knows an address as, or knew it as last. */
  outsideOf(inside: Address): Address | undefined {
    return this.#byInside.get(addressAndPort(inside))?.outside;
  }

  /** Whom an address of the outside stands for, or stood for; itself where nobody. */
  insideOf(address: Address): Address {
    return this.#byOutside.get(addressAndPort(address))?.inside ?? address;
  }
}

/** A pattern in the addresses of the inside, in which the wire sees packets. */
export function insidePattern(translation: Translation | undefined, pattern: PatternData): PatternData {
  if (!translation) return pattern;
  const inside = (match: Match): Match => {
    switch (match.is) {
      case 'between':
        return { ...match, one: translation.insideOf(match.one), other: translation.insideOf(match.other) };
      case 'all':
      case 'some':
        return { ...match, of: match.of.map(inside) };
      case 'not':
        return { ...match, of: inside(match.of) };
      default:
        return match;
    }
  };
  return { ...pattern, match: inside(pattern.match) };
}
