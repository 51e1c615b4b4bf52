import { endOf } from '../../facts/roles.ts';
import type { AsideRecord, ClosingAside, SegmentRecord } from '../../record/schema.ts';
import { type End, otherEnd } from '../../tcp/states.ts';
import {
  arrivalOf,
  beginsOf,
  causeOf,
  endedByRst,
  type Replaced,
  replacedBy,
  requestOf,
  sentOn,
  whyClosed,
} from './causes.ts';
import type { AsideMoment, GapMoment, Moment, SegmentMoment, StateMoment, Step, Wired } from './parts.ts';
import { blocks, blocksNs, isOwn } from './segment.ts';

/** Number of packets in a row, other than segments of the cell, from which they get a row: an interface sends a few of its own on IPv6. */
const fewPackets = 8;

/** Everything of a record that a ladder has, in order: by time, and no effect before its cause. */
export function momentsOf(record: Wired): Moment[] {
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
function replacedIn(record: Wired, last: StateMoment | undefined, moving: readonly SegmentMoment[]): StateMoment[] {
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
  record: Wired,
): StateMoment[] {
  const { end, label } = endOf(name);
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

/** Returns the segment that arrived at the time of a step that the wire shows, in any incarnation. */
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
  record: Wired,
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

/** Counts forged packets that are no segments, which have rows of their own. */
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

/** What a call leads to may follow it by so much, ns: net shuts down in a later turn of its loop. */
const laterNs = 10e6;

/** The states that closing calls led to: of each call the first after it. */
export function callInto(
  asides: readonly AsideRecord[],
  states: readonly StateMoment[],
): Map<StateMoment, ClosingAside> {
  const found = new Map<StateMoment, ClosingAside>();
  for (const aside of asides) {
    if (aside.what !== 'close') continue;
    const state = states
      .filter(({ end, label }) => end === aside.end && label === aside.label)
      .find(({ step }) => step.at >= aside.t && step.at <= Math.min(aside.until, aside.t + blocksNs) + laterNs);
    const byCall = state && ['FIN-WAIT-1', 'LAST-ACK', 'CLOSED'].includes(state.step.state);
    if (byCall && state.step.evidence === 'exact' && !found.has(state)) found.set(state, aside);
  }
  return found;
}

/** Lists the moments that belong to no segment: a call that blocks, a read of an application, an ICMP message. */
export function asideMoments(
  asides: readonly AsideRecord[],
  told: ReadonlySet<ClosingAside>,
  moving: readonly SegmentMoment[],
): AsideMoment[] {
  return asides.flatMap((aside): AsideMoment[] => {
    const { end, label, t } = aside;
    const place = { kind: 'aside', end, label, aside } as const;
    if (aside.what === 'forged') return [{ ...place, says: 'forged', at: t, after: [] }];
    if (aside.what === 'read') {
      const came = arrivalAnswered(aside, moving);
      return [{ ...place, says: 'reads', at: t, after: came ? [came] : [] }];
    }
    if (aside.what === 'unreachable') {
      const left = moving.find(({ kind, segment }) => kind === 'leaves' && segment.n === aside.of);
      return [{ ...place, says: 'unreachable', at: t, after: left ? [left] : [] }];
    }
    if (!blocks(aside)) return [];
    const called: AsideMoment = { ...place, says: 'calls', at: t, after: [] };
    return [...(told.has(aside) ? [] : [called]), { ...place, says: 'returns', at: aside.until, after: [] }];
  });
}

const arrivalAnswered = (
  { of }: { readonly of?: number },
  moving: readonly SegmentMoment[],
): SegmentMoment | undefined =>
  moving.find(({ kind, segment }: { kind: string; segment: SegmentRecord }) => kind === 'arrives' && segment.n === of);

const lastNumber = ({ segment: { seq = 0, length } }: SegmentMoment): number => seq + length;

/** Restarts that are drawn one by one at most. */
const most = 3;

/**
 * Lists retransmitted FINs that reached an end in TIME-WAIT and restart its minute, RFC 9293 §3.10.7.4 and
 * tcp_timewait_state_process(); if there are many, the first and the last.
 */
export function restartsOf(
  { end, label, step, after, at }: StateMoment,
  states: readonly StateMoment[],
  moving: readonly SegmentMoment[],
): AsideMoment[] {
  if (step.state !== 'TIME-WAIT') return [];
  const closed = states.find((each) => each.end === end && each.label === label && each.step.state === 'CLOSED');
  const fins = moving.filter(
    ({ kind, end: to, segment }) =>
      kind === 'arrives' && to === end && segment.label === label && segment.flags.includes('FIN'),
  );
  const number = fins[0] && lastNumber(fins[0]);
  const came = fins.filter(
    (moment) =>
      lastNumber(moment) === number &&
      !after.includes(moment) &&
      moment.at > at &&
      moment.at < (closed?.at ?? Number.POSITIVE_INFINITY),
  );
  const told = came.length <= most ? came : [...came.slice(0, 1), ...came.slice(-1)];
  return told.map((moment) => ({
    kind: 'aside',
    end,
    label,
    says: 'restarts',
    at: moment.at,
    after: [moment],
    aside: { what: 'restart', t: moment.at, of: moment.segment.n },
  }));
}
