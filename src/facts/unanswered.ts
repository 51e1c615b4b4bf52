import type { Ns } from '../record/event.ts';
import type { SegmentRecord } from '../record/schema.ts';
import { sameAddress } from '../tcp/address.ts';
import { closes, toldBy } from './application.ts';
import { everySegment, isWiresOwn } from './carried.ts';
import type { CellView, EndView } from './connections.ts';
import { described, factGroup, kind, Unknown } from './kinds.ts';
import type { OfEnd } from './path.ts';

/** Sequence numbers from, up to and without, that an end sent for the first time. */
interface FirstSent {
  readonly from: number;
  readonly to: number;
  readonly t: Ns;
  /** Its last is a FIN's. */
  readonly fin: boolean;
}

/** What an end sent as the wire saw it, and what came to it. */
interface Exchange {
  readonly firsts: readonly FirstSent[];
  /** Segments that it sent again, from the first sending of their first byte. */
  readonly resent: readonly Ns[];
  /**
   * Segments without data, for bytes that it had sent long since: from when anything had last come before the first of them,
   * such as the closing of a window, until data goes out again.
   */
  readonly probed: readonly Ns[];
  /** When the silence began in which it probed last: that from which those probes count. */
  readonly quietSince: Ns | undefined;
  readonly came: readonly (SegmentRecord & { readonly arrived: Ns })[];
  /** When it sent a RST. */
  readonly resets: readonly Ns[];
}

const has = ({ flags }: SegmentRecord, flag: SegmentRecord['flags'][number]): boolean => flags.includes(flag);
const lengthOf = (segment: SegmentRecord): number =>
  segment.length + Number(has(segment, 'SYN')) + Number(has(segment, 'FIN'));

function exchangeOf(segments: readonly SegmentRecord[], end: EndView): Exchange {
  const came = segments
    .flatMap((segment) =>
      segment.from !== end.end && segment.arrived !== undefined ? [{ ...segment, arrived: segment.arrived }] : [],
    )
    .sort((a, b) => a.arrived - b.arrived);
  const firsts: FirstSent[] = [];
  const resent: Ns[] = [];
  const probed: Ns[] = [];
  let quietSince: Ns | undefined;
  const sent = segments.filter(({ from, deed }) => from === end.end && !isWiresOwn(deed));
  // where both ends open, an end's SYN ACK is its answer to the other's SYN, though it has the number of its own SYN
  const answered = sent.find((segment) => has(segment, 'SYN') && has(segment, 'ACK'));
  const resets = sent.filter((segment) => has(segment, 'RST')).map(({ t }) => t);
  for (const segment of sent) {
    const { seq, t } = segment;
    if (seq === undefined || has(segment, 'RST')) continue;
    const sentTo = firsts.at(-1)?.to ?? seq;
    const to = seq + lengthOf(segment);
    const isOld = seq < sentTo && segment !== answered;
    const first = has(segment, 'SYN') && has(segment, 'ACK') ? answered : firsts.findLast(({ from }) => from <= seq);
    if (isOld && to > seq) resent.push(t - (first?.t ?? t));
    else if (isOld) {
      quietSince ??= came.findLast(({ arrived }) => arrived <= t)?.arrived ?? t;
      probed.push(t - quietSince);
    }
    if (to <= sentTo) continue;
    firsts.push({ from: sentTo, to, t, fin: has(segment, 'FIN') });
    quietSince = undefined;
  }
  return { firsts, resent, probed, quietSince, came, resets };
}

const destroyed = ({ events }: CellView, { local, remote }: EndView): boolean =>
  events.some(
    (event) => event.kind === 'destroyed' && sameAddress(event.local, local) && sameAddress(event.remote, remote),
  );

/** Whether its application's own close ended it at once, by a RST: nobody gave up waiting then. */
const aborted = (view: CellView, end: EndView, { firsts, resets }: Exchange, closedAt: Ns): boolean =>
  resets.length > 0 &&
  !firsts.some(({ fin }) => fin) &&
  toldBy(view, end).calls.some((call) => closes(call) && call.t <= closedAt && closedAt <= call.t + call.ns);

