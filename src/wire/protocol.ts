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

/** Packets that are reported as events: `all`; `notable`, those that open, close or reset or that a rule decides; or `none`. */
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
  /** With `all`: number of packets after which only notable ones are reported. Default: no limit. */
  readonly tellAllUpTo?: number;
}

/** Requests to the wire, with their answers. */
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
  /** Ends the capture and removes the devices; answers with what the process could not get rid of. Another wire may be opened then. */
  close: { ask: Record<never, never>; value: { left: readonly string[] } };
  /** Adds a rule behind the others; answers with its number. */
  rule: { ask: { rule: Rule }; value: { rule: number } };
  /** Removes a rule, or all rules; packets that they hold stay held until they are released. */
  lift: { ask: { rule?: number }; value: undefined };
  /** Carries held packets: those of a rule, a single packet, or all; answers with their number. */
  release: { ask: Which; value: { released: number } };
  /** Drops held packets in the same way; answers with their number. */
  discard: { ask: Which; value: { discarded: number } };
  /**
   * Answers with the first such packet behind a number, as soon as the history has it. With `withinMs` answers without a packet
   * after that time.
   */
  seen: { ask: { pattern: PatternData; after: number; withinMs?: number }; value: { sighting?: Sighting } };
  /**
   * Answers with the TCP segments that the receiver of a packet has sent since. Sends an echo request after the packet, and
   * waits for its reply.
   */
  answers: { ask: { n: number }; value: { segments: readonly SegmentSighting[] } };
  /** Counts such packets in the history. */
  count: { ask: { pattern: PatternData }; value: { count: number } };
  /** Sends a forged packet; answers with its number. */
  inject: { ask: { forgery: ForgeryData }; value: { n: number } };
  /** Sends any bytes, hexadecimal, as if they came from an end; with `mayBeRefused` a refusal by the kernel is not counted. */
  injectRaw: { ask: { from: End; hex: string; mayBeRefused?: boolean }; value: { n: number } };
  /** Sends the bytes of a packet of the history once more. */
  replay: { ask: { n: number }; value: { n: number } };
  /** Answers a packet of the history with an ICMP message, as a router does. */
  icmp: { ask: { n: number; said: IcmpSaid }; value: { n: number } };
  /** Translates the client's end from now on. */
  translate: {
    ask: { forgetAfterMs?: number; afterwards: Afterwards; ports?: number };
    value: { outside: Readonly<Record<4 | 6, string>> };
  };
  /** Forgets all mappings; answers with their number. */
  forget: { ask: Record<never, never>; value: { forgotten: number } };
  mappings: { ask: Record<never, never>; value: { mappings: readonly Mapping[] } };
  /** Answers with the address that the server's end sees for an inside address; absent: the same. Counts all packets so far. */
  outside: { ask: { inside: Address }; value: { outside?: Address } };
  /** Answers when all packets read so far have been reported and are in the file. */
  flush: { ask: Record<never, never>; value: undefined };
  statistics: { ask: Record<never, never>; value: WireStatistics };
}
export type WireVerb = keyof WireVerbs;

/** Event that the wire reports. */
export type ToldPacket = WireEvent | DeedEvent | MappingEvent | PacketsEvent;

/** Report of the wire that answers no request. */
export type WireTold = { readonly seen: readonly ToldPacket[] };

/** Arguments of the process. */
export interface WireArguments extends Started {
  readonly originNs: string;
}
