import type { Ns, PathStep } from '../record/event.ts';
import type { WireEvent } from '../record/sighting.ts';
import type { Address } from '../tcp/address.ts';
import { sameAddress } from '../tcp/address.ts';
import { otherEnd } from '../tcp/states.ts';
import { isWiresOwn, resetArrivals } from './carried.ts';
import type { CellView, ConnectionView, EndView } from './connections.ts';
import type { MiniEnd } from './mini-socket.ts';
import { exactResets, followsOn } from './resets.ts';

type Told = WireEvent & { readonly segment: NonNullable<WireEvent['segment']> };

const opensFrom = (events: CellView['events'], source: Address, destination: Address): readonly Told[] =>
  events.filter(
    (event): event is Told =>
      event.kind === 'segment' &&
      event.segment !== undefined &&
      event.segment.flags.includes('SYN') &&
      sameAddress(event.segment.source, source) &&
      sameAddress(event.segment.destination, destination),
  );

const byReset = (at: Ns): MiniEnd => ({ at, by: 'rst', step: { evidence: 'exact', source: 'wire' } });

const isAnswer = ({ segment }: Told, syn: Told['segment']): boolean =>
  segment.absolute.ack === (syn.absolute.seq + 1) >>> 0;

/**
 * TIME-WAIT gives way to a SYN of the other end, which is answered with a SYN of its own end: tcp_timewait_state_process() takes
 * it away when that SYN comes. Or to a connect(2) of its own end, between its first transition and its SYN on the wire. Where the
 * number of its own SYN says that it was gone before, a RST that came had ended it.
 */
function recycled(view: CellView, end: EndView, since: Ns): MiniEnd | undefined {
  const { events, carried } = view;
  const { local, remote } = end;
  const own = opensFrom(events, local, remote).find(({ t, deed }) => t > since && !isWiresOwn(deed));
  if (!own) return undefined;
  const [reset] = followsOn(view, end, own) ? [] : exactResets(view, end, [since, own.t]);
  if (reset !== undefined) return byReset(reset);
  if (!own.segment.flags.includes('ACK')) {
    const began = events.findLast(
      (event) =>
        event.kind === 'transition' &&
        event.to === 'SYN-SENT' &&
        event.t >= since &&
        event.t <= own.t &&
        sameAddress(event.remote, remote),
    );
    const step = { evidence: 'bracketed', source: 'wire' } as const satisfies Partial<PathStep>;
    return { at: own.t, notBefore: began?.t ?? since, by: 'recycled', step };
  }
  const arrivals = new Map(carried.segments.map(({ n, arrived }) => [n, arrived]));
  const came = opensFrom(events, remote, local)
    .filter(({ segment }) => !segment.flags.includes('ACK') && isAnswer(own, segment))
    .flatMap(({ n }) => arrivals.get(n) ?? [])
    .filter((at) => at >= since && at <= own.t)
    .at(-1);
  return came === undefined ? undefined : { at: came, by: 'recycled', step: { evidence: 'exact', source: 'wire' } };
}

/**
 * How a mini-socket ended, by the segment that the wire gave it: a SYN that took TIME-WAIT's place, or, where it was gone between
 * two samples, the first RST with its number that came meanwhile, or the only RST. `sampled` is what the samples and its timer tell, and stays where the wire tells
 * no more.
 */
export function endOnWire(
  view: CellView,
  connection: ConnectionView,
  end: EndView,
  mini: Pick<PathStep, 'state' | 'at'>,
  sampled: MiniEnd | undefined,
): MiniEnd | undefined {
  if (sampled?.by === 'timer') return sampled;
  const { at, notBefore = mini.at } = sampled ?? { at: end.succeededAt };
  const killed = view.events.some(
    (event) =>
      event.kind === 'destroyed' &&
      event.t >= mini.at &&
      event.t <= at &&
      sameAddress(event.local, end.local) &&
      sameAddress(event.remote, end.remote),
  );
  if (killed) return sampled;
  if (!sampled) return mini.state === 'TIME-WAIT' ? recycled(view, end, mini.at) : undefined;
  const [exact] = exactResets(view, end, [notBefore, at]);
  if (exact !== undefined) return byReset(exact);
  const [came, ...others] = resetArrivals(view.carried, connection.event, otherEnd(end.end), [notBefore, at]);
  return came === undefined || others.length > 0 ? sampled : byReset(came);
}
