import type { IncarnationRecord, SegmentRecord } from '../../record/schema.ts';
import type { End } from '../../tcp/states.ts';
import type { BeginMoment, SegmentMoment, StateMoment, Step, Wired } from './parts.ts';
import { isOwn, originalOf } from './segment.ts';

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
  { facts }: Wired,
): { readonly step: Step; readonly syn: SegmentRecord } | undefined {
  if (step.state !== 'SYN-RECEIVED' || step.mini || step.source !== 'trace') return undefined;
  if (Object.keys(facts).some(countsCookies)) return undefined;
  const answer = sent.find((segment) => isSyn(segment) && has(segment, 'ACK') && segment.t <= step.at);
  const syn = answer && arrivals.findLast((segment) => isSyn(segment) && arrivalOf(segment) <= answer.t);
  if (!answer || !syn) return undefined;
  return { step: { state: 'SYN-RECEIVED', at: answer.t, evidence: 'exact', source: 'wire', mini: true }, syn };
}

const countsCookies = (name: string): boolean =>
  name.startsWith('counters.') && name.endsWith('.TcpExt.SyncookiesSent');

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

const isSame = (a: IncarnationRecord, b: IncarnationRecord): boolean => a.client === b.client && a.server === b.server;

/** Where each of several incarnations begins, with its addresses and ports. */
export function beginsOf(
  { incarnations = [], segments = [] }: Pick<Wired, 'incarnations' | 'segments'>,
  leaving: readonly SegmentMoment[],
  states: readonly StateMoment[],
): BeginMoment[] {
  const here = incarnations.filter(({ incarnation }) => segments.some((each) => each.incarnation === incarnation));
  if (here.length < 2) return [];
  return here.flatMap((incarnation, index): BeginMoment[] => {
    const first = leaving.find(
      ({ kind, segment }) =>
        (kind === 'leaves' || isOwn(segment)) &&
        originalOf(segment) === undefined &&
        segment.incarnation === incarnation.incarnation,
    );
    if (!first) return [];
    const like = here.slice(0, index).findLast((other) => isSame(other, incarnation));
    const opening = states
      .filter(({ label, step }) => label === incarnation.label && step.state === 'SYN-SENT' && step.at <= first.at)
      .at(-1);
    const isOpening = opening && first.at - opening.at < openingNs;
    const begin: BeginMoment = {
      kind: 'begins',
      at: isOpening ? opening.at : first.at,
      after: [],
      incarnation,
      ...(like && { like }),
    };
    const later = isOpening ? opening : first;
    Object.assign(later, { after: [...later.after, begin] });
    return [begin];
  });
}

/** A SYN leaves at most so much after connect(2), ns: what is later is another's. */
const openingNs = 100e6;

/** What ended a TIME-WAIT that nobody saw go. */
export interface Replaced {
  readonly at: number;
  /** Where it was that segment's arrival. */
  readonly arrived?: SegmentRecord;
  readonly why: string;
}

/**
 * When a TIME-WAIT was gone since a new incarnation had its addresses and ports: its own end's SYN went out with them, or it
 * answered a SYN with its own; or since a RST had come that ended it.
 */
export function replacedBy(record: Wired, { label, end, step }: StateMoment): Replaced | undefined {
  const { incarnations = [], segments = [] } = record;
  const mine = incarnations.findLast((each) => each.label === label);
  const next = mine && incarnations.find((each) => each.incarnation > mine.incarnation && isSame(each, mine));
  if (next) {
    const own = segments.filter(({ incarnation, t }) => incarnation === next.incarnation && t >= step.at);
    const answered = own.find((each) => each.from === end && has(each, 'SYN') && !isOwn(each));
    if (answered && !has(answered, 'ACK')) return { at: answered.t, why: 'gave way to its SYN' };
    const syn =
      answered && own.findLast(({ from, flags, t }) => from !== end && flags.includes('SYN') && t < answered.t);
    if (syn?.arrived !== undefined) return { at: syn.arrived, arrived: syn, why: 'gave way to a SYN' };
  }
  if (whyClosed(record, label, end) !== endedByRst) return undefined;
  const reset = segments.find(
    (each) => each.from !== end && has(each, 'RST') && each.arrived !== undefined && each.arrived >= step.at,
  );
  return reset?.arrived === undefined ? undefined : { at: reset.arrived, arrived: reset, why: endedByRst };
}

const factName = (label: string, name: string): string => (label === '' ? name : `${label}.${name}`);

/** Why a TIME-WAIT ended that a RST ended. */
export const endedByRst = 'a RST ended it';

const reasons: Readonly<Record<string, string>> = {
  timer: 'its timer ran out',
  rst: endedByRst,
  kill: 'ss -K removed it',
  recycled: 'gave way to a SYN',
};

/** Why a TIME-WAIT that was seen to go ended, where the facts are of that end; undefined where they do not say. */
export function whyClosed({ facts }: Wired, label: string, end: End): string | undefined {
  if (facts[factName(label, 'timeWait.holder')] !== end) return undefined;
  const by = facts[factName(label, 'timeWait.endedBy')];
  return typeof by === 'string' ? reasons[by] : undefined;
}

/** Where the last of several attempts begins; 0 where there is one. An attempt begins with what the first began with. */
export function lastAttempt({ incarnations = [], segments = [] }: Wired): { from: number; attempt: number } {
  const [first] = incarnations;
  const begins = incarnations.filter(
    ({ label }, index) =>
      index > 0 && label !== '' && label === first?.label && incarnations[index - 1]?.label !== label,
  );
  const last = begins.at(-1);
  const from = segments.find(({ incarnation }) => incarnation === last?.incarnation)?.t;
  return last && from !== undefined ? { from, attempt: begins.length + 1 } : { from: 0, attempt: 1 };
}
