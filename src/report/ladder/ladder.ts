import { endOf } from '../../facts/roles.ts';
import type { SegmentRecord } from '../../record/schema.ts';
import { lastAttempt } from './causes.ts';
import { momentsOf } from './moments.ts';
import type { Ladder, LadderRow, Moment, OmittedRow, Wired } from './parts.ts';
import { foldings, foldsOf, rowsOf } from './rows.ts';
import { asideKey, blocks, connectionOf, deedKey, isDelayed, isHeld, originalOf, purposeOf } from './segment.ts';

/** Rows of a ladder at most. */
const mostRows = 40;

/** Shortest pause that gets a row, in ns: half of TCP_RTO_MIN, the shortest time until a retransmission. */
const pauseNs = 100e6;

/** A cell's ladder: every segment of its record is in exactly one row, itself or folded; no arrow goes back in time. */
export function ladderOf(whole: Wired): Ladder {
  const { record, earlier } = withoutEarlier(whole);
  const moments = momentsOf(record);
  const silenceNs = silenceOf(record);
  const tries = foldings(silenceNs).map((folding) => () => rowsOf(moments, foldsOf(moments, folding), silenceNs));
  let rows: readonly LadderRow[] = [];
  for (const attempt of tries) {
    rows = attempt();
    if (rows.length <= mostRows) break;
  }
  const drawn = rows.length > mostRows ? withoutMiddle(rows) : rows;
  return {
    rows: [...earlier, ...drawn],
    origin: drawn[0]?.at ?? 0,
    labels: labelsOf(moments),
    nameOf: namesOf(record),
    stateName: (label) => (isOne(record, labelsOf(moments)) ? '' : label),
  };
}

/** Of several attempts only the last is drawn. */
function withoutEarlier(record: Wired): { record: Wired; earlier: OmittedRow[] } {
  const { from, attempt } = lastAttempt(record);
  const segments = record.segments ?? [];
  const before = segments.filter(({ t }) => t < from);
  if (before.length === 0) return { record, earlier: [] };
  const last = { ...record, segments: segments.filter(({ t }) => t >= from) };
  const at = before[0]?.t ?? 0;
  const until = Math.max(...before.map(({ t, arrived = t }) => arrived));
  return {
    record: last,
    earlier: [{ kind: 'omitted', at, until, segments: before, states: 0, attempts: attempt - 1 }],
  };
}

/** On a slow path every segment is on its way for long: that is no pause. */
function silenceOf({ segments = [] }: Wired): number {
  const transits = segments
    .flatMap((segment) => (segment.arrived === undefined || isHeld(segment) ? [] : [segment.arrived - segment.t]))
    .sort((a, b) => a - b);
  return Math.max(pauseNs, 3 * (transits[Math.floor(transits.length / 2)] ?? 0));
}

const labelsOf = (moments: readonly Moment[]): string[] => [
  ...new Set(moments.flatMap((moment) => (moment.kind === 'state' ? [moment.label] : []))),
];

/** Whether a ladder has one connection only, by its states and its segments. */
const isOne = ({ segments = [] }: Wired, labels: readonly string[]): boolean =>
  labels.length <= 1 && new Set(segments.map(connectionOf)).size <= 1;

function namesOf({ segments = [], paths }: Wired): Ladder['nameOf'] {
  const labels = new Set([
    ...segments.map(({ label }) => label),
    ...Object.keys(paths).map((name) => endOf(name).label),
  ]);
  const incarnations = Map.groupBy(segments, ({ label }) => label);
  return ({ label, incarnation }) => {
    const once = new Set(incarnations.get(label)?.map((each) => each.incarnation)).size <= 1;
    if (once && label !== '') return label;
    if (once && labels.size <= 1) return '';
    return `${label} #${incarnation}`.trim();
  };
}

/** Keeps the first and the last rows, and folds the rows between them into one. */
function withoutMiddle(rows: readonly LadderRow[]): LadderRow[] {
  const begin = rows.slice(0, mostRows / 2);
  const last = rows.slice(rows.length - mostRows / 2 + 1);
  const between = rows.slice(begin.length, rows.length - last.length);
  const arriving = new Set<LadderRow>(between.flatMap((row) => (row.kind === 'arrival' ? [row.of] : [])));
  const first = begin.filter((row) => !arriving.has(row));
  const middle = [...begin.filter((row) => arriving.has(row)), ...between];
  const segments = middle.flatMap((row) => ('segments' in row ? row.segments : []));
  const omitted: OmittedRow = {
    kind: 'omitted',
    at: middle[0]?.at ?? 0,
    until: Math.max(...middle.map((row) => ('until' in row ? row.until : row.at))),
    segments,
    states: middle.filter(({ kind }) => kind === 'state').length,
  };
  const isLeft = (row: LadderRow): boolean => row.kind !== 'arrival' || !middle.includes(row.of);
  return [...first, omitted, ...last.filter(isLeft)];
}

/**
 * What a cell's ladder draws, row by row, without what two runs of one cell differ in: times, how many segments a stream took,
 * numbers and lengths of what net or the kernel cut anew. Results with the same story share a ladder.
 */
export function storyOf(record: Wired): string {
  const { rows, nameOf } = ladderOf(record);
  return JSON.stringify([pathLength(record), ...rows.map((row) => rowStory(row, nameOf))]);
}

function rowStory(row: LadderRow, nameOf: ReturnType<typeof ladderOf>['nameOf']): unknown {
  const of = (segment: SegmentRecord): unknown[] => [
    nameOf(segment),
    segment.from,
    segment.flags.filter((flag) => flag !== 'PSH').join(),
    segment.length,
    deedKey(segment),
    segment.window === 0,
  ];
  switch (row.kind) {
    case 'state':
      return [
        row.end,
        row.label,
        row.step.state,
        row.why,
        row.call && asideKey(row.call),
        row.call && blocks(row.call),
      ];
    case 'aside':
      return [row.end, row.label, row.says, row.aside.what === 'restart' ? [] : asideKey(row.aside)];
    case 'segment':
      return [
        ...of(row.segments[0]),
        row.segments[0].seq,
        row.segments[0].ack,
        originalOf(row.segments[0]) !== undefined,
      ];
    case 'run':
    case 'omitted':
      return [row.kind, [...new Set(row.segments.map((each) => `${each.from} ${purposeOf(each)}`))].sort()];
    case 'arrival':
      return ['arrival', row.of.segments[0].from, row.of.kind];
    case 'begins':
      return [row.kind, row.like !== undefined];
    case 'pause':
      return [row.kind, inOctaves(row.least)];
    default:
      return row.kind;
  }
}

/** How slow the path was: no other story for a busy machine, but for twice the round trip. */
function pathLength({ segments = [] }: Wired): number {
  const delays = segments
    .flatMap((segment) => (isDelayed(segment) && segment.arrived !== undefined ? [segment.arrived - segment.t] : []))
    .sort((a, b) => a - b);
  return inOctaves(delays[Math.floor(delays.length / 2)] ?? 0);
}

const inOctaves = (ns: number): number => (ns < 10e6 ? 0 : Math.round(Math.log2(ns)));
