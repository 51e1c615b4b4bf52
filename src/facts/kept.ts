import type { SegmentRecord } from '../record/schema.ts';

/** Of a cell's segments that only carry a stream, more than this, and of each of its connections, are in its capture only. */
const most = 200;
const mostOfEach = 40;
/** And of what is told in any case. */
const mostTold = 200;
/** Windows that close and open more often are no story. */
const mostClosed = 20;

const isStream = ({ deed, flags }: SegmentRecord): boolean =>
  (deed === 'carried' || deed === 'delayed') &&
  !flags.some((flag) => flag === 'SYN' || flag === 'FIN' || flag === 'RST');

/** A silence that is part of the story, ns: half of the shortest time until a segment is sent again, TCP_RTO_MIN. */
const silenceNs = 100e6;

/** What stands beside a silence: a probe, what is sent again. */
const besideSilence = (segments: readonly SegmentRecord[]): Set<SegmentRecord> =>
  new Set(
    segments.flatMap((segment, index) => {
      const before = segments[index - 1];
      return before && segment.t - before.t >= silenceNs ? [before, segment] : [];
    }),
  );

const firstAndLast = <T>(of: readonly T[], count: number): readonly T[] =>
  of.length <= count ? of : [...of.slice(0, count / 2), ...of.slice(-count / 2)];

/**
 * Of very many the first and the last; and those between that open, close, stop the other end, are repeated later, or were
 * not just carried.
 */
export function kept(segments: readonly SegmentRecord[]): readonly SegmentRecord[] {
  if (segments.length <= most) return segments;
  const repeated = new Set(segments.map(({ of }) => of));
  const silent = besideSilence(segments);
  const closed = segments.filter(({ window }) => window === 0);
  const isTold = (segment: SegmentRecord): boolean =>
    !isStream(segment) ||
    repeated.has(segment.n) ||
    silent.has(segment) ||
    (segment.window === 0 && closed.length <= mostClosed);
  const each = [...Map.groupBy(segments, ({ incarnation }) => incarnation).values()];
  const share = Math.max(mostOfEach, 2 * Math.floor(most / each.length / 2));
  const chosen = new Set([
    ...each.flatMap((own) => firstAndLast(own, share)),
    ...firstAndLast(segments.filter(isTold), mostTold),
  ]);
  return segments.filter((segment) => chosen.has(segment));
}
