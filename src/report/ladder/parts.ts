import type { AsideRecord, CellRecord, ClosingAside, IncarnationRecord, SegmentRecord } from '../../record/schema.ts';
import type { End } from '../../tcp/states.ts';
import type { Purpose } from './segment.ts';

/** What a ladder is drawn from. */
export type Wired = Pick<CellRecord, 'id' | 'paths' | 'facts' | 'segments' | 'incarnations' | 'asides'>;

/** What one end went through: by its states. */
export type Path = CellRecord['paths'][string];

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

/** Row of one segment, or of many equal ones. */
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
  /** With `absent`: time from the last segment in the record before them to the first after them, in ns. */
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

/** A state of an end's path. */
export type Step = Path[number];

export interface Place {
  /** ns since the run's origin: where it stands among the others. */
  readonly at: number;
  /** What cannot have come after it, whatever their times say. */
  readonly after: readonly Moment[];
}

/** An end entered a state. */
export interface StateMoment extends Place {
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

/** A segment left the end that sent it, or reached the other. What the wire itself made only arrives. */
export interface SegmentMoment extends Place {
  readonly kind: 'leaves' | 'arrives';
  readonly end: End;
  readonly segment: SegmentRecord;
}

/** Packets of the capture that the record does not have. */
export interface GapMoment extends Place {
  readonly kind: 'gap';
  /** When the last segment before them left, ns; `at` is when the first after them did. */
  readonly since: number;
  readonly count: number;
}

/** Retransmitted FIN that reached an end in TIME-WAIT. */
interface Restart {
  readonly what: 'restart';
  readonly t: number;
  readonly of: number;
}

/** What is neither state nor segment: a call that blocks is two, where it is called and where it returns. */
export interface AsideMoment extends Place {
  readonly kind: 'aside';
  readonly end: End;
  readonly label: string;
  readonly says: 'calls' | 'returns' | 'reads' | 'unreachable' | 'forged' | 'restarts';
  readonly aside: AsideRecord | Restart;
}

/** One of several incarnations begins; `like`: an earlier one with the same addresses and ports. */
export interface BeginMoment extends Place {
  readonly kind: 'begins';
  readonly incarnation: IncarnationRecord;
  readonly like?: IncarnationRecord;
}

export type Moment = StateMoment | SegmentMoment | GapMoment | AsideMoment | BeginMoment;

/** Comes from the wire, and is no segment. */
export const isPacket = ({ says }: AsideRow): boolean => says === 'unreachable' || says === 'forged';

/** Whether an application read bytes that the other end did not send it: the wire's own, of another connection. */
export const isCorrupt = ({ says, aside }: Pick<AsideMoment, 'says' | 'aside'>): boolean =>
  says === 'reads' && aside.what === 'read' && aside.of !== undefined;
