import type { Event, SegmentEvent } from '../record/event.ts';
import type { FactValue } from '../record/fact.ts';
import { sameAddress } from '../tcp/address.ts';
import { otherEnd } from '../tcp/states.ts';
import { type ClosingSegment, closingSegments } from './carried.ts';
import { type Chain, enteredAt, isOf } from './chains.ts';
import type { CellView, ConnectionView, EndView } from './connections.ts';
import { described, factGroup, kind, Unknown } from './kinds.ts';
import type { OfEnd } from './path.ts';

/** What the trace says of the end's segments; unknown where it has no such socket, or this kernel no such tracepoint. */
function ofChain<T extends FactValue>(
  { sight }: CellView,
  { chain }: EndView,
  needs: 'resets' | 'retransmits',
  value: (chain: Chain) => T | Unknown,
): T | Unknown {
  if (!sight.transitions) return new Unknown('not-traced', 'without tracepoints, segments are not seen');
  if (!chain) return new Unknown('no-socket', 'the trace has no socket of this endpoint');
  return sight[needs] ? value(chain) : new Unknown('not-traced', `this kernel does not trace ${needs}`);
}

/**
 * A FIN is queued as the state becomes FIN-WAIT-1 or LAST-ACK (tcp_close_state(), tcp_send_fin()), behind data that may wait for
 * the other end's window. It was sent where the other end saw it, or where this end went on as if it was acknowledged, and not
 * because of a RST: CLOSING and LAST-ACK end with one, too, and CLOSING begins with the other end's FIN alone.
 */
function finArrived(events: readonly Event[], chain: Chain, other: EndView): boolean {
  const seen = enteredAt(other.chain, 'CLOSE-WAIT', 'CLOSING') !== undefined;
  if (seen || enteredAt(chain, 'FIN-WAIT-2') !== undefined) return true;
  const wasReset = events.some(
    (event) => (event.kind === 'reset-sent' || event.kind === 'reset-received') && isOf(chain, event),
  );
  if (wasReset) return false;
  const crossed = enteredAt(chain, 'CLOSING') !== undefined;
  const closed = chain.transitions.some(({ from, to }) => from === 'LAST-ACK' && to === 'CLOSED');
  const waited = other.chain?.transitions.some(({ from, to }) => from === 'FIN-WAIT-2' && to === 'CLOSED') ?? false;
  return crossed || closed || waited;
}

/**
 * How many RSTs the kernel counted and did not trace: up to 6.1, tcp_send_reset is not fired for those that it sends where there is no
 * socket any more, or only a mini-socket.
 */
function untracedResets(events: readonly Event[]): number {
  const counted = new Map<string, number>();
  for (const event of events) if (event.kind === 'counters') counted.set(event.space, event.values['Tcp.OutRsts'] ?? 0);
  const traced = events.filter(({ kind }) => kind === 'reset-sent').length;
  return counted.values().reduce((sum, each) => sum + each, 0) - traced;
}

function segmentsTraced(
  view: CellView,
  end: EndView,
  chain: Chain,
  other: EndView,
): readonly ClosingSegment['segment'][] | Unknown {
  const sent = chain.transitions
    .filter(({ from, to }) => from !== to && (to === 'FIN-WAIT-1' || to === 'LAST-ACK'))
    .map(({ t }): ClosingSegment => ({ t, segment: 'FIN' }));
  if (sent.length > 0 && !finArrived(view.events, chain, other))
    return new Unknown('not-shown', 'the FIN was queued; no observer shows that the kernel sent it');
  const untraced = untracedResets(view.events);
  if (untraced > 0)
    return new Unknown(
      'not-traced',
      `${untraced} of the RSTs that the kernel counted are not in its trace: any end can have sent them`,
    );
  for (const event of view.events) {
    if (event.kind !== 'reset-sent') continue;
    // a socket that was just closed still sends its RST; a mini-socket, or nobody, sends one in its place
    const flow = sameAddress(event.local, end.local) && sameAddress(event.remote, end.remote);
    const now = event.t >= chain.begins && event.t < end.triedAgainAt;
    if (isOf(chain, event) || (flow && now)) sent.push({ t: event.t, segment: 'RST' });
  }
  return sent.sort((a, b) => a.t - b.t).map(({ segment }) => segment);
}

const byTrace = (
  view: CellView,
  connection: ConnectionView,
  end: EndView,
): readonly ClosingSegment['segment'][] | Unknown =>
  ofChain(view, end, 'resets', (chain) => segmentsTraced(view, end, chain, connection[otherEnd(end.end)]));

/** The closing segments that an end sent: by the wire, which saw them; without one by the trace. */
const closedWith = (
  view: CellView,
  connection: ConnectionView,
  end: EndView,
): readonly ClosingSegment['segment'][] | Unknown =>
  closingSegments(view.carried, connection.event, end.end)?.map(({ segment }) => segment) ??
  byTrace(view, connection, end);

/** Where the trace knows as much as the wire, they must agree. Who resets for a socket that is gone is not in the trace. */
export function closingContradiction(view: CellView, connection: ConnectionView, end: EndView): string[] {
  const wire = closingSegments(view.carried, connection.event, end.end);
  const trace = byTrace(view, connection, end);
  if (!wire || trace instanceof Unknown) return [];
  const closed = end.chain?.transitions.find(({ to }) => to === 'CLOSED')?.t ?? Number.POSITIVE_INFINITY;
  const sent = wire.map(({ segment }) => segment);
  const more = wire.slice(trace.length);
  const agreed =
    sent.slice(0, trace.length).join() === trace.join() &&
    more.every(({ t, segment }) => segment === 'RST' && t > closed);
  const said = (segments: readonly string[]) => segments.join(', ') || 'nothing';
  return agreed ? [] : [`${end.end}: on the wire it closed with ${said(sent)}, by the trace with ${said(trace)}`];
}

/** A request, which is no full socket yet, sends its SYN-ACK again: the trace names no socket then. */
const isSynAckOf = (
  event: SegmentEvent,
  { connection, end, chain }: { readonly connection: ConnectionView; readonly end: EndView; readonly chain: Chain },
): boolean =>
  event.socket === '' &&
  sameAddress(event.local, end.local) &&
  sameAddress(event.remote, end.remote) &&
  event.t >= (connection.client.chain?.begins ?? Number.POSITIVE_INFINITY) &&
  event.t < chain.until;

/** The segments by which the end closed, and those that it sent again. */
export const closingFacts = factGroup(
  {
    closedWith: described('closing segments that the end sent, in order', kind.words('FIN', 'RST')),
    // a probe for a lost tail or a closed window is sent, or not, by timers that race with the reader
    retransmits: described('segments that the end sent again', kind.count({ compare: 'measurement' })),
  },
  ({ view, connection, end }: OfEnd) => ({
    closedWith: closedWith(view, connection, end),
    retransmits: ofChain(
      view,
      end,
      'retransmits',
      (chain) =>
        view.events.filter(
          (event) =>
            event.kind === 'retransmit' && (isOf(chain, event) || isSynAckOf(event, { connection, end, chain })),
        ).length,
    ),
  }),
);
