import { wiresOwn } from '../facts/carried.ts';
import { type End, ends, otherEnd } from '../facts/states.ts';
import type { CellRecord, SegmentRecord } from '../record/schema.ts';
import { arrivalOf, causeOf, type Step, sentOn } from './ladder-causes.ts';

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
  readonly count: number;
}
export type Moment = StateMoment | SegmentMoment | GapMoment;

/** The wire's own: nobody sent it there and then. */
export const isOwn = ({ deed }: SegmentRecord): boolean => wiresOwn.has(deed);

/** So many packets in a row that are no segments of the cell are not told: an interface's own, of IPv6. */
const fewPackets = 8;

/** Everything of a record that a ladder has, in order: by time, and no effect before its cause. */
export function momentsOf(record: CellRecord): Moment[] {
  const segments = [...(record.segments ?? [])].sort((a, b) => a.t - b.t || a.n - b.n);
  const moving = segments.flatMap(movesOf);
  const arrivals = new Map(moving.flatMap((moment) => (moment.kind === 'arrives' ? [[moment.segment, moment]] : [])));
  const states = Object.entries(record.paths).flatMap(([name, path]) => statesOf(name, path, segments, arrivals));
  const first = sentFirst(record, segments, states);
  const leaving = moving.map((moment) => {
    const state = moment.kind === 'leaves' ? first.get(moment.segment) : undefined;
    return state ? Object.assign(moment, { after: [...moment.after, state] }) : moment;
  });
  return inOrder([...gapsOf(segments), ...states, ...leaving]);
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
    // a close after a shutdown announces the state that it is in once more
    if (last && last.step.state === step.state) continue;
    const cause = causeOf(step, path[index - 1], come, sent);
    const arrival = cause && arrivals.get(cause);
    const at = step.evidence === 'exact' || !arrival ? step.at : Math.max(arrival.at, step.notBefore ?? 0);
    const after = [last, arrival].filter((moment) => moment !== undefined);
    states.push({ kind: 'state', end, label, step, at, after });
  }
  return states;
}

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
    const segment = record.segments && sentOn(state.step, sent);
    return segment ? [[segment, state]] : [];
  });
  return new Map(found);
}

function gapsOf(segments: readonly SegmentRecord[]): GapMoment[] {
  const numbered = [...segments].sort((a, b) => a.n - b.n);
  return numbered.flatMap((segment, index) => {
    const count = segment.n - (numbered[index - 1]?.n ?? segment.n) - 1;
    return count < fewPackets ? [] : [{ kind: 'gap' as const, count, at: segment.t, after: [] }];
  });
}

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
