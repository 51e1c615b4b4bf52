import type { CellRecord, ClosingAside, IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import type { End } from '../tcp/states.ts';
import type { Step } from './ladder-causes.ts';
import { connectionOf, foldings, foldsOf, type Purpose } from './ladder-folds.ts';
import { lastAttempt } from './ladder-incarnations.ts';
import { type AsideMoment, type Moment, momentsOf } from './ladder-moments.ts';
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
  /** When a full socket was made of it, ns since the run's origin. */
  readonly full?: number;
  /** What ended the state before it. */
  readonly why?: string;
  /** The application's call that led to it. */
  readonly call?: ClosingAside;
}

/** A call that blocks or returns, a read, an ICMP message. */
export interface AsideRow extends Row {
  readonly kind: 'aside';
  readonly end: End;
  readonly label: string;
  readonly says: AsideMoment['says'];
  readonly aside: AsideMoment['aside'];
}

/** One of several incarnations begins; `like`: an earlier one with the same addresses and ports. */
export interface BeginRow extends Row {
  readonly kind: 'begins';
  readonly incarnation: IncarnationRecord;
  readonly like?: IncarnationRecord;
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
  /** They are probes of a closed window, and the answers to them. */
  readonly probing?: boolean;
  /** How many packets among them only the capture has. */
  readonly absent?: number;
  /** Where that is so: how long all of them took, from the last segment that was told before to the first behind, ns. */
  readonly span?: number;
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
  /** When the last segment before them left. */
  readonly since: number;
}

/** The middle of a ladder that is too long even so; or what was before the last of several attempts. */
export interface OmittedRow extends Row {
  readonly kind: 'omitted';
  readonly segments: readonly SegmentRecord[];
  readonly states: number;
  readonly until: number;
  /** How many attempts it is. */
  readonly attempts?: number;
}
export type LadderRow = StateRow | SegmentRow | ArrivalRow | PauseRow | GapRow | OmittedRow | AsideRow | BeginRow;

/** What two ends and the wire between them did, row by row in the order of time. */
export interface Ladder {
  readonly rows: readonly LadderRow[];
  /** Times count from here, ns since the run's origin. */
  readonly origin: number;
  /** Labels of the connections whose states are known, in the order in which they began. */
  readonly labels: readonly string[];
  /** What a connection is called; empty where the cell has only one. */
  readonly nameOf: (segment: Pick<SegmentRecord, 'label' | 'incarnation'>) => string;
  /** What a state's connection is called: its label; empty where there is only one. */
  readonly stateName: (label: string) => string;
}

/** As many rows as a reader follows. */
const mostRows = 40;
/** A silence of which a reader is told, ns: half of the shortest time until a segment is sent again, TCP_RTO_MIN. */
const pauseNs = 100e6;

/** A cell's ladder: every segment of its record is in exactly one row, itself or folded; no arrow goes back in time. */
export function ladderOf(whole: CellRecord): Ladder {
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
function withoutEarlier(record: CellRecord): { record: CellRecord; earlier: OmittedRow[] } {
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
function silenceOf({ segments = [] }: CellRecord): number {
  const transits = segments
    .flatMap(({ t, arrived, deed }) => (arrived === undefined || deed.do === 'held' ? [] : [arrived - t]))
    .sort((a, b) => a - b);
  return Math.max(pauseNs, 3 * (transits[Math.floor(transits.length / 2)] ?? 0));
}

const labelsOf = (moments: readonly Moment[]): string[] => [
  ...new Set(moments.flatMap((moment) => (moment.kind === 'state' ? [moment.label] : []))),
];

/** Whether a ladder has one connection only, by its states and its segments. */
const isOne = ({ segments = [] }: CellRecord, labels: readonly string[]): boolean =>
  labels.length <= 1 && new Set(segments.map(connectionOf)).size <= 1;

function namesOf({ segments = [], paths }: CellRecord): Ladder['nameOf'] {
  const labels = new Set([...segments.map(({ label }) => label), ...Object.keys(paths).map(labelOfPath)]);
  const connections = new Set(segments.map(connectionOf));
  return ({ label, incarnation }) => {
    const once = [...connections].filter((each) => each.startsWith(`${label} `)).length <= 1;
    if (once && label !== '') return label;
    if (once && labels.size <= 1) return '';
    return `${label} #${incarnation}`.trim();
  };
}

const labelOfPath = (name: string): string => name.replace(/\.?(client|server)$/, '');

/** The first and the last rows; what is between them is told as one. */
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
