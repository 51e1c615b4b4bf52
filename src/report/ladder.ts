import type { End } from '../facts/states.ts';
import type { CellRecord, SegmentRecord } from '../record/schema.ts';
import type { Step } from './ladder-causes.ts';
import { connectionOf, foldings, foldsOf, type Purpose } from './ladder-folds.ts';
import { type Moment, momentsOf } from './ladder-moments.ts';
import { rowsOf } from './ladder-rows.ts';

interface Row {
  /** ns since the run's origin. */
  readonly at: number;
}

/** An end entered a state. */
export interface StateRow extends Row {
  readonly kind: 'state';
  readonly end: End;
  /** Its connection's; empty where the cell has one. */
  readonly label: string;
  readonly step: Step;
  /** When it went on in a mini-socket. */
  readonly mini?: Step;
}

/** One segment; or many alike, told as one. */
export interface SegmentRow extends Row {
  readonly kind: 'segment' | 'run';
  readonly segments: readonly [SegmentRecord, ...SegmentRecord[]];
  /** When the last of them arrived; of what did not: when it was sent. */
  readonly until: number;
  /** Something happened while it was on its way: its arrival is a row of its own. */
  readonly split: boolean;
  /** Of what purpose the same connection's were drawn before. */
  readonly more: readonly Purpose[];
}

/** What left in an earlier row arrives. */
export interface ArrivalRow extends Row {
  readonly kind: 'arrival';
  readonly of: SegmentRow;
}

/** Nothing for a long time: ns at least, and at most where that is not the same. */
export interface PauseRow extends Row {
  readonly kind: 'pause';
  readonly least: number;
  readonly most: number;
}

/** Packets that the record does not have: they are in the capture. */
export interface GapRow extends Row {
  readonly kind: 'gap';
  readonly count: number;
}

/** The middle of a ladder that is too long even so. */
export interface OmittedRow extends Row {
  readonly kind: 'omitted';
  readonly segments: readonly SegmentRecord[];
  readonly states: number;
  readonly until: number;
}
export type LadderRow = StateRow | SegmentRow | ArrivalRow | PauseRow | GapRow | OmittedRow;

/** What two ends and the wire between them did, row by row in the order of time. */
export interface Ladder {
  readonly rows: readonly LadderRow[];
  /** Times count from here, ns since the run's origin. */
  readonly origin: number;
  /** Labels of the connections whose states are known, in the order in which they began. */
  readonly labels: readonly string[];
  /** What a connection is called; empty where the cell has only one. */
  readonly nameOf: (segment: Pick<SegmentRecord, 'label' | 'incarnation'>) => string;
}

/** As many rows as a reader follows. */
const mostRows = 40;
/** A silence of which a reader is told, ns: half of the shortest time until a segment is sent again, TCP_RTO_MIN. */
const pauseNs = 100e6;

/** A cell's ladder: every segment of its record is in exactly one row, itself or folded; no arrow goes back in time. */
export function ladderOf(record: CellRecord): Ladder {
  const moments = momentsOf(record);
  const silenceNs = silenceOf(record);
  const tries = foldings(silenceNs).map((folding) => () => rowsOf(moments, foldsOf(moments, folding), silenceNs));
  let rows: readonly LadderRow[] = [];
  for (const attempt of tries) {
    rows = attempt();
    if (rows.length <= mostRows) break;
  }
  const drawn = rows.length > mostRows ? withoutMiddle(rows) : rows;
  return { rows: drawn, origin: drawn[0]?.at ?? 0, labels: labelsOf(moments), nameOf: namesOf(record) };
}

/** On a slow path every segment is on its way for long: that is no pause. */
function silenceOf({ segments = [] }: CellRecord): number {
  const transits = segments
    .flatMap(({ t, arrived, deed }) => (arrived === undefined || deed === 'held' ? [] : [arrived - t]))
    .sort((a, b) => a - b);
  return Math.max(pauseNs, 3 * (transits[Math.floor(transits.length / 2)] ?? 0));
}

const labelsOf = (moments: readonly Moment[]): string[] => [
  ...new Set(moments.flatMap((moment) => (moment.kind === 'state' ? [moment.label] : []))),
];

function namesOf({ segments = [], paths }: CellRecord): Ladder['nameOf'] {
  const labels = new Set([...segments.map(({ label }) => label), ...Object.keys(paths).map(labelOfPath)]);
  const connections = new Set(segments.map(connectionOf));
  return ({ label, incarnation }) => {
    const isOne = [...connections].filter((each) => each.startsWith(`${label} `)).length <= 1;
    if (isOne && label !== '') return label;
    if (isOne && labels.size <= 1) return '';
    return `${label} #${incarnation}`.trim();
  };
}

const labelOfPath = (name: string): string => name.replace(/\.?(client|server)$/, '');

/** The first and the last rows; what is between them is told as one. */
function withoutMiddle(rows: readonly LadderRow[]): LadderRow[] {
  const first = rows.slice(0, mostRows / 2);
  const last = rows.slice(rows.length - mostRows / 2 + 1);
  const middle = rows.slice(first.length, rows.length - last.length);
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
