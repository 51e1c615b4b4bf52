import type { AsideRecord, SegmentRecord } from '../record/schema.ts';
import type { WireEvent } from '../record/sighting.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import { toldBy } from './bytes.ts';
import { wiresOwn } from './carried.ts';
import type { CellView, ConnectionView } from './connections.ts';
import { endsOf } from './opened.ts';

/** So many reads of a connection's end are told. */
const mostReads = 4;

/**
 * What ladders tell of a connection beside its states and segments: the calls that closed it, and what its applications read
 * since the wire gave them bytes of its own.
 */
export function asidesOf(view: CellView, connection: ConnectionView): AsideRecord[] {
  return endsOf(connection.event).flatMap((end) => [
    ...closesOf(view, connection, end),
    ...readsOf(view, connection, end),
  ]);
}

function closesOf(view: CellView, connection: ConnectionView, end: End): AsideRecord[] {
  if (connection[end].endpoint === null) return [];
  return toldBy(view, connection[end]).calls.flatMap(({ verb, t, ns }): AsideRecord[] => {
    const how = /^close by (.+)/.exec(verb)?.[1] ?? (verb.startsWith('close') ? verb : undefined);
    return how === undefined ? [] : [{ what: 'close', t, until: t + ns, end, label: connection.label, how }];
  });
}

/**
 * What an end's application read since bytes of the wire's own came to it. Until bytes of the other end have come, too, what it
 * reads can only be those.
 */
function readsOf(view: CellView, connection: ConnectionView, end: End): AsideRecord[] {
  const { endpoint, succeededAt } = connection[end];
  if (endpoint === null) return [];
  const come = dataFor(view, connection, end);
  const own = come.find(({ deed }) => wiresOwn.has(deed));
  if (own?.arrived === undefined) return [];
  const { arrived: since, n } = own;
  const others = come.find(({ deed }) => !wiresOwn.has(deed));
  const reads = toldBy(view, connection[end]).node.filter(
    ({ event, t }) => event === 'data' && t >= since && t < succeededAt,
  );
  return reads.slice(0, mostReads).map(({ t, bytes = 0 }) => {
    const isOwn = others?.arrived === undefined || t < others.arrived;
    return { what: 'read', t, end, label: connection.label, bytes, ...(isOwn && { of: n }) };
  });
}

/** Segments with payload that came to an end of a connection; one that is repeated counts where it came, not where it is from. */
function dataFor({ carried }: CellView, { event }: ConnectionView, end: End): SegmentRecord[] {
  const numbers = [...carried.connections].filter(([, known]) => known === event).map(([number]) => number);
  const own = carried.segments.filter(({ incarnation }) => numbers.includes(incarnation));
  const began = own[0]?.t ?? Number.POSITIVE_INFINITY;
  const same = carried.incarnations.filter(({ client, server }) =>
    carried.incarnations.some(
      (mine) => numbers.includes(mine.incarnation) && mine.client === client && mine.server === server,
    ),
  );
  const reaching = new Set([...numbers, ...same.map(({ incarnation }) => incarnation)]);
  return carried.segments
    .filter(
      ({ incarnation, from, length, arrived, deed }) =>
        from === otherEnd(end) &&
        length > 0 &&
        arrived !== undefined &&
        (numbers.includes(incarnation) || (wiresOwn.has(deed) && reaching.has(incarnation) && arrived >= began)),
    )
    .sort((a, b) => (a.arrived ?? 0) - (b.arrived ?? 0));
}

/** What the wire made that is no TCP segment; packets in a row as one. */
export function forgedIn({ events }: CellView): AsideRecord[] {
  const found: (AsideRecord & { of: number; count: number; how: string })[] = [];
  const told = events.filter((event): event is WireEvent => event.kind === 'segment' && event.segment === undefined);
  for (const { n, t, from, text, deed } of told) {
    // as injectRaw() tells; an ICMP message says whom it is of
    const said = /^forged(?:, (refused by the kernel: .+))?$/.exec(deed);
    if (!said) continue;
    const how = said[1] ?? text.replace(/^no TCP segment: /, '');
    const last = found.at(-1);
    const end = otherEnd(from);
    if (last?.end === end && last.of + last.count === n) {
      Object.assign(last, { count: last.count + 1, until: t, how: last.how === how ? how : 'of several kinds' });
    } else found.push({ what: 'forged', t, until: t, end, label: '', how, of: n, count: 1 });
  }
  return found;
}

/** ICMP messages that the wire sent as a router would: whom they told, and of which segment. */
export function unreachablesIn({ events, carried }: CellView): AsideRecord[] {
  const told = events.filter((event): event is WireEvent => event.kind === 'segment' && event.segment === undefined);
  return told.flatMap((event): AsideRecord[] => {
    const number = /^forged: host unreachable, of #(\d+)/.exec(event.deed)?.[1];
    if (number === undefined) return [];
    const of = Number(number);
    const label = carried.segments.find(({ n }) => n === of)?.label ?? '';
    return [{ what: 'unreachable', t: event.t, end: otherEnd(event.from), label, of }];
  });
}
