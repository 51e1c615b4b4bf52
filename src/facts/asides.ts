import type { WireEvent } from '../record/event.ts';
import type { AsideRecord } from '../record/schema.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import { readsOf, toldBy } from './application.ts';
import { everySegment, isWiresOwn } from './carried.ts';
import { type CellView, type ConnectionView, endsOf } from './connections.ts';
import { dataFor } from './foreign.ts';
import { Unknown } from './kinds.ts';

/** Reads of an end that are recorded at most. */
const mostReads = 4;

/**
 * Lists what ladders draw of a connection beside its states and segments: the calls that closed it, and the reads after the
 * wire sent bytes of its own.
 */
export function asidesOf(view: CellView, connection: ConnectionView): AsideRecord[] {
  return endsOf(connection.event).flatMap((end) => [
    ...closesOf(view, connection, end),
    ...readsSince(view, connection, end),
  ]);
}

function closesOf(view: CellView, connection: ConnectionView, end: End): AsideRecord[] {
  if (connection[end].endpoint === null) return [];
  return toldBy(view, connection[end]).calls.flatMap((call): AsideRecord[] => {
    const { t, ns } = call;
    const beside = { what: 'close', t, until: t + ns, end, label: connection.label } as const;
    if (call.verb === 'closeDuplicate') return [{ ...beside, by: call.verb }];
    if (call.verb === 'close(2)') return [{ ...beside, by: call.verb }];
    if (call.verb !== 'close') return [];
    return [{ ...beside, by: call.by, ...(call.andThen && { andThen: call.andThen }) }];
  });
}

/**
 * What an end's application read since bytes of the wire's own came to it. Until bytes of the other end have come, too, what it
 * reads can only be those.
 */
function readsSince(view: CellView, connection: ConnectionView, end: End): AsideRecord[] {
  const { endpoint, succeededAt } = connection[end];
  if (endpoint === null) return [];
  const come = dataFor(view, connection, end);
  const own = come.find(({ deed }) => isWiresOwn(deed));
  if (own === undefined) return [];
  const { arrived: since, n } = own;
  const others = come.find(({ deed }) => !isWiresOwn(deed));
  const reads = readsOf(toldBy(view, connection[end])).filter(({ t }) => t >= since && t < succeededAt);
  return reads.slice(0, mostReads).map(({ t, bytes }) => {
    const isOwn =
      (others === undefined || t < others.arrived) &&
      !(everySegment(view.carried, connection.event, t) instanceof Unknown);
    return { what: 'read', t, end, label: connection.label, bytes, ...(isOwn && { of: n }) };
  });
}

const notSegments = ({ events }: CellView): WireEvent[] =>
  events.filter((event): event is WireEvent => event.kind === 'segment' && event.segment === undefined);

type ForgedAside = Extract<AsideRecord, { what: 'forged' }>;
const isSameKind = (a: ForgedAside['kinds'][number], b: typeof a): boolean => a.why === b.why && a.errno === b.errno;

/** What the wire made that is no TCP segment; packets in a row as one. */
export function forgedIn(view: CellView): AsideRecord[] {
  const found: ForgedAside[] = [];
  for (const { n, t, from, why, deed } of notSegments(view)) {
    // as injectRaw() makes them; an ICMP message and a ping are of what they answer
    if (deed.do !== 'forged' || deed.as !== undefined) continue;
    const kind = { ...(why !== undefined && { why }), ...(deed.errno !== undefined && { errno: deed.errno }) };
    const last = found.at(-1);
    const end = otherEnd(from);
    if (last?.end === end && last.of + last.count === n) {
      const kinds = last.kinds.some((each) => isSameKind(each, kind)) ? last.kinds : [...last.kinds, kind];
      found.splice(-1, 1, { ...last, count: last.count + 1, until: t, kinds });
    } else found.push({ what: 'forged', t, until: t, end, label: '', kinds: [kind], of: n, count: 1 });
  }
  return found;
}

/** Lists the ICMP messages that the wire sent as a router would, each with its receiver and the segment that it answers. */
export const unreachablesIn = (view: CellView): AsideRecord[] =>
  notSegments(view).flatMap(({ t, from, deed }): AsideRecord[] => {
    if (deed.do !== 'forged' || deed.as !== 'unreachable' || deed.of === undefined) return [];
    const { of, icmp } = deed;
    const label = view.carried.segments.find(({ n }) => n === of)?.label ?? '';
    return [{ what: 'unreachable', t, end: otherEnd(from), label, ...(icmp && { kind: icmp.kind }), of }];
  });
