import type { SegmentRecord } from '../record/schema.ts';
import type { LadderRow } from './ladder.ts';
import { connectionOf, purposeOf } from './ladder-folds.ts';
import { isOwn } from './ladder-moments.ts';
import { windowRoles } from './ladder-windows.ts';

/** Below the initial number, as what an old incarnation says of a new one is: nobody sends 2 GiB in a ladder. */
export const signed = (relative: number): number => (relative >= 2 ** 31 ? relative - 2 ** 32 : relative);

/** Segments whose SYN, FIN or bytes the same end had sent before, some at least: what the capture tells of retransmission. */
export function repeatsIn(rows: readonly LadderRow[]): Set<SegmentRecord> {
  const sent = rows
    .flatMap((row) => ('segments' in row ? row.segments : []))
    .filter((segment) => !isOwn(segment) && segment.seq !== undefined && takesNumbers(segment))
    .sort((a, b) => a.t - b.t);
  const opened = new Set<string>();
  const sentTo = new Map<string, number>();
  return new Set(
    sent.filter((segment) => {
      const { from, flags, seq = 0, ack, length } = segment;
      const sender = `${connectionOf(segment)} ${from}`;
      if (flags.includes('SYN')) {
        // a SYN that crossed another is acknowledged with the same number; one that acknowledges another SYN is a new one
        const key = [sender, seq, length, flags.includes('ACK') ? ack : 'SYN'].join(' ');
        const known = opened.has(key);
        opened.add(key);
        return known;
      }
      const before = sentTo.get(sender) ?? Number.NEGATIVE_INFINITY;
      sentTo.set(sender, Math.max(before, signed(seq) + length + Number(flags.includes('FIN'))));
      return signed(seq) < before;
    }),
  );
}

const takesNumbers = (segment: SegmentRecord): boolean => ['SYN', 'FIN', 'data'].includes(purposeOf(segment));

/** What follows a segment's numbers where it asks whether a window is still closed, or says that it is open again. */
export const probe = '(probe)';
const opens = '(window open)';

/** Segments that have such a mark, with it. */
export function windowMarks(rows: readonly LadderRow[]): ReadonlyMap<SegmentRecord, string> {
  const segments = rows.flatMap((row) => ('segments' in row ? row.segments : []));
  const roles = windowRoles(segments.sort((a, b) => a.t - b.t || a.n - b.n));
  return new Map(
    [...roles].flatMap(([segment, role]): [SegmentRecord, string][] => {
      if (role === 'probe' || role === 'last probe') return [[segment, probe]];
      return role === 'turns' && segment.window > 0 ? [[segment, opens]] : [];
    }),
  );
}
