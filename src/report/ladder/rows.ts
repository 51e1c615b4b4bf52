import type { SegmentRecord } from '../../record/schema.ts';
import { type End, otherEnd } from '../../tcp/states.ts';
import type { ArrivalRow, GapMoment, LadderRow, Moment, PauseRow, SegmentRow } from './parts.ts';
import { connectionOf, deedKey, hasPassed, isHeld, isOwn, purposeOf, replayOf } from './segment.ts';
import { type WindowRole, windowRoles } from './windows.ts';

/** Row with the data that decide whether another row may be drawn across it. */
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
  // the last of each stays
  const places = new Map(moments.flatMap((moment, index) => ('segment' in moment ? [[moment.segment, index]] : [])));
  const lastOf = (segments: readonly SegmentRecord[]): number =>
    Math.max(...segments.map((segment) => places.get(segment) ?? -1));
  const placed = moments.flatMap((moment, index): Placed[] => {
    if (moment.kind === 'gap' && absorbed.has(moment)) return [];
    if (!('segment' in moment)) return [{ row: moment, index }];
    const { segment } = moment;
    const what = foldOf.get(segment) ?? segment;
    if (drawn.has(what)) return [];
    drawn.add(what);
    const fold = foldOf.get(segment);
    const last = lastOf(fold?.segments ?? [segment]);
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

/** With what only the capture has among them, which may have begun before them and ended after them. */
function withGaps(row: SegmentRow, gaps: Fold['gaps']): SegmentRow {
  if (gaps.length === 0) return row;
  const since = Math.min(row.at, ...gaps.map((gap) => gap.since));
  const until = Math.max(row.until, ...gaps.map(({ at }) => at));
  return { ...row, absent: gaps.reduce((sum, { count }) => sum + count, 0), span: until - since };
}

/** What the wire made is not seen before it arrives. */
const beginOf = (segment: SegmentRecord): number => (isOwn(segment) ? (segment.arrived ?? segment.t) : segment.t);

const arrivalRow = (of: SegmentRow): ArrivalRow => ({ kind: 'arrival', at: of.until, of });

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

/** Segments that go together as one. */
export interface Fold {
  readonly segments: readonly SegmentRecord[];
  /** Whether all left and arrived without anything of note in between. */
  readonly whole: boolean;
  /** Among them, what only the capture has. */
  readonly gaps: readonly GapMoment[];
  /** They are probes of a closed window, and the answers to them. */
  readonly probing: boolean;
}

/** How much of a ladder is folded. */
export interface Folding {
  /** Fewer are drawn each for itself. */
  readonly least: number;
  /** A longer silence than this, ns, parts what goes together. */
  readonly silenceNs: number;
  /** Whether the segment, the nth of its like and so many from the last, may be folded. */
  readonly mayFold: (segment: SegmentRecord, nth: number, fromLast: number) => boolean;
}

const isStream = (segment: SegmentRecord): boolean =>
  hasPassed(segment) && (purposeOf(segment) === 'data' || purposeOf(segment) === 'ACK');

/** From little to much: the first that makes a ladder short enough is taken. A pause is longer than the silence. */
export const foldings = (silenceNs: number): readonly Folding[] => [
  {
    least: 6,
    silenceNs,
    mayFold: (segment, nth) =>
      (isStream(segment) && (nth > 0 || purposeOf(segment) === 'ACK')) || (isHeld(segment) && nth > 0),
  },
  { least: 3, silenceNs, mayFold: (segment, nth, fromLast) => nth > 0 && (isStream(segment) || fromLast > 0) },
  { least: 2, silenceNs: Number.POSITIVE_INFINITY, mayFold: (_, nth, fromLast) => nth > 0 && fromLast > 0 },
  { least: 2, silenceNs: Number.POSITIVE_INFINITY, mayFold: (segment, nth) => nth > 0 || purposeOf(segment) === 'ACK' },
];

type Roles = ReadonlyMap<SegmentRecord, WindowRole>;

/** Which segments go together as one. */
export function foldsOf(moments: readonly Moment[], folding: Folding): Fold[] {
  const segments = segmentsIn(moments);
  if (segments.length < folding.least) return [];
  const roles = windowRoles(segments);
  let folded = candidates(segments, roles, folding);
  while (folded.size >= folding.least) {
    const groups = groupsOf(moments, folded, roles, folding);
    const enough = groups.filter((group) => group.segments.length >= folding.least);
    if (enough.length === groups.length) return groups;
    // what is drawn for itself parts others
    folded = new Set(enough.flatMap((group) => group.segments));
  }
  return [];
}

const segmentsIn = (moments: readonly Moment[]): SegmentRecord[] => [
  ...new Set(moments.flatMap((moment) => ('segment' in moment ? [moment.segment] : []))),
];

/** What a reader must see, however much is folded. */
const isTurn = (role: WindowRole | undefined): boolean => role === 'turns' || role === 'last probe';

const isProbing = (role: WindowRole | undefined): boolean => role === 'probe' || role === 'answer';

function candidates(segments: readonly SegmentRecord[], roles: Roles, { mayFold, least }: Folding): Set<SegmentRecord> {
  const again = new Set(segments.flatMap((segment) => replayOf(segment) ?? []));
  const alike = [
    ...Map.groupBy(
      segments.filter((segment) => {
        const role = roles.get(segment);
        // where so much has to be folded that even those do not fit, they go with the rest
        return !isTurn(role) && !(role === 'brief' && least > 2) && !again.has(segment.n);
      }),
      (segment) => `${likeOf(segment)} ${isProbing(roles.get(segment)) ? roles.get(segment) : ''}`,
    ).values(),
  ];
  return new Set(
    alike.flatMap((group) =>
      group.filter(
        (segment, index) =>
          mayFold(segment, index, group.length - 1 - index) && (index > 0 || !isProbing(roles.get(segment))),
      ),
    ),
  );
}

const likeOf = (segment: SegmentRecord): string =>
  [connectionOf(segment), segment.from, purposeOf(segment), deedKey(segment)].join(' ');

/** Candidates between whose leaving, and between whose arrivals, nothing of note happened. */
function groupsOf(
  moments: readonly Moment[],
  folded: ReadonlySet<SegmentRecord>,
  roles: Roles,
  { silenceNs }: Folding,
): Fold[] {
  const places = new Map<SegmentRecord, number[]>();
  const gaps = new Map<number, GapMoment[]>();
  let block = 0;
  let probing = false;
  let before = moments[0]?.at ?? 0;
  for (const moment of moments) {
    const isFolded = 'segment' in moment && folded.has(moment.segment);
    const isGap = moment.kind === 'gap';
    if (!(isFolded || isGap) || (isGap ? moment.since : moment.at) - before > silenceNs) block++;
    // probes are told apart from what is sent otherwise
    if (isFolded && isProbing(roles.get(moment.segment)) !== probing) {
      probing = !probing;
      block++;
    }
    if (isGap) gaps.set(block, [...(gaps.get(block) ?? []), moment]);
    if (isFolded) places.set(moment.segment, [...(places.get(moment.segment) ?? []), block]);
    before = Math.max(before, moment.at);
  }
  const groups = Map.groupBy(places.keys(), (segment) => {
    const [from, to = from] = places.get(segment) ?? [];
    const direction = from === to ? '' : segment.from;
    return [connectionOf(segment), from, to, direction].join(' ');
  });
  return [...groups.values()].map((segments) => {
    const [from, to = from] = places.get(segments[0] as SegmentRecord) ?? [];
    const own = from === to && from !== undefined ? (gaps.get(from) ?? []) : [];
    if (from !== undefined && own.length > 0) gaps.delete(from);
    return { segments, whole: from === to, gaps: own, probing: isProbing(roles.get(segments[0] as SegmentRecord)) };
  });
}
