import type { MiniSocketEvent, Ns, TransitionEvent } from '../record/event.ts';
import type { PathStep } from '../record/schema.ts';
import { sameAddress } from '../tcp/address.ts';
import { otherEnd, type State } from '../tcp/states.ts';
import { isWireSegment, isWiresOwn, resetArrivals, type WireSegment } from './carried.ts';
import { isOf } from './chains.ts';
import type { CellView, ConnectionView, EndView, Look } from './connections.ts';
import { Unknown } from './kinds.ts';
import { cameTo, sentBy } from './translation.ts';

/** What became of an endpoint after its full socket ended. */
export type Afterlife =
  | { readonly exists: false }
  | { readonly exists: true; readonly timer?: MiniSocketEvent; readonly firstSeen?: Look }
  | { readonly exists: 'unknown'; readonly why: Unknown };

/** States a full socket can leave to a mini-socket: tcp_time_wait() is called from these only. */
const leavesMini: ReadonlySet<State> = new Set(['FIN-WAIT-2', 'CLOSING']);

/**
 * No mini-socket runs out sooner: TIME-WAIT takes 60 s, an orphan's FIN-WAIT-2 not less than 3.5 times an RTO, which is 200 ms
 * or more (tcp_fin_time() in include/net/tcp.h). A sample that shows none later than this says nothing.
 */
const shortestNs: Ns = 700_000_000;

/** Whether a mini-socket took over when the full socket was CLOSED, and by what evidence. */
export function afterlifeOf(
  view: CellView,
  end: EndView,
  { from: left, t: closed, handOver }: TransitionEvent,
): Afterlife {
  if (!leavesMini.has(left)) return { exists: false };
  const { chain } = end;
  const timer = chain && view.miniSockets.findLast((event) => isOf(chain, event) && event.t <= closed);
  const later = end.looks.filter((look) => look.from >= closed);
  const firstSeen = later.find(({ socket }) => socket !== undefined);
  if (timer || firstSeen) return { exists: true, ...(timer && { timer }), ...(firstSeen && { firstSeen }) };
  const isTraced = view.sight.miniTimers && handOver === undefined;
  if (isTraced || later.some(({ until }) => until < closed + shortestNs)) return { exists: false };
  return {
    exists: 'unknown',
    why: new Unknown(
      'not-sampled',
      handOver === undefined
        ? 'no ss sample soon after the full socket ended, and this kernel traces no mini-socket timers'
        : 'no ss sample soon after the full socket ended, and its CPU stood still while it did',
    ),
  };
}

/** How a mini-socket ended, if it did while anyone looked. */
export interface MiniEnd {
  readonly at: Ns;
  readonly notBefore?: Ns;
  /**
   * `timer`: its timer expired. `rst`, `recycled`: the wire shows a RST, or a SYN that reused it. `succeeded`: a new connection has
   * its addresses and ports; a RST may have ended it before. `gone`: samples no longer show it.
   */
  readonly by: 'timer' | 'rst' | 'recycled' | 'succeeded' | 'gone';
  /** Evidence of the wire for this end; absent without a wire. */
  readonly step?: Pick<PathStep, 'evidence' | 'source'>;
}

export function miniEndOf(
  view: CellView,
  end: EndView,
  since: Ns,
  timer: MiniSocketEvent | undefined,
): MiniEnd | undefined {
  if (timer) {
    // the slab may give the same address to a later mini-socket: the first expiry, before another's first start, is ours
    const another = view.miniSockets.find((event) => event.timer === timer.timer && event.t > timer.t);
    const limit = Math.min(another?.t ?? Number.POSITIVE_INFINITY, end.succeededAt);
    const expired = view.miniTimers.find(
      ({ kind, timer: address, t }) =>
        kind === 'mini-timer-expire' && address === timer.timer && t >= since && t < limit,
    );
    if (expired) return { at: expired.t, by: 'timer' };
  }
  const later = end.looks.filter((look) => look.until >= since);
  const lastSeen = later.findLast(({ socket }) => socket !== undefined);
  const gone = later.find((look) => look.socket === undefined && look.from >= (lastSeen?.until ?? since));
  if (!gone) return undefined;
  const shown = lastSeen?.socket?.timer;
  const left = shown?.name === 'timewait' ? shown : undefined;
  const notBefore = Math.max(lastSeen?.from ?? since, since);
  // the timer that the last sample showed expired before the first sample without the socket; a traced timer would have
  // shown its own end
  const ranOut = timer === undefined && lastSeen && left !== undefined && lastSeen.from + left.ms * 1e6 <= gone.until;
  return { at: gone.until, notBefore, by: ranOut ? 'timer' : 'gone' };
}

