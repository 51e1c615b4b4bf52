import { type End, otherEnd } from '../../tcp/states.ts';
import type { Path } from '../ladder/parts.ts';
import type { ConnectionPaths } from './courses.ts';

type Step = Path[number];

/** A state of an end, and the one before it. */
export interface Placed {
  readonly end: End;
  readonly step: Step;
  readonly previous: Step | undefined;
  /** When it went on in a mini-socket. */
  readonly mini?: Step;
}

/** Lines of a sequence diagram before and after the note of a state. */
interface Arrows {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** An end whose FIN is not acknowledged sends it again no sooner: TCP_RTO_MIN, include/net/tcp.h. */
const shortestRtoNs = 200e6;

/**
 * The segments that led an end into a state, or that it sent on entering it, as far as the states fix their place. A
 * sampled step does not say when.
 */
export function segmentsInto(placed: Placed, connection: ConnectionPaths): Arrows {
  const { end, step } = placed;
  if (step.evidence === 'sampled') return { before: [], after: [] };
  const other = otherEnd(end);
  return {
    before: isAcknowledged(placed, connection) ? [`${other}-->>${end}: ACK`] : [],
    after: [
      ...(sendsFin(placed, connection) ? [`${end}->>${other}: FIN`] : []),
      ...(sendsRst(placed, connection) ? [`${end}-x${other}: RST`] : []),
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
