import type { ForgeryData } from '../experiment/forgery.ts';
import type { PatternData } from '../experiment/patterns.ts';
import type { Rule } from '../experiment/rules.ts';
import type { Started } from '../process/protocol.ts';
import type { DeedEvent, MappingEvent, PacketsEvent, SegmentSighting, Sighting, WireEvent } from '../record/event.ts';
import type { WireStatistics } from '../record/wire-statistics.ts';
import type { Address } from '../tcp/address.ts';
import type { End } from '../tcp/states.ts';
import type { IcmpSaid } from './icmp.ts';
import type { Afterwards, Mapping } from './translation.ts';
import type { Which } from './waiting.ts';

/** Which packets are told as events: all, those that open, close or reset and those that a rule decides, or none. */
export type Telling = 'all' | 'notable' | 'none';

export interface WireSettings {
  /** pcapng file of the capture; absent: in memory only. */
  readonly capture?: string;
  /** Wall time of the run's origin, in ns, decimal. */
  readonly wallNs: string;
  /** Bytes kept of a packet; default all. */
  readonly snap?: number;
  /** Bytes of file beyond which only headers are kept; default 1 GiB. */
  readonly limit?: number;
  /** Default `notable`. */
  readonly telling?: Telling;
  /** Where all are told: after so many, only notable ones. Default: no limit. */
  readonly tellAllUpTo?: number;
}

/** What the wire is told to do, with what it answers. */
export interface WireVerbs {
  /** Makes a device of this name in each namespace, given by path, and carries from then on. */
  open: {
    ask: {
      spaces: Readonly<Record<End, string>>;
      /** The IPv4 address of each end, at which the wire pings it. */
      addresses: Readonly<Record<End, string>>;
      /** Of neither end, in each family: what the server's end sees where the wire translates. */
      outside: Readonly<Record<4 | 6, string>>;
      device: string;
      settings: WireSettings;
    };
    value: undefined;
  };
  /** One more rule, after the others; its number. */
  rule: { ask: { rule: Rule }; value: { rule: number } };
  /** Without a rule, or without any; what they hold goes on when it is released. */
  lift: { ask: { rule?: number }; value: undefined };
  /** Carries what is held, of a rule, or one packet, or all; how many. */
  release: { ask: Which; value: { released: number } };
  /** Drops what is held, likewise; how many. */
  discard: { ask: Which; value: { discarded: number } };
  /**
   * Answers when such a packet is in the history behind a number, or at once where it is; with `withinMs` with nothing where none
   * came in that time.
   */
  seen: { ask: { pattern: PatternData; after: number; withinMs?: number }; value: { sighting?: Sighting } };
  /** The TCP segments that whoever was given a packet has sent since, when it has answered an echo request sent behind it. */
  answers: { ask: { n: number }; value: { segments: readonly SegmentSighting[] } };
  /** How many such packets the history has. */
  count: { ask: { pattern: PatternData }; value: { count: number } };
  /** The number of the packet that was emitted. */
  inject: { ask: { forgery: ForgeryData }; value: { n: number } };
  /** Any bytes, hexadecimal, as if they came from an end; `mayBeRefused`: that the kernel does not take them is not counted. */
  injectRaw: { ask: { from: End; hex: string; mayBeRefused?: boolean }; value: { n: number } };
  /** The bytes of a packet of the history once more. */
  replay: { ask: { n: number }; value: { n: number } };
  /** Answers a packet of the history with an ICMP message, as a router does. */
  icmp: { ask: { n: number; said: IcmpSaid }; value: { n: number } };
  /** Translates the client's end from now on. */
  translate: {
    ask: { forgetAfterMs?: number; afterwards: Afterwards };
    value: { outside: Readonly<Record<4 | 6, string>> };
  };
  /** Forgets every mapping; how many. */
  forget: { ask: Record<never, never>; value: { forgotten: number } };
  mappings: { ask: Record<never, never>; value: { mappings: readonly Mapping[] } };
  /** What the server's end knows an address as; absent: as itself. All that the ends have sent so far counts. */
  outside: { ask: { inside: Address }; value: { outside?: Address } };
  /** Everything read so far has been told, and is in the file. */
  flush: { ask: Record<never, never>; value: undefined };
  statistics: { ask: Record<never, never>; value: WireStatistics };
}
export type WireVerb = keyof WireVerbs;

/** What the wire reports of packets. */
export type ToldPacket = WireEvent | DeedEvent | MappingEvent | PacketsEvent;

/** What it tells unasked. */
export type WireTold = { readonly seen: readonly ToldPacket[] };

/** Arguments of the process. */
export interface WireArguments extends Started {
  readonly originNs: string;
}