/** What an end itself had sent before a time since its SYN, in order, other than a SYN or a RST: it has the numbers of its TIME-WAIT. */
function sentUntil({ events }: CellView, end: EndView, before: Ns): readonly WireSegment['segment'][] {
  const own = events
    .filter(isWireSegment)
    .filter((event) => event.t <= before && !isWiresOwn(event.deed) && sentBy(events, end, event))
    .sort((a, b) => a.t - b.t)
    .map(({ segment }) => segment);
  const isNumbered = ({ flags }: WireSegment['segment']): boolean =>
    flags.includes('ACK') && !flags.includes('SYN') && !flags.includes('RST');
  const last = own.findLastIndex(isNumbered);
  const syn = own.findLastIndex(({ flags }, index) => index < last && flags.includes('SYN'));
  return own.slice(syn + 1).filter(isNumbered);
}

const lastSent = (view: CellView, end: EndView, before: Ns): WireSegment['segment'] | undefined =>
  sentUntil(view, end, before).at(-1);

/** Whether the wire shows which numbers its TIME-WAIT had until then. */
export const hasNumbers = (view: CellView, end: EndView, until: Ns): boolean =>
  !(view.carried.lacks && view.carried.lacks.since < until) && lastSent(view, end, until) !== undefined;

/** Segments with a flag that came to an end in this time, and when, whichever incarnation sent them. */
function arrivals(
  { events, carried }: CellView,
  end: EndView,
  flag: 'SYN' | 'RST',
  [from, to]: readonly [Ns, Ns],
): readonly { readonly at: Ns; readonly segment: WireSegment['segment'] }[] {
  const arrived = new Map(carried.segments.map((each) => [each.n, each.arrived]));
  return events
    .filter(isWireSegment)
    .flatMap((event) => {
      const at = event.segment.flags.includes(flag) ? arrived.get(event.n) : undefined;
      if (at === undefined || at < from || at > to) return [];
      return cameTo(events, end, event, at) ? [{ at, segment: event.segment }] : [];
    })
    .sort((a, b) => a.at - b.at);
}

const stampOf = ({ options }: WireSegment['segment']) => options.find(({ kind }) => kind === 'timestamps');

/** Whether a segment's timestamp is older than the one that the other end echoed last: tcp_paws_reject(). */
function isOlder(segment: WireSegment['segment'], last: WireSegment['segment']): boolean {
  const [stamp, known] = [stampOf(segment), stampOf(last)];
  return stamp?.kind === 'timestamps' && known?.kind === 'timestamps' && ((stamp.value - known.echo) | 0) < 0;
}

/**
 * When RSTs with exactly the number that an end waits for came to it in this time, whichever incarnation sent them: the client
 * of a new one does when TIME-WAIT challenges its SYN. tcp_timewait_state_process() lets no other RST end TIME-WAIT.
 */
function exactResets(view: CellView, end: EndView, time: readonly [Ns, Ns]): readonly Ns[] {
  // its numbers are those of what it sent last
  if (view.carried.lacks && view.carried.lacks.since < time[1]) return [];
  return arrivals(view, end, 'RST', time).flatMap(({ at, segment }) => {
    const last = lastSent(view, end, at);
    return last && last.absolute.ack === segment.absolute.seq && !isOlder(segment, last) ? [at] : [];
  });
}

/** tcp_timewait_state_process() and tcp_twsk_unique(): a successor begins so far beyond the last number of TIME-WAIT. */
const beyond = 65_535 + 2;

