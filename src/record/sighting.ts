import type { Address } from '../tcp/address.ts';
import type { Flag } from '../tcp/flags.ts';
import type { TcpOption } from '../tcp/header-options.ts';
import type { End } from '../tcp/states.ts';
import type { Ns } from './event.ts';

/** A packet as the wire tells of it: JSON, without its payload's bytes. */
export interface Sighting {
  /** The frame's number in the capture. */
  readonly n: number;
  readonly t: Ns;
  readonly from: End;
  /** One line as tcpdump has it, its numbers relative where they are known. */
  readonly text: string;
  /** Absent: no TCP segment. */
  readonly segment?: {
    readonly source: Address;
    readonly destination: Address;
    /** Counts incarnations from 1. */
    readonly connection: number;
    readonly flags: readonly Flag[];
    /** Relative; absent where the wire has not seen the SYN. */
    readonly seq?: number;
    readonly ack?: number;
    readonly absolute: { readonly seq: number; readonly ack: number };
    /** As on the wire, not scaled. */
    readonly window: number;
    /** Of payload. */
    readonly bytes: number;
    readonly options: readonly TcpOption[];
    /** Whether its checksums are right; absent where the capture has not all of it any more. */
    readonly intact?: boolean;
  };
}

/** A packet that came to the wire, and what it did with it; a wait ends with a {@link DeedEvent}. */
export interface WireEvent extends Sighting {
  readonly source: 'wire';
  readonly kind: 'segment';
  /** `carried`, `dropped (rule 1)`, `held (rule 2)`, `duplicate of #7`, `replay of #7`, `forged`. */
  readonly deed: string;
}

/** What became of a packet that waited: `held 412.000 ms`. */
export interface DeedEvent {
  readonly t: Ns;
  readonly source: 'wire';
  readonly kind: 'deed';
  readonly n: number;
  readonly deed: string;
}
