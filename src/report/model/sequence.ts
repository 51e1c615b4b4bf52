import { type End, ends, otherEnd } from '../../tcp/states.ts';
import type { Path } from '../ladder/parts.ts';
import { openingStates } from './fact-table.ts';

type Step = Path[number];

/** The two ends of one connection in one repeat of a cell. */
export interface ConnectionPaths {
  /** `old`; empty where the cell has one connection. */
  readonly label: string;
  readonly paths: Readonly<Record<End, Path>>;
  /** The closing segments that each end sent, in order; null where that is unknown. */
  readonly closedWith: Readonly<Record<End, readonly string[] | null>>;
  /** Why that is unknown, where the run says. */
  readonly unknown?: Readonly<Partial<Record<End, string>>>;
}

/** What both ends went through, in the order of time. */
export interface Sequence {
  /** It begins where both are ESTABLISHED; without that, with the first state. */
  readonly opened: boolean;
  /** Times count from here, ns since the run's origin: the first close, or the first state. */
  readonly origin: number;
  readonly rows: readonly SequenceRow[];
}
export type SequenceRow =
  | {
      readonly kind: 'state';
      readonly end: End;
      readonly step: Step;
      /** When it went on in a mini-socket. */
      readonly mini?: Step;
    }
  | { readonly kind: 'segment'; readonly from: End; readonly segment: ClosingSegment };
type ClosingSegment = 'ACK' | 'FIN' | 'RST';

/** A state of an end, and the one before it. */
interface Placed {
  readonly end: End;
  readonly step: Step;
  readonly previous: Step | undefined;
  readonly mini?: Step;
}

/** States beside their end, segments between them: a segment only where the states fix its place. */
export function sequenceOf(connection: ConnectionPaths): Sequence {
  const [client, server] = ends.map((end) => placedOf(end, connection.paths[end])) as [Placed[], Placed[]];
  const opened = [client, server].every((steps) => steps.some(isOpen));
  const steps = inTime(
    ...([client, server].map((each) => (opened ? each.filter(isLater) : each)) as [Placed[], Placed[]]),
  );
  const rows = steps.flatMap((placed): SequenceRow[] => {
    const { end, step, mini } = placed;
    const { before, after } = segmentsInto(placed, connection);
    return [...before, { kind: 'state', end, step, ...(mini && { mini }) }, ...after];
  });
  return { opened, origin: steps[0]?.step.at ?? 0, rows };
}

/** Whether nothing happens in it: one state at most, and no segment. */
export const isStill = ({ opened, rows }: Sequence): boolean => rows.length + Number(opened) < 2;

const isOpen = ({ step }: Placed): boolean => step.state === 'ESTABLISHED';
const isLater = ({ step }: Placed): boolean => !openingStates.has(step.state);

/** An end's states; one that goes on in a mini-socket is one state. */
function placedOf(end: End, path: Path): Placed[] {
  const placed: Placed[] = [];
  for (const step of path) {
    const last = placed.at(-1);
    if (last && step.mini && last.step.state === step.state) placed[placed.length - 1] = { ...last, mini: step };
    else placed.push({ end, step, previous: last?.step });
  }
  return placed;
}

/** Each end's steps stay in their order; of two at the same time the one that may have been earlier is first. */
function inTime(client: readonly Placed[], server: readonly Placed[]): Placed[] {
  const [a, ...others] = client;
  const [b, ...rest] = server;
  if (!a || !b) return [...client, ...server];
  const apart = b.step.at - a.step.at || (b.step.notBefore ?? b.step.at) - (a.step.notBefore ?? a.step.at);
  return apart >= 0 ? [a, ...inTime(others, server)] : [b, ...inTime(client, rest)];
}

/** An end whose FIN is not acknowledged sends it again no sooner: TCP_RTO_MIN, include/net/tcp.h. */
const shortestRtoNs = 200e6;

/**
 * The segments that led an end into a state, or that it sent on entering it, as far as the states fix their place. A
 * sampled step does not say when.
 */
function segmentsInto(
  placed: Placed,
  connection: ConnectionPaths,
): { before: readonly SequenceRow[]; after: readonly SequenceRow[] } {
  const { end, step } = placed;
  if (step.evidence === 'sampled') return { before: [], after: [] };
  const sent = (from: End, segment: ClosingSegment): SequenceRow => ({ kind: 'segment', from, segment });
  return {
    before: isAcknowledged(placed, connection) ? [sent(otherEnd(end), 'ACK')] : [],
    after: [
      ...(sendsFin(placed, connection) ? [sent(end, 'FIN')] : []),
      ...(sendsRst(placed, connection) ? [sent(end, 'RST')] : []),
    ],
  };
}

/** FIN-WAIT-1 and LAST-ACK are entered by sending a FIN. */
const sendsFin = ({ end, step }: Placed, { closedWith }: ConnectionPaths): boolean =>
  (step.state === 'FIN-WAIT-1' || step.state === 'LAST-ACK') && (closedWith[end] ?? []).includes('FIN');

/**
 * Only where this end alone sent a RST and went straight to CLOSED from a state that a FIN would have led elsewhere: an end
 * that receives one goes the same way.
 */
function sendsRst({ end, step, previous }: Placed, { closedWith }: ConnectionPaths): boolean {
  const other = closedWith[otherEnd(end)];
  const alone = (closedWith[end] ?? []).includes('RST') && other !== null && !other.includes('RST');
  return alone && step.state === 'CLOSED' && (previous?.state === 'ESTABLISHED' || previous?.state === 'CLOSE-WAIT');
}

/**
 * Whether an ACK of its FIN led this end here, and no other segment. Nothing else leads to FIN-WAIT-2, nor from CLOSING to
 * TIME-WAIT; but the other end's FIN may have carried the one to FIN-WAIT-2, if it was sent before. LAST-ACK may also end
 * by a RST or for want of an answer: neither where the other end is in TIME-WAIT, for less than the shortest time until a
 * FIN is sent again.
 */
function isAcknowledged({ end, step, previous }: Placed, { paths, closedWith }: ConnectionPaths): boolean {
  const other = otherEnd(end);
  if (step.state === 'FIN-WAIT-2') return !paths[other].some(({ state, at }) => state === 'LAST-ACK' && at <= step.at);
  if (step.state === 'TIME-WAIT') return previous?.state === 'CLOSING';
  if (step.state !== 'CLOSED' || previous?.state !== 'LAST-ACK') return false;
  const waits = paths[other].find(({ state }) => state === 'TIME-WAIT');
  const took = waits ? step.at - (waits.notBefore ?? waits.at) : Number.NaN;
  return Math.abs(took) < shortestRtoNs && closedWith[other] !== null && !closedWith[other].includes('RST');
}
