import type { AsideMoment, SegmentMoment, StateMoment } from './ladder-moments.ts';

const lastNumber = ({ segment: { seq = 0, length } }: SegmentMoment): number => seq + length;

/** More are not told each. */
const most = 3;

/**
 * Where a FIN came again to an end in TIME-WAIT, which restarts its minute, RFC 9293 §3.10.7.4 and tcp_timewait_state_process();
 * of many the first and the last.
 */
export function restartsOf(
  { end, label, step, after, at }: StateMoment,
  states: readonly StateMoment[],
  moving: readonly SegmentMoment[],
): AsideMoment[] {
  if (step.state !== 'TIME-WAIT') return [];
  const closed = states.find((each) => each.end === end && each.label === label && each.step.state === 'CLOSED');
  const fins = moving.filter(
    ({ kind, end: to, segment }) =>
      kind === 'arrives' && to === end && segment.label === label && segment.flags.includes('FIN'),
  );
  const number = fins[0] && lastNumber(fins[0]);
  const came = fins.filter(
    (moment) =>
      lastNumber(moment) === number &&
      !after.includes(moment) &&
      moment.at > at &&
      moment.at < (closed?.at ?? Number.POSITIVE_INFINITY),
  );
  const told = came.length <= most ? came : [...came.slice(0, 1), ...came.slice(-1)];
  return told.map((moment) => ({
    kind: 'aside',
    end,
    label,
    says: 'restarts',
    at: moment.at,
    after: [moment],
    aside: { what: 'restart', t: moment.at, end, label, of: moment.segment.n },
  }));
}
