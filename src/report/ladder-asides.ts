import type { AsideRecord, ClosingAside, SegmentRecord } from '../record/schema.ts';
import type { AsideMoment, SegmentMoment, StateMoment } from './ladder-moments.ts';

/** A call that holds its thread for longer, ns, blocks: a busy machine was seen to hold one of 0.2 ms for 17. */
const blocksNs = 20e6;
/** What a call leads to may follow it by so much, ns: net shuts down in a later turn of its loop. */
const laterNs = 10e6;

/** Whether a call is drawn from where it was called to where it returned. */
export const blocks = ({ t, until }: Pick<ClosingAside, 't' | 'until'>): boolean => until - t >= blocksNs;

/** Whether an application read bytes that the other end did not send it: the wire's own, of another connection. */
export const isCorrupt = ({ says, aside }: Pick<AsideMoment, 'says' | 'aside'>): boolean =>
  says === 'reads' && aside.what === 'read' && aside.of !== undefined;

/** The states that closing calls led to: of each call the first behind it. */
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

/** What stands for itself: where a call blocks, what an application read, whom an ICMP message told. */
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
      const came = arrivalOf(aside, moving);
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

const arrivalOf = (
  { of }: Extract<AsideRecord, { what: 'read' }>,
  moving: readonly SegmentMoment[],
): SegmentMoment | undefined =>
  moving.find(({ kind, segment }: { kind: string; segment: SegmentRecord }) => kind === 'arrives' && segment.n === of);
