import type { SegmentSighting, Sighting } from '../record/event.ts';
import type { WireStatistics } from '../record/wire-statistics.ts';
import type { Address } from '../tcp/address.ts';
import type { IcmpKind } from '../tcp/icmp.ts';
import type { End } from '../tcp/states.ts';
import type { Forgery } from './forgery.ts';
import type { Step } from './handles.ts';
import type { PacketKind, PatternData } from './patterns.ts';
import type * as rules from './rules.ts';

/** A rule that the wire obeys. */
export interface RuleHandle {
  readonly rule: number;
  /** Carries what it holds now; how many. What it goes on to hold waits for the next call. */
  release(): Step<number>;
  /** Drops what it holds now; how many. What is held to the end of the cell, and neither released nor discarded, is a warning. */
  discard(): Step<number>;
  /** It decides nothing any more; what it holds stays held until it is released. */
  lift(): Step;
}

export interface InjectRawOptions {
  /** That the kernel takes no such bytes is no warning; default false. */
  readonly mayBeRefused?: boolean;
}

export interface IcmpOptions {
  /** Bytes of the largest packet that the next hop takes, 68 to 65535: RFC 791 §3.2. */
  readonly mtu: number;
}

export interface SeenOptions<W extends number | undefined = number | undefined> {
  /** Only after this packet, or packet number. Default: from the beginning of the cell. */
  readonly after?: Sighting | number;
  /**
   * So many seconds from now on at most. Time in which the wire was stalled does not count, and it ends with a ping that both ends
   * have answered: that nothing came was observed. Default: until the cell's deadline.
   */
  readonly within?: W;
}

/** How a translation forgets. */
export interface TranslateOptions {
  /** A mapping that no packet used for so many seconds is forgotten. Default: never. */
  readonly forgetAfter?: number;
  /** What becomes of a packet from the server's end without a mapping: default `'drop'`; `'reset'` answers it with a RST. */
  readonly afterwards?: 'drop' | 'reset';
  /**
   * How many ports it has outside, 1 to 4535. Default: 4535. A new mapping takes the next in turn that none has; a packet that would
   * need one where each has one is dropped.
   */
  readonly ports?: number;
}

/** An address and a port of the client's end, and those that the server's end sees instead. */
export interface Mapping {
  readonly inside: Address;
  readonly outside: Address;
  readonly forgotten: boolean;
}

/** A translation that the wire makes. */
export interface Translation {
  /** The IPv4 address that the server's end sees, and the IPv6 address. */
  readonly address: Readonly<Record<4 | 6, string>>;
  /** All mappings so far, forgotten ones too, in the order in which they were made. */
  mappings(): Step<readonly Mapping[]>;
  /** Forgets every mapping, as a NAT that is switched on again; how many there were. */
  forget(): Step<number>;
}

/** What was seen of a pattern: of one that means TCP segments only, a segment. */
export type SightingOf<K extends PacketKind = PacketKind> = [K] extends ['tcp'] ? SegmentSighting : Sighting;

/** What a scenario does with the wire. Every rule comes after those before it; the first that acts on a packet decides. */
export interface Wire {
  drop<N extends number = number>(pattern: PatternData, options?: rules.Times<N>): Step<RuleHandle>;
  carry<N extends number = number>(pattern: PatternData, options?: rules.Times<N>): Step<RuleHandle>;
  hold<N extends number = number>(pattern: PatternData, options?: rules.Times<N>): Step<RuleHandle>;
  delay<N extends number = number>(pattern: PatternData, ms: number, options?: rules.Times<N>): Step<RuleHandle>;
  duplicate<N extends number = number>(pattern: PatternData, options?: rules.DuplicateOptions<N>): Step<RuleHandle>;
  reorder<N extends number = number>(pattern: PatternData, options?: rules.ReorderOptions<N>): Step<RuleHandle>;
  blackhole(pattern: PatternData): Step<RuleHandle>;
  rate(pattern: PatternData, bytesPerSecond: number, options?: rules.RateOptions): Step<RuleHandle>;
  loss(pattern: PatternData, probability: number, options: { readonly seed: number }): Step<RuleHandle>;
  /** A rule as data. */
  rule(rule: rules.Rule): Step<RuleHandle>;
  /** No rule is left; what they held stays held. */
  lift(): Step;
  /** Carries everything that is held; how many. */
  release(): Step<number>;
  /** Drops everything that is held; how many. */
  discard(): Step<number>;
  /**
   * Resolves with the first such packet from a peer: one that came already, or one to come. With `within` with undefined where
   * none came in that time.
   */
  seen<K extends PacketKind = PacketKind, W extends number | undefined = undefined>(
    pattern: PatternData<K>,
    options?: SeenOptions<W>,
  ): Step<W extends number ? SightingOf<K> | undefined : SightingOf<K>>;
  /**
   * The TCP segments that the end which was given this one, carried or forged, has sent since: what its kernel says to it at
   * once, if anything. Resolves when that end has answered an echo request (ping) sent after it, so that none is a silence that
   * was observed. What its kernel delays, an acknowledgement of data, may come later. Refused for a packet that a rule dropped, or
   * holds: that end was not given it.
   */
  answers(packet: Sighting | number): Step<readonly SegmentSighting[]>;
  /** How many such packets came from the peers so far, as far as memory has them; of an nth one, 1 or 0. */
  count(pattern: PatternData): Step<number>;
  /** Sends a segment that no peer sent; its number in the capture. */
  inject(forgery: Forgery): Step<number>;
  /** Sends any bytes, 65,535 at most, as if they came from an end. */
  injectRaw(from: End, bytes: Uint8Array, options?: InjectRawOptions): Step<number>;
  /** Sends the bytes of a packet once more. */
  replay(packet: Sighting | number): Step<number>;
  /**
   * Answers a packet with an ICMP message, as a router on its way would, from an address of the link that is neither end's; the
   * message's number in the capture. Of the family of the packet: ICMPv6 has types of its own, and neither `source-quench` nor
   * `source-route-failed`, with which it is refused.
   */
  icmp<Kind extends IcmpKind>(
    packet: Sighting | number,
    kind: Kind,
    ...options: Kind extends 'fragmentation-needed' ? [options: IcmpOptions] : []
  ): Step<number>;
  /** The same with `host-unreachable`. */
  unreachable(packet: Sighting | number): Step<number>;
  /**
   * Does from now on what a NAT at the server's edge of the wire does: the server's end sees the client's sockets at another address,
   * each at a port of its own. What the server's end sends there goes to the client for as long as the mapping is remembered; a packet
   * of a client's socket without one makes a new one, at a new port. The capture, rules and patterns have the client's own addresses.
   */
  translate(options?: TranslateOptions): Step<Translation>;
  statistics(): Step<WireStatistics>;
}
