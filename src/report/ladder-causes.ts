import type { CellRecord, SegmentRecord } from '../record/schema.ts';
import type { Path } from './courses.ts';

/** A state of an end's path. */
export type Step = Path[number];

/**
 * How far a state may seem to precede the segment that led to it, ns: the wire takes its time beside the write that makes
 * the kernel act, and may lose the processor in between for one tick of the slowest HZ, 100.
 */
const slackNs = 10e6;

const has = ({ flags }: SegmentRecord, flag: SegmentRecord['flags'][number]): boolean => flags.includes(flag);
const isSyn = (segment: SegmentRecord): boolean => has(segment, 'SYN');
const isFin = (segment: SegmentRecord): boolean => has(segment, 'FIN');
const isRst = (segment: SegmentRecord): boolean => has(segment, 'RST');
const isAck = (segment: SegmentRecord): boolean => has(segment, 'ACK') && !isSyn(segment) && !isRst(segment);

/** Whether it acknowledges all of the other, as far as numbers are known. */
const reaches = ({ ack }: SegmentRecord, fin: SegmentRecord | undefined): boolean =>
  ack === undefined || fin?.seq === undefined || ack > fin.seq + fin.length;

/** Segments whose arrival can lead an end into a state, RFC 9293 §3.10.7; undefined where its own call does. */
function leadsTo(
  state: Step['state'],
  before: Step | undefined,
  sent: readonly SegmentRecord[],
): ((segment: SegmentRecord) => boolean) | undefined {
  const acksFin = (segment: SegmentRecord): boolean => isAck(segment) && reaches(segment, sent.find(isFin));
  switch (state) {
    case 'SYN-RECEIVED':
      // a full socket is made of the request only by the ACK that ends the handshake
      return (segment) => isSyn(segment) || isAck(segment);
    case 'ESTABLISHED':
      // where both ends opened, the SYN-ACKs acknowledge
      return before?.state === 'SYN-SENT' ? isSyn : (segment) => has(segment, 'ACK') && !isRst(segment);
    case 'CLOSE-WAIT':
    case 'CLOSING':
      return isFin;
    case 'FIN-WAIT-2':
      return acksFin;
    case 'TIME-WAIT':
      return before?.state === 'CLOSING' ? acksFin : isFin;
    case 'CLOSED':
      return before?.state === 'LAST-ACK' ? (segment) => acksFin(segment) || isRst(segment) : isRst;
    default:
      return undefined;
  }
}

/**
 * The segment whose arrival led an end into a state, of those that arrived there: for an exact step the latest before it,
 * else the earliest since it was possible. Undefined where none did, as for an end that closes, or a timer that ends.
 */
export function causeOf(
  step: Step,
  before: Step | undefined,
  arrivals: readonly SegmentRecord[],
  sent: readonly SegmentRecord[],
): SegmentRecord | undefined {
  const fits = leadsTo(step.state, before, sent);
  if (!fits) return undefined;
  const since = before?.notBefore ?? before?.at ?? Number.NEGATIVE_INFINITY;
  const possible = arrivals.filter(
    (segment) => fits(segment) && arrivalOf(segment) >= since - slackNs && arrivalOf(segment) <= step.at + slackNs,
  );
  if (step.evidence === 'exact') {
    const earlier = possible.findLast((segment) => arrivalOf(segment) <= step.at);
    const resets =
      step.state === 'CLOSED' && sent.some((segment) => isRst(segment) && Math.abs(segment.t - step.at) <= slackNs);
    return earlier ?? (resets || !before ? undefined : possible[0]);
  }
  return possible.find((segment) => arrivalOf(segment) >= (step.notBefore ?? 0) - slackNs);
}

/** When it reached the end that it went to; of one that did not: never. */
export const arrivalOf = ({ arrived }: SegmentRecord): number => arrived ?? Number.POSITIVE_INFINITY;

/**
 * SYN-RECEIVED as a wire saw it: a request, from when the answer to the SYN left. A full socket, which is all that the trace
 * sees, is made of it by the ACK of that. Undefined where there is none, as where the answer was a SYN cookie.
 */
export function requestOf(
  step: Step,
  sent: readonly SegmentRecord[],
  arrivals: readonly SegmentRecord[],
  { facts }: CellRecord,
): { readonly step: Step; readonly syn: SegmentRecord } | undefined {
  if (step.state !== 'SYN-RECEIVED' || step.mini || step.source !== 'trace') return undefined;
  if (Object.keys(facts).some((name) => name.endsWith('TcpExt.SyncookiesSent'))) return undefined;
  const answer = sent.find((segment) => isSyn(segment) && has(segment, 'ACK') && segment.t <= step.at);
  const syn = answer && arrivals.findLast((segment) => isSyn(segment) && arrivalOf(segment) <= answer.t);
  if (!answer || !syn) return undefined;
  return { step: { state: 'SYN-RECEIVED', at: answer.t, evidence: 'exact', source: 'wire', mini: true }, syn };
}

/** The segment that an end sends on entering a state, of those that it sent; the entry is before it, RFC 9293 §3.10. */
export function sentOn(step: Step, sent: readonly SegmentRecord[]): SegmentRecord | undefined {
  // exact steps have their own time
  if (step.evidence === 'exact') return undefined;
  const fits = sendsOn[step.state];
  return (
    fits && sent.find((segment) => fits(segment) && segment.t >= (step.notBefore ?? step.at) && segment.t <= step.at)
  );
}

const sendsOn: Partial<Record<Step['state'], (segment: SegmentRecord) => boolean>> = {
  'SYN-SENT': isSyn,
  'SYN-RECEIVED': isSyn,
  'FIN-WAIT-1': isFin,
  'LAST-ACK': isFin,
};
