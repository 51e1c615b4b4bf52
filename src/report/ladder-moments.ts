import { isWiresOwn } from '../facts/carried.ts';
import type { AsideRecord, CellRecord, ClosingAside, IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import { type End, ends, otherEnd } from '../tcp/states.ts';
import { asideMoments, callInto } from './ladder-asides.ts';
import { arrivalOf, causeOf, requestOf, type Step, sentOn } from './ladder-causes.ts';
import { beginsOf, endedByRst, type Replaced, replacedBy, whyClosed } from './ladder-incarnations.ts';
import { restartsOf } from './ladder-restarts.ts';

interface Place {
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

/** A FIN that came again. */
interface Restart {
  readonly what: 'restart';
  readonly t: number;
  readonly end: End;
  readonly label: string;
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

/** The wire's own: nobody sent it there and then. */
export const isOwn = ({ deed }: SegmentRecord): boolean => isWiresOwn(deed);

/** So many packets in a row that are no segments of the cell are not told: an interface's own, of IPv6. */
const fewPackets = 8;

/** Everything of a record that a ladder has, in order: by time, and no effect before its cause. */
export function momentsOf(record: CellRecord): Moment[] {
  const segments = [...(record.segments ?? [])].sort((a, b) => a.t - b.t || a.n - b.n);
  const moving = segments.flatMap(movesOf);
  const arrivals = new Map(moving.flatMap((moment) => (moment.kind === 'arrives' ? [[moment.segment, moment]] : [])));
  const states = Object.entries(record.paths).flatMap(([name, path]) => {
    const told = statesOf(name, path, segments, arrivals, record);
    return [...told, ...replacedIn(record, told.at(-1), moving)];
  });
  const called = callInto(record.asides ?? [], states);
  for (const [state, call] of called) Object.assign(state, { call });
  const first = sentFirst(record, segments, states);
  const leaving = moving.map((moment) => {
    const state = moment.kind === 'leaves' ? first.get(moment.segment) : undefined;
    return state ? Object.assign(moment, { after: [...moment.after, state] }) : moment;
  });
  const asides = asideMoments(record.asides ?? [], new Set(called.values()), moving);
  const restarts = states.flatMap((state) => restartsOf(state, states, moving));
  const begins = beginsOf(record, leaving, states);
  return inOrder([...gapsOf(segments, record.asides ?? []), ...begins, ...states, ...leaving, ...asides, ...restarts]);
}

/** TIME-WAIT that gave its addresses and ports to a new incarnation: CLOSED, though nobody saw it go. */
function replacedIn(
  record: CellRecord,
  last: StateMoment | undefined,
  moving: readonly SegmentMoment[],
): StateMoment[] {
  const by: Replaced | undefined = last?.step.state === 'TIME-WAIT' ? replacedBy(record, last) : undefined;
  if (!last || !by) return [];
  const arrival = moving.find(({ kind, segment }) => kind === 'arrives' && segment === by.arrived);
  const step: Step = { state: 'CLOSED', at: by.at, evidence: 'exact', source: 'wire' };
  const after = [last, ...(arrival ? [arrival] : [])];
  return [{ kind: 'state', end: last.end, label: last.label, step, at: by.at, after, why: by.why }];
}

function movesOf(segment: SegmentRecord): SegmentMoment[] {
  const { from, t, arrived } = segment;
  const to = otherEnd(from);
  if (isOwn(segment)) return [{ kind: 'arrives', end: to, at: arrived ?? t, after: [], segment }];
  const leaves: SegmentMoment = { kind: 'leaves', end: from, at: t, after: [], segment };
  if (arrived === undefined) return [leaves];
  return [leaves, { kind: 'arrives', end: to, at: Math.max(t, arrived), after: [leaves], segment }];
}

/** An end's states; one that goes on in a mini-socket is one state. */
function statesOf(
  name: string,
  path: readonly Step[],
  segments: readonly SegmentRecord[],
  arrivals: ReadonlyMap<SegmentRecord, Moment>,
  record: CellRecord,
): StateMoment[] {
  const end = ends.find((each) => name === each || name.endsWith(`.${each}`)) ?? 'client';
  const label = name.slice(0, -end.length).replace(/\.$/, '');
  const own = segments.filter((segment) => segment.label === label);
  const sent = own.filter((segment) => segment.from === end && !isOwn(segment));
  const come = own
    .filter((segment) => segment.from !== end && segment.arrived !== undefined)
    .sort((a, b) => arrivalOf(a) - arrivalOf(b));
  const states: StateMoment[] = [];
  for (const [index, step] of path.entries()) {
    const last = states.at(-1);
    if (last && step.mini && last.step.state === step.state) {
      states[states.length - 1] = Object.assign(last, { mini: step });
      continue;
    }
    if (last?.step.mini && last.step.state === step.state && step.state === 'SYN-RECEIVED') {
      states[states.length - 1] = Object.assign(last, { full: step.at });
      continue;
    }
    // a close after a shutdown announces the state that it is in once more
    if (last && last.step.state === step.state) continue;
    const request = index === 0 ? requestOf(step, sent, come, record) : undefined;
    if (request) {
      const came = arrivals.get(request.syn);
      states.push({
        kind: 'state',
        end,
        label,
        step: request.step,
        at: request.step.at,
        after: came ? [came] : [],
        full: step.at,
      });
      continue;
    }
    const cause = toldBy(step, end, segments) ?? causeOf(step, path[index - 1], come, sent);
    const arrival = cause && arrivals.get(cause);
    const at = step.evidence === 'exact' || !arrival ? step.at : Math.max(arrival.at, step.notBefore ?? 0);
    const after = [last, arrival].filter((moment) => moment !== undefined);
    const why = step.state === 'CLOSED' && last?.step.state === 'TIME-WAIT' && whyClosed(record, label, end);
    const isReset = why === endedByRst && arrival !== undefined && step.evidence !== 'exact';
    const seen: Step = isReset ? { state: step.state, at: arrival.at, evidence: 'exact', source: 'wire' } : step;
    states.push({ kind: 'state', end, label, step: seen, at, after, ...(why && { why }) });
  }
  return states;
}

/** Of what the wire itself tells, the segment that came then, whichever incarnation's it is. */
const toldBy = (
  { source, evidence, at }: Step,
  end: End,
  segments: readonly SegmentRecord[],
): SegmentRecord | undefined =>
  source === 'wire' && evidence === 'exact'
    ? segments.find(({ from, arrived }) => from !== end && arrived === at)
    : undefined;

/** Segments that an end sent on entering a state whose own time is not exact. */
function sentFirst(
  record: CellRecord,
  segments: readonly SegmentRecord[],
  states: readonly StateMoment[],
): Map<SegmentRecord, StateMoment> {
  const found = states.flatMap((state): [SegmentRecord, StateMoment][] => {
    const sent = segments.filter(
      (segment) => segment.from === state.end && segment.label === state.label && !isOwn(segment),
    );
    const segment = record.segments && (state.full ? sent.find(({ t }) => t >= state.at) : sentOn(state.step, sent));
    return segment ? [[segment, state]] : [];
  });
  return new Map(found);
}

function gapsOf(segments: readonly SegmentRecord[], asides: readonly AsideRecord[]): GapMoment[] {
  const numbered = [...segments].sort((a, b) => a.n - b.n);
  return numbered.flatMap((segment, index): GapMoment[] => {
    const before = numbered[index - 1] ?? segment;
    const count = segment.n - before.n - 1 - madeBetween(asides, before.n, segment.n);
    return count < fewPackets ? [] : [{ kind: 'gap', count, since: before.t, at: segment.t, after: [] }];
  });
}

/** What the wire made that is no segment is told for itself. */
const madeBetween = (asides: readonly AsideRecord[], from: number, to: number): number =>
  asides.reduce((sum, each) => (each.what === 'forged' && each.of > from && each.of < to ? sum + each.count : sum), 0);

/** By time, each after what it cannot precede. */
function inOrder(moments: readonly Moment[]): Moment[] {
  const told = new Set<Moment>();
  const ordered: Moment[] = [];
  const tell = (moment: Moment): void => {
    if (told.has(moment)) return;
    told.add(moment);
    for (const before of moment.after) tell(before);
    ordered.push(moment);
  };
  for (const moment of [...moments].sort((a, b) => a.at - b.at)) tell(moment);
  return ordered;
}