/** Whether a SYN's number says that it took the place of a TIME-WAIT that was still there; chance does in one of 2^32. */
function followsOn(view: CellView, end: EndView, { t, segment }: WireSegment): boolean {
  const after = sentUntil(view, end, t).map(
    ({ absolute, bytes, flags }) => absolute.seq + bytes + Number(flags.includes('FIN')),
  );
  // what is sent again has a number of before
  const next = after.reduce((most, each) => (((each - most) | 0) > 0 ? each : most), after[0] ?? Number.NaN);
  return (next + beyond) >>> 0 === segment.absolute.seq;
}

const byReset = (at: Ns): MiniEnd => ({ at, by: 'rst', step: { evidence: 'exact', source: 'wire' } });

const isAnswer = ({ segment }: WireSegment, syn: WireSegment['segment']): boolean =>
  segment.absolute.ack === (syn.absolute.seq + 1) >>> 0;

/**
 * TIME-WAIT gives way to a SYN of the other end, which is answered with a SYN of its own end: tcp_timewait_state_process() takes
 * it away when that SYN comes. Or to a connect(2) of its own end, between its first transition and its SYN on the wire. Where the
 * number of its own SYN says that it was gone before, a RST that came had ended it.
 */
function recycled(view: CellView, end: EndView, since: Ns): MiniEnd | undefined {
  const { events } = view;
  const own = events.find(
    (event): event is WireSegment =>
      isWireSegment(event) &&
      event.t > since &&
      !isWiresOwn(event.deed) &&
      event.segment.flags.includes('SYN') &&
      sentBy(events, end, event),
  );
  if (!own) return undefined;
  const undecided = { at: own.t, notBefore: since, by: 'succeeded' } as const;
  const isKnown = hasNumbers(view, end, own.t);
  // what the mini-socket had sent last decides whether a RST ended it before
  if (!isKnown && arrivals(view, end, 'RST', [since, own.t]).length > 0) return undecided;
  if (isKnown && !followsOn(view, end, own)) {
    const [reset] = exactResets(view, end, [since, own.t]);
    return reset === undefined ? undecided : byReset(reset);
  }
  if (!own.segment.flags.includes('ACK')) {
    const began = events.findLast(
      (event) =>
        event.kind === 'transition' &&
        event.to === 'SYN-SENT' &&
        event.t >= since &&
        event.t <= own.t &&
        sameAddress(event.remote, end.remote),
    );
    const step = { evidence: 'bracketed', source: 'wire' } as const satisfies Partial<PathStep>;
    return { at: own.t, notBefore: began?.t ?? since, by: 'recycled', step };
  }
  const came = arrivals(view, end, 'SYN', [since, own.t]).findLast(
    ({ segment }) => !segment.flags.includes('ACK') && isAnswer(own, segment),
  );
  return came && { at: came.at, by: 'recycled', step: { evidence: 'exact', source: 'wire' } };
}

/**
 * Returns how a mini-socket ended, by the segment that the wire delivered to it: a SYN that reused it or, if it was removed between
 * two samples, the first RST with its sequence number in that time, or the only RST where its numbers are not known. `sampled` is the end by samples and timer,
 * and is returned if the wire shows no more.
 */
export function endOnWire(
  view: CellView,
  connection: ConnectionView,
  end: EndView,
  mini: Pick<PathStep, 'state' | 'at'>,
  sampled: MiniEnd | undefined,
): MiniEnd | undefined {
  if (sampled?.by === 'timer') return sampled;
  const { at, notBefore = mini.at } = sampled ?? { at: end.succeededAt };
  const killed = view.events.some(
    (event) =>
      event.kind === 'destroyed' &&
      event.t >= mini.at &&
      event.t <= at &&
      sameAddress(event.local, end.local) &&
      sameAddress(event.remote, end.remote),
  );
  if (killed) return sampled;
  if (!sampled) return mini.state === 'TIME-WAIT' ? recycled(view, end, mini.at) : undefined;
  const [exact] = exactResets(view, end, [notBefore, at]);
  if (exact !== undefined) return byReset(exact);
  // no other RST ends TIME-WAIT
  if (mini.state === 'TIME-WAIT' && hasNumbers(view, end, at)) return sampled;
  const [came, ...others] = resetArrivals(view.carried, connection.event, otherEnd(end.end), [notBefore, at]);
  return came === undefined || others.length > 0 ? sampled : byReset(came);
}
