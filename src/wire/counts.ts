import type { Ns } from '../record/event.ts';
import type { End } from '../tcp/states.ts';

/** What the pump counts. */
export interface Counts {
  readonly carried: Record<End, number>;
  readonly bytes: Record<End, number>;
  readonly others: Record<string, number>;
  readonly refused: Record<string, number>;
  readonly refusedOwn: Record<string, number>;
  /** Of what it sent itself and was no whole segment, by why. */
  readonly othersOwn: Record<string, number>;
  /** Of its own, where that was expected. */
  readonly refusedAsExpected: Record<string, number>;
  /** The first hundred. */
  readonly faults: string[];
  dropped: number;
  emitted: number;
  longestBacklog: Ns;
  latest: Ns;
  carry(from: End, length: number): void;
  other(why: string, whose?: 'peer' | 'own'): void;
  /** Counts a packet that the kernel did not take; `whose`: a peer's, the wire's own, or one of these that may be refused. */
  refuse(errno: string, whose: 'peer' | 'own' | 'expected'): void;
  fault(message: string): void;
  late(by: Ns): void;
}

export function makeCounts(): Counts {
  const counts: Counts = {
    carried: { client: 0, server: 0 },
    bytes: { client: 0, server: 0 },
    others: {},
    refused: {},
    refusedOwn: {},
    othersOwn: {},
    refusedAsExpected: {},
    faults: [],
    dropped: 0,
    emitted: 0,
    longestBacklog: 0,
    latest: 0,
    carry(from, length) {
      counts.carried[from]++;
      counts.bytes[from] += length;
    },
    other(why, whose = 'peer') {
      const counted = whose === 'peer' ? counts.others : counts.othersOwn;
      counted[why] = (counted[why] ?? 0) + 1;
    },
    refuse(errno, whose) {
      const { refused: peer, refusedOwn: own, refusedAsExpected: expected } = counts;
      const counted = { peer, own, expected }[whose];
      counted[errno] = (counted[errno] ?? 0) + 1;
    },
    fault(message) {
      if (counts.faults.length < 100) counts.faults.push(message);
    },
    late(by) {
      counts.latest = Math.max(counts.latest, by);
    },
  };
  return counts;
}
