import type { Ns } from '../record/event.ts';
import type { WireEvent } from '../record/sighting.ts';
import { sameAddress } from '../tcp/address.ts';
import { isWiresOwn } from './carried.ts';
import type { CellView, EndView } from './connections.ts';

type Told = WireEvent & { readonly segment: NonNullable<WireEvent['segment']> };

const isTold = (event: CellView['events'][number]): event is Told =>
  event.kind === 'segment' && event.segment !== undefined;

/** What an end itself had sent last before a time, other than a SYN or a RST: its numbers are those of its TIME-WAIT. */
const lastSent = ({ events }: CellView, { local, remote }: EndView, before: Ns): Told | undefined =>
  events
    .filter(isTold)
    .filter(
      ({ t, deed, segment: { source, destination, flags } }) =>
        t <= before &&
        !isWiresOwn(deed) &&
        sameAddress(source, local) &&
        sameAddress(destination, remote) &&
        flags.includes('ACK') &&
        !flags.includes('SYN') &&
        !flags.includes('RST'),
    )
    .sort((a, b) => a.t - b.t)
    .at(-1);

/**
 * When RSTs with exactly the number that an end waits for came to it in this time, whichever incarnation sent them: the client
 * of a new one does when TIME-WAIT challenges its SYN. tcp_timewait_state_process() lets no other RST end TIME-WAIT.
 */
export function exactResets(view: CellView, end: EndView, [from, to]: readonly [Ns, Ns]): readonly Ns[] {
  const arrivals = new Map(view.carried.segments.map(({ n, arrived }) => [n, arrived]));
  return view.events
    .filter(isTold)
    .filter(
      ({ segment: { source, destination, flags } }) =>
        flags.includes('RST') && sameAddress(source, end.remote) && sameAddress(destination, end.local),
    )
    .flatMap(({ n, segment }) => {
      const at = arrivals.get(n);
      if (at === undefined || at < from || at > to) return [];
      return lastSent(view, end, at)?.segment.absolute.ack === segment.absolute.seq ? [at] : [];
    })
    .sort((a, b) => a - b);
}

/** tcp_timewait_state_process() and tcp_twsk_unique(): a successor begins so far beyond the last number of TIME-WAIT. */
const beyond = 65_535 + 2;

/** Whether a SYN's number says that it took the place of a TIME-WAIT that was still there; chance does in one of 2^32. */
export function followsOn(view: CellView, end: EndView, { t, segment }: Told): boolean {
  const last = lastSent(view, end, t)?.segment;
  if (!last) return false;
  const next = last.absolute.seq + last.bytes + Number(last.flags.includes('FIN'));
  return (next + beyond) >>> 0 === segment.absolute.seq;
}
