import type { Ns, PathStep } from '../record/event.ts';
import type { SegmentRecord } from '../record/schema.ts';
import type { CellView, ConnectionView, EndView, Look } from './connections.ts';
import type { EndpointPath } from './path.ts';

/** What the wire saw of a connection that was opened. */
const segmentsOf = ({ carried }: CellView, { event }: ConnectionView): readonly SegmentRecord[] =>
  carried.segments.filter(({ incarnation }) => carried.connections.get(incarnation) === event);

const isSyn = ({ from, flags }: SegmentRecord) => from === 'client' && flags.includes('SYN') && !flags.includes('ACK');
const isSynAck = ({ from, flags }: SegmentRecord) =>
  from === 'server' && flags.includes('SYN') && flags.includes('ACK');

/** A request as `ss` showed it: TCP_NEW_SYN_RECV, include/net/tcp_states.h. */
const requestLooks = ({ looks }: EndView, until: Ns): readonly Look[] =>
  looks.filter((look) => look.until <= until && look.socket?.state === 'SYN-RECEIVED');

/**
 * The step of a request that `ss` showed: it began when the SYN came, by the wire; without one at some time before the look.
 * A server that sends SYN cookies answers a SYN and has none.
 */
function requestStep(view: CellView, connection: ConnectionView, first: Look): PathStep {
  const state = { state: 'SYN-RECEIVED', mini: true } as const;
  const came = segmentsOf(view, connection).find(isSyn)?.arrived;
  if (came !== undefined && came <= first.until) return { ...state, at: came, evidence: 'exact', source: 'wire' };
  const notBefore = connection.event.client.opening?.from ?? first.from;
  return { ...state, at: first.until, notBefore, evidence: 'sampled', source: 'ss' };
}

/** The steps of an accepted socket behind those of the request that it was, where `ss` showed that. */
export function withRequest(
  view: CellView,
  connection: ConnectionView,
  end: EndView,
  steps: readonly PathStep[],
): readonly PathStep[] {
  const [first] = requestLooks(end, end.chain?.begins ?? 0);
  return first ? [requestStep(view, connection, first), ...steps] : steps;
}

/** When the request ended: at a RST that the wire carried, otherwise between two looks; undefined: it had not. */
function requestEnd(view: CellView, connection: ConnectionView, end: EndView, last: Look): PathStep | undefined {
  const gone = end.looks.find(({ from, socket }) => socket === undefined && from >= last.until);
  if (!gone) return undefined;
  const reset = segmentsOf(view, connection).find(
    ({ from, flags, arrived }) =>
      from === 'client' &&
      flags.includes('RST') &&
      arrived !== undefined &&
      arrived >= last.from &&
      arrived <= gone.until,
  );
  if (reset?.arrived !== undefined) return { state: 'CLOSED', at: reset.arrived, evidence: 'exact', source: 'wire' };
  return { state: 'CLOSED', at: gone.until, notBefore: last.from, evidence: 'sampled', source: 'ss' };
}

/** The path of an end that no full socket ever was: nothing, or a request that was given up. Only `ss` shows which. */
export function requestPath(view: CellView, connection: ConnectionView, end: EndView): EndpointPath {
  const shown = requestLooks(end, Number.POSITIVE_INFINITY);
  const [first] = shown;
  const last = shown.at(-1);
  if (first && last) {
    const over = requestEnd(view, connection, end, last);
    return { steps: [requestStep(view, connection, first), ...(over ? [over] : [])], disagreements: [] };
  }
  const segments = segmentsOf(view, connection);
  const answered = segments.find(isSynAck);
  const nobody = segments.length > 0 && !answered;
  const answer = answered?.t ?? Number.POSITIVE_INFINITY;
  const over = segments.find(
    ({ t, arrived, from }) => from === 'client' && t > answer && arrived !== undefined,
  )?.arrived;
  // a cookie: the SYN was answered, and in the time of a request there was none
  const looked = end.looks.some(({ from, until }) => from >= answer && until <= (over ?? Number.POSITIVE_INFINITY));
  if (nobody || looked) return { steps: [], disagreements: [] };
  return { steps: [], disagreements: [], incomplete: 'no ss sample while a request may have waited there' };
}
