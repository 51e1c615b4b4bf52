import type { Ns } from '../record/event.ts';
import type { SegmentRecord } from '../record/schema.ts';
import { otherEnd, type State } from '../tcp/states.ts';
import { isWiresOwn } from './carried.ts';
import { type CellView, type ConnectionView, type EndView, isOneSocket } from './connections.ts';

/** What another observer says of an end: that it was in a state at some time between two. */
interface Said {
  readonly by: 'ss' | 'the trace';
  readonly state: State;
  readonly from: Ns;
  readonly until: Ns;
}

/** What the wire has of a connection, as one of its ends sees it. */
interface OnWire {
  /** What the end sent, when the wire took it. */
  readonly sent: readonly SegmentRecord[];
  /** What the wire gave to the end in the other's name, whoever made it. */
  readonly given: readonly (SegmentRecord & { readonly arrived: Ns })[];
  /** Up to when the record has every packet; from then on only those that open, close, reset, or that a rule decided. */
  readonly wholeUntil: Ns;
}

/** Both are CLOCK_MONOTONIC; how far the tracer's reading of it (`mono`) may be off is not specified: far more than was ever seen. */
const traceSlack: Ns = 1_000_000;

const needsOtherFin: ReadonlySet<State> = new Set(['CLOSE-WAIT', 'LAST-ACK', 'CLOSING', 'TIME-WAIT']);
/** RFC 9293 §3.3.2: entered with the acknowledgement of its FIN. */
const needsAckOfFin: ReadonlySet<State> = new Set(['FIN-WAIT-2', 'TIME-WAIT']);
const needsNothing: ReadonlySet<State> = new Set(['CLOSED', 'LISTEN', 'SYN-SENT']);

function onWire(view: CellView, { event }: ConnectionView, { end }: EndView): OnWire {
  const { segments, connections } = view.carried;
  const own = segments.filter(({ incarnation }) => connections.get(incarnation) === event);
  // what the wire repeats is of the incarnation that it was of, and may mean something to the next
  const made = segments.filter((segment) => isWiresOwn(segment.deed) && !own.includes(segment));
  const sent = own.filter(({ from, deed }) => from === end && !isWiresOwn(deed));
  // what answered before this end sent its SYN is an earlier connection's end: TIME-WAIT, LAST-ACK, which challenge a new SYN
  const opening = sent.findIndex(has('SYN'));
  return {
    sent: sent.slice(Math.max(0, opening)),
    given: [...own, ...made].flatMap((segment) =>
      segment.from === otherEnd(end) && segment.arrived !== undefined ? [{ ...segment, arrived: segment.arrived }] : [],
    ),
    wholeUntil: view.carried.lacks?.since ?? Number.POSITIVE_INFINITY,
  };
}

/** Behind the last sequence number that a segment takes, relative. */
const endOf = ({ seq, length, flags }: SegmentRecord): number | undefined =>
  seq === undefined ? undefined : seq + length + (flags.includes('SYN') ? 1 : 0) + (flags.includes('FIN') ? 1 : 0);

const has =
  (...flags: SegmentRecord['flags']) =>
  (segment: SegmentRecord) =>
    flags.every((flag) => segment.flags.includes(flag));

/** What the wire must have given an end until then for it to be in that state, and had not; undefined: nothing is missing. */
function missing({ sent, given, wholeUntil: whole }: OnWire, { state, until }: Said): string | undefined {
  if (needsNothing.has(state)) return undefined;
  const come = given.filter(({ arrived }) => arrived <= until);
  const never = (what: string, when: (segment: SegmentRecord) => boolean): string => {
    const later = given.find(when);
    return later ? `the wire gave it ${what} only at ${msOf(later.arrived)} ms` : `the wire gave it no ${what}`;
  };
  if (!come.some(has('SYN'))) return never('SYN', has('SYN'));
  if (needsOtherFin.has(state) && !come.some(has('FIN'))) return never('FIN', has('FIN'));
  if (!needsAckOfFin.has(state) || until > whole) return undefined;
  const fin = sent.find(has('FIN'));
  const finEnd = fin && endOf(fin);
  if (!fin) return 'the wire had no FIN of its own';
  if (finEnd === undefined) return undefined;
  const acknowledges = ({ ack }: SegmentRecord) => ack !== undefined && ack >= finEnd;
  return come.some(acknowledges) ? undefined : never('acknowledgement of its FIN', acknowledges);
}

const msOf = (t: Ns): string => (t / 1e6).toFixed(3);

/**
 * Where `ss` or the trace has an end in a state for which the wire had not yet given it the segment that leads there. Only what is
 * necessary is asked for: the wire takes the time before it gives, and `ss` after it looked, so that being late is no fault.
 */
function stateContradictions(wire: OnWire, end: EndView, said: readonly Said[]): string[] {
  // one missing segment makes all that follows impossible
  const first = new Map<string, string>();
  for (const each of said) {
    const lacks = missing(wire, each);
    const key = `${each.by} ${lacks}`;
    if (lacks === undefined || first.has(key)) continue;
    first.set(key, `${end.end}: ${each.by} has ${each.state} at ${msOf(each.until)} ms, while ${lacks}`);
  }
  return [...first.values()];
}

/**
 * Where `ss` shows less in a send queue than the wire saw sent and had given no acknowledgement of: those bytes, SYN and FIN one
 * each, are in the queue for as long as they are not acknowledged.
 */
function queueContradictions({ sent, given, wholeUntil: whole }: OnWire, end: EndView, since: Ns): string[] {
  for (const { from, until, socket } of end.looks) {
    // mini-sockets and requests have no queue
    const isFull = socket && socket.state !== 'SYN-RECEIVED' && socket.timer?.name !== 'timewait';
    if (!isFull || socket.state === 'TIME-WAIT' || from < since || until > whole) continue;
    const ends = sent.filter(({ t }) => t <= from).flatMap((segment) => endOf(segment) ?? []);
    const acks = given.filter(({ arrived }) => arrived <= until).flatMap(({ ack }) => ack ?? []);
    const least = Math.max(0, ...ends) - Math.max(0, ...acks);
    if (socket.sendQ >= least) continue;
    return [
      `${end.end}: ss shows ${socket.sendQ} bytes in its send queue at ${msOf(until)} ms, while the wire had given it no acknowledgement of the last ${least} that it had sent`,
    ];
  }
  return [];
}

/** Where the wire's segments contradict what `ss` and the trace say of an end; each with both evidences. */
export function wireContradictions(view: CellView, connection: ConnectionView, end: EndView): string[] {
  const wire = onWire(view, connection, end);
  // from the end's first segment on its addresses are this connection's, and no more an earlier one's
  const since = wire.sent[0]?.t;
  if (since === undefined || isOneSocket(connection.event)) return [];
  const looked = end.looks.flatMap(({ from, until, socket }): Said[] =>
    socket && from >= since ? [{ by: 'ss', state: socket.state, from, until }] : [],
  );
  const traced = (end.chain?.transitions ?? []).map(
    ({ t, to }): Said => ({ by: 'the trace', state: to, from: t, until: t + traceSlack }),
  );
  return [...stateContradictions(wire, end, [...traced, ...looked]), ...queueContradictions(wire, end, since)];
}