/** Seconds from the first sending of what was never acknowledged; where nothing such is left, from when its probes count. */
function gaveUpAfter({ firsts, quietSince, came, resets }: Exchange, closedAt: Ns): number | undefined {
  const before = came.filter(({ arrived }) => arrived <= closedAt);
  if (before.some((segment) => has(segment, 'RST'))) return undefined;
  const acked = Math.max(0, ...before.map(({ ack }) => ack ?? 0));
  const unacked = firsts.find(({ to }) => to > acked);
  // the wire takes a RST after the socket is gone; one in answer to what came later is nobody's
  const answered = came.find(({ arrived }) => arrived > closedAt)?.arrived ?? Number.POSITIVE_INFINITY;
  // nor has an end given up that was gone before the wire took what it had sent
  const isLater = unacked !== undefined && unacked.t > closedAt;
  if (unacked) return isLater || resets.some((t) => t < answered) ? undefined : (closedAt - unacked.t) / 1e9;
  return quietSince === undefined ? undefined : (closedAt - quietSince) / 1e9;
}

/** Until when an end has something to send again. */
const fullSocketEnds = ({ chain }: EndView): Ns =>
  chain?.transitions.findLast(({ to }) => to === 'CLOSED')?.t ?? Number.POSITIVE_INFINITY;

/** The call that closed an end, and can wait for the acknowledgement of its FIN. */
const closingCall = (view: CellView, end: EndView) =>
  toldBy(view, end).calls.findLast(
    (call) =>
      call.verb === 'closeDuplicate' ||
      call.verb === 'close(2)' ||
      (call.verb === 'close' && (call.by === 'destroy' || call.by === 'close(2)') && call.andThen === undefined),
  );

/** From when the acknowledgement of its FIN came until close(2) returned, ms; negative: it returned before. */
function closeAfterAck(view: CellView, end: EndView, { firsts, came }: Exchange): number | undefined {
  const call = closingCall(view, end);
  const fin = firsts.find((first) => first.fin);
  if (!call || !fin) return undefined;
  const acked = came.find(({ ack, arrived }) => ack !== undefined && ack >= fin.to && arrived > call.t);
  return acked && (call.t + call.ns - acked.arrived) / 1e6;
}

/** Times of what an end sent and the other did not answer, where the cell had a wire. */
export const unansweredFacts = factGroup(
  {
    resentAt: described('times at which the end sent a segment again, counted from its first sending', kind.times()),
    probedAt: described(
      'times at which the end sent probes without data, counted from the last segment that it had received before the first probe, such as the one that closed the window',
      kind.times(),
    ),
    gaveUpAfter: described(
      'time until the end was CLOSED, counted from the first sending of what was never acknowledged; if nothing such is left, from where probedAt counts',
      kind.seconds(),
    ),
    closeAfterAckMs: described(
      "time from the acknowledgement of the end's FIN until close(2) returned; negative: close(2) returned before it",
      kind.ms(),
    ),
  },
  ({ view, connection, end, path: { steps } }: OfEnd) => {
    const { segments, connections } = view.carried;
    const own = segments.filter(({ incarnation }) => connections.get(incarnation) === connection.event);
    if (own.length === 0) return {};
    const exchange = exchangeOf(own, end);
    const last = steps.at(-1);
    const closedAt = last?.state === 'CLOSED' && last.evidence === 'exact' ? last.at : undefined;
    const isOtherwise = closedAt === undefined || destroyed(view, end) || aborted(view, end, exchange, closedAt);
    const every = everySegment(view.carried, connection.event, fullSocketEnds(end));
    if (every instanceof Unknown) {
      return {
        resentAt: every,
        probedAt: every,
        gaveUpAfter: isOtherwise ? undefined : every,
        closeAfterAckMs: closingCall(view, end) && every,
      };
    }
    return {
      resentAt: exchange.resent.map((ns) => ns / 1e9),
      ...(exchange.probed.length > 0 && { probedAt: exchange.probed.map((ns) => ns / 1e9) }),
      gaveUpAfter: isOtherwise ? undefined : gaveUpAfter(exchange, closedAt),
      closeAfterAckMs: closeAfterAck(view, end, exchange),
    };
  },
);
