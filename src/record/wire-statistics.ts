import type { End } from '../tcp/states.ts';

/** What a rule holds. */
export interface Held {
  readonly rule: number;
  /** In words. */
  readonly text: string;
  /** Numbers of the packets in the capture. */
  readonly packets: readonly number[];
}

/** How much of a capture was kept. */
export interface CaptureCount {
  readonly packets: number;
  /** Packets of which not all bytes were kept. */
  readonly cut: number;
  /** Packets whose payload is cut in the file, and whole in memory. */
  readonly shortened: number;
  readonly fileBytes: number;
  /** Why nothing more is written to the file. */
  readonly fileError?: string;
}

/** What the wire did so far. */
export interface WireStatistics {
  /** Packets that came from each end and went on, at once or later, and their bytes. */
  readonly carried: Readonly<Record<End, number>>;
  readonly bytes: Readonly<Record<End, number>>;
  readonly dropped: number;
  /** Packets that it keeps now. */
  readonly waiting: number;
  /** Copies, replays and forgeries. */
  readonly emitted: number;
  /** Packets that were no whole TCP segment, by why; neighbour discovery and MLD are `no-tcp`. */
  readonly others: Readonly<Record<string, number>>;
  /** Copies, replays and forgeries that were none, the pings and ICMP messages of the wire's own among them. */
  readonly othersOwn: Readonly<Record<string, number>>;
  /** What the rules hold now. */
  readonly held: readonly Held[];
  /** Packets of the peers that the kernel did not take from the wire, by errno. */
  readonly refused: Readonly<Record<string, number>>;
  /** Copies, replays and forgeries that it did not take, where the scenario did not expect that. */
  readonly refusedOwn: Readonly<Record<string, number>>;
  /** And where it did: `mayBeRefused`. */
  readonly refusedAsExpected: Readonly<Record<string, number>>;
  /** Packets that the kernel dropped at each end's device, because the wire did not read them. */
  readonly txDropped: Readonly<Record<End, number>>;
  /** The longest time in which the wire never found both devices empty: how long a packet may have waited unread, ms. */
  readonly longestBacklogMs: number;
  /** The longest time in which the wire's process did not run though it should have, ms; what came meanwhile waited. */
  readonly longestStallMs: number;
  /** How late the latest packet with a time of its own left, ms. */
  readonly latestMs: number;
  /** Faults of the wire's own program: packets that it carried though it did not understand what to do. */
  readonly faults: readonly string[];
  /** Why a device is read no more. */
  readonly deviceErrors: readonly string[];
  readonly capture: CaptureCount;
}
