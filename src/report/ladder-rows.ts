import type { SegmentRecord } from '../record/schema.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import type { ArrivalRow, LadderRow, PauseRow, SegmentRow } from './ladder.ts';
import { connectionOf, type Fold, hasPassed, purposeOf } from './ladder-folds.ts';
import { isOwn, type Moment } from './ladder-moments.ts';

/** A row, and what tells whether another may be drawn across it. */
interface Placed {
  readonly row: LadderRow;
  /** Where the first of its moments stands. */
  readonly index: number;
}

/** The moments as rows: a segment is one row unless something happened meanwhile. */
export function rowsOf(moments: readonly Moment[], folds: readonly Fold[], silenceNs: number): LadderRow[] {
  const foldOf = new Map(folds.flatMap((fold) => fold.segments.map((segment) => [segment, fold] as const)));
  const absorbed = new Set(folds.flatMap(({ gaps }) => gaps));
  const seen = new Set<string>();
  const drawn = new Set<Fold | SegmentRecord>();
  const placed = moments.flatMap((moment, index): Placed[] => {
    if (moment.kind === 'gap' && absorbed.has(moment)) return [];
    if (!('segment' in moment)) return [{ row: moment, index }];
    const { segment } = moment;
    const what = foldOf.get(segment) ?? segment;
    if (drawn.has(what)) return [];
    drawn.add(what);
    const fold = foldOf.get(segment);
    const last = lastIndex(moments, fold?.segments ?? [segment]);
    const split = fold ? !fold.whole : !isWhole(moments, index, last, silenceNs);
    const own = segmentRow(fold?.segments ?? [segment], split, seen);
    const row = withGaps({ ...own, ...(fold?.probing && { probing: true }) }, fold?.gaps ?? []);
    return split
      ? [
          { row, index },
          { row: arrivalRow(row), index: last },
        ]
      : [{ row, index }];
  });
  const rows = placed.sort((a, b) => a.index - b.index).map(({ row }) => row);
  return withPauses(rows, silenceNs);
}

function segmentRow(segments: readonly SegmentRecord[], split: boolean, seen: Set<string>): SegmentRow {
  const all = [...segments].sort((a, b) => a.t - b.t || a.n - b.n) as [SegmentRecord, ...SegmentRecord[]];
  const likeOf = (segment: SegmentRecord): string => `${connectionOf(segment)} ${segment.from} ${purposeOf(segment)}`;
  const more = [...new Set(all.filter((segment) => seen.has(likeOf(segment))).map(purposeOf))];
  for (const segment of all) seen.add(likeOf(segment));
  return {
    kind: all.length === 1 ? 'segment' : 'run',
    at: Math.min(...all.map(beginOf)),
    until: Math.max(...all.map(({ t, arrived }) => arrived ?? t)),
    segments: all,
    split,
    more,
  };
}

/** With what only the capture has among them, which may have begun before them and ended behind them. */
function withGaps(row: SegmentRow, gaps: Fold['gaps']): SegmentRow {
  if (gaps.length === 0) return row;
  const since = Math.min(row.at, ...gaps.map((gap) => gap.since));
  const until = Math.max(row.until, ...gaps.map(({ at }) => at));
  return { ...row, absent: gaps.reduce((sum, { count }) => sum + count, 0), span: until - since };
}

/** What the wire made is not seen before it arrives. */
const beginOf = (segment: SegmentRecord): number => (isOwn(segment) ? (segment.arrived ?? segment.t) : segment.t);

const arrivalRow = (of: SegmentRow): ArrivalRow => ({ kind: 'arrival', at: of.until, of });

function lastIndex(moments: readonly Moment[], segments: readonly SegmentRecord[]): number {
  const own = new Set(segments);
  return moments.findLastIndex((moment) => 'segment' in moment && own.has(moment.segment));
}

/** A segment that takes longer, ns, is on its way while others are sent; a wire that only carries takes some 100 µs. */
const slowNs = 1e6;

/**
 * Whether one row can show a segment leaving and arriving: nothing happened to its receiver meanwhile, and its sender
 * received nothing; on a slow path, nothing at all. What is held never can.
 */
function isWhole(moments: readonly Moment[], leaves: number, arrives: number, silenceNs: number): boolean {
  const moment = moments[leaves];
  if (moment === undefined || !('segment' in moment)) return true;
  const { segment } = moment;
  if (leaves === arrives) return true;
  const transit = (segment.arrived ?? segment.t) - segment.t;
  if (!hasPassed(segment) || transit >= silenceNs) return false;
  const isAlone = arrives === leaves + 1;
  if (isAlone || transit >= slowNs) return isAlone;
  const to = otherEnd(segment.from);
  return moments
    .slice(leaves + 1, arrives)
    .every(
      (other) =>
        beside.has(other.kind) || (endOf(other) !== to && other.kind !== 'arrives') || isPipelined(other, moment),
    );
}

/** What neither end's kernel did. */
const beside: ReadonlySet<Moment['kind']> = new Set(['gap', 'aside', 'begins']);

const endOf = (moment: Moment): End | undefined => ('end' in moment ? moment.end : undefined);

/** Sent before it in the same direction: it arrives before, and neither crosses the other. */
const isPipelined = (other: Moment, { segment }: { segment: SegmentRecord }): boolean =>
  other.kind === 'arrives' &&
  !isOwn(other.segment) &&
  hasPassed(other.segment) &&
  other.segment.from === segment.from &&
  other.segment.t <= segment.t;

const lastsUntil = (row: LadderRow): number => {
  if (!('segments' in row) || row.kind === 'omitted' || row.split) return 0;
  return row.span === undefined ? row.until : Math.max(row.until, row.at + row.span);
};

/** A long silence is a row of its own. */
function withPauses(rows: readonly LadderRow[], silenceNs: number): LadderRow[] {
  let clock = rows[0]?.at ?? 0;
  return rows.flatMap((row): LadderRow[] => {
    const before = clock;
    const earliest = row.kind === 'state' ? Math.max(row.step.notBefore ?? row.at, before) : row.at;
    clock = Math.max(clock, Math.min(earliest, row.at), lastsUntil(row));
    // the capture has what happened meanwhile
    if (row.kind === 'gap' || ('span' in row && row.span !== undefined)) return [row];
    const least = Math.min(earliest, row.at) - before;
    if (least < silenceNs) return [row];
    const pause: PauseRow = { kind: 'pause', at: before, least, most: row.at - before };
    return [pause, row];
  });
}
