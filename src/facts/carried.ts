import type { Deed } from '../record/deed.ts';
import type { ConnectionEvent, DeedEvent, Event, Ns, WireEvent } from '../record/event.ts';
import type { IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import { type Address, addressAndPort, sameAddress } from '../tcp/address.ts';
import type { End } from '../tcp/states.ts';

/** A TCP segment as the wire reports it. */
export type WireSegment = WireEvent & { readonly segment: NonNullable<WireEvent['segment']> };
/** Whether an event is of a TCP segment on the wire. */
export const isWireSegment = (event: Event): event is WireSegment =>
  event.kind === 'segment' && event.segment !== undefined;

/** Whether no end sent the packet then: the wire copied, replayed or forged it. */
export const isWiresOwn = (deed: Deed): boolean => deed.do === 'copy' || deed.do === 'replay' || deed.do === 'forged';
/** The number of the packet that this one repeats. */
export const repeatedBy = (deed: Deed): number | undefined =>
  deed.do === 'copy' || deed.do === 'replay' ? deed.of : undefined;

const isRefused = (deed: Deed): boolean => 'refusedBy' in deed && deed.refusedBy !== undefined;

/** When it was given to the other end: at once, or when what held it let go; undefined where never. */
function arrivalOf({ t, deed }: WireSegment, later: DeedEvent | undefined): Ns | undefined {
  switch (deed.do) {
    case 'dropped':
    case 'black hole':
    case 'lost':
    case 'queue full':
      return undefined;
    case 'held':
    case 'delayed': {
      const done = later?.deed;
      const isDropped = done?.do === 'held' && done.discarded;
      return done === undefined || isDropped || isRefused(done) ? undefined : later?.t;
    }
    default:
      return isRefused(deed) ? undefined : t;
  }
}

const between = (one: ConnectionEvent, source: Address, destination: Address): End | undefined => {
  const { client, server } = one;
  if (sameAddress(client.local, source) && sameAddress(server.local, destination)) return 'client';
  if (sameAddress(server.local, source) && sameAddress(client.local, destination)) return 'server';
  return undefined;
};

/**
 * Which connection of the cell an incarnation is: of those with its addresses the first that was known when it, and no later
 * incarnation, had begun; of those that were opened the last before it.
 */
function connectionsOf(
  segments: readonly WireSegment[],
  connections: readonly ConnectionEvent[],
): ReadonlyMap<number, ConnectionEvent> {
  const begins = new Map<number, WireSegment>();
  for (const event of segments) {
    const { connection } = event.segment;
    if (repeatedBy(event.deed) === undefined && !begins.has(connection)) begins.set(connection, event);
  }
  const order = [...begins.values()].sort((a, b) => a.segment.connection - b.segment.connection);
  return new Map(
    order.flatMap(({ t, segment: { connection, source, destination } }) => {
      const own = connections.filter((each) => between(each, source, destination));
      const next = order.find(
        ({ segment: other }) =>
          other.connection > connection && own.some((each) => between(each, other.source, other.destination)),
      );
      const established = own.filter(({ client }) => !client.opening);
      const known =
        established.find((each) => each.t >= t && each.t < (next?.t ?? Number.POSITIVE_INFINITY)) ??
        own.findLast(({ client }) => client.opening && client.opening.from <= t);
      return known ? [[connection, known] as const] : [];
    }),
  );
}

/**
 * RSTs by which a host answers for no socket of its own: they acknowledge, and their number is 0, tcp_v4_send_reset(). An end
 * that sent a SYN has numbers of its own.
 */
function fromNobody(told: readonly WireSegment[]): ReadonlySet<number> {
  const opened = new Set<string>();
  const found = new Set<number>();
  for (const { n, from, deed, segment } of told) {
    const { connection, flags, absolute } = segment;
    const end = `${connection} ${from}`;
    if (flags.includes('SYN') && !isWiresOwn(deed)) opened.add(end);
    if (flags.includes('RST') && flags.includes('ACK') && absolute.seq === 0 && !opened.has(end)) found.add(n);
  }
  return found;
}

/** What a cell's wire told of. */
export interface Carried {
  /** Carried, held back or made, in their order. */
  readonly segments: readonly SegmentRecord[];
  /** Which of the cell's connections an incarnation is, by its number; absent for others, and for what was never established. */
  readonly connections: ReadonlyMap<number, ConnectionEvent>;
  /** WireSegment where there are several. */
  readonly incarnations: readonly IncarnationRecord[];
}

/** The segments of a cell, and whose they are. Without a wire: none. */
export function carriedIn(events: readonly Event[], all: readonly ConnectionEvent[]): Carried {
  const told = events.filter(isWireSegment);
  if (told.length === 0) return { segments: [], connections: new Map(), incarnations: [] };
  const later = new Map(events.flatMap((event) => (event.kind === 'deed' ? [[event.n, event] as const] : [])));
  const connections = connectionsOf(told, all);
  const incarnations = new Map(told.map(({ n, segment }) => [n, segment.connection]));
  const nobodys = fromNobody(told);
  const segments = told
    .map((event): SegmentRecord => {
      const { n, t, from, segment } = event;
      const done = later.get(n);
      const deed = done?.deed ?? event.deed;
      const of = repeatedBy(deed);
      const incarnation = (of !== undefined && incarnations.get(of)) || segment.connection;
      const arrived = arrivalOf(event, done);
      const options = segment.options.filter(({ kind }) => kind !== 'nop');
      const isNobodys = nobodys.has(n);
      return {
        n,
        t,
        ...(arrived !== undefined && { arrived }),
        from,
        label: connections.get(incarnation)?.label ?? '',
        incarnation,
        flags: segment.flags,
        ...(segment.seq !== undefined && !isNobodys && { seq: segment.seq }),
        ...(isNobodys && { rawSeq: segment.absolute.seq }),
        ...(segment.ack !== undefined && { ack: segment.ack }),
        length: segment.bytes,
        window: segment.window,
        ...(options.length > 0 && { options }),
        deed,
      };
    })
    .sort((a, b) => a.n - b.n);
  return { segments, connections, incarnations: incarnationsOf(told, connections) };
}

/** The addresses and ports of each incarnation, where there are several. */
function incarnationsOf(
  told: readonly WireSegment[],
  connections: ReadonlyMap<number, ConnectionEvent>,
): readonly IncarnationRecord[] {
  const first = new Map<number, WireSegment>();
  for (const event of told) {
    const { connection } = event.segment;
    if (!isWiresOwn(event.deed) && !first.has(connection)) first.set(connection, event);
  }
  if (first.size < 2) return [];
  return [...first.entries()]
    .sort(([a], [b]) => a - b)
    .map(
      ([
        incarnation,
        {
          from,
          segment: { source, destination },
        },
      ]) => {
        const [client, server] = from === 'client' ? [source, destination] : [destination, source];
        const label = connections.get(incarnation)?.label ?? '';
        return { incarnation, label, client: addressAndPort(client), server: addressAndPort(server) };
      },
    );
}

/** A FIN or a RST, and when it was sent. */
export interface ClosingSegment {
  readonly t: Ns;
  readonly segment: 'FIN' | 'RST';
}

/**
 * The FIN and the RSTs that an end of a connection sent, in order; a FIN that it sent again is not counted twice. undefined
 * where the wire has no segment of the connection.
 */
export function closingSegments(
  { segments, connections }: Carried,
  connection: ConnectionEvent,
  end: End,
): readonly ClosingSegment[] | undefined {
  const own = segments.filter(({ incarnation }) => connections.get(incarnation) === connection);
  if (own.length === 0) return undefined;
  const sent: ClosingSegment[] = [];
  for (const { t, from, deed, flags } of own) {
    if (from !== end || isWiresOwn(deed)) continue;
    if (flags.includes('RST')) sent.push({ t, segment: 'RST' });
    else if (flags.includes('FIN') && !sent.some(({ segment }) => segment === 'FIN')) sent.push({ t, segment: 'FIN' });
  }
  return sent;
}

/** Each time that an end's FIN came to the other end, in order. */
export const finArrivals = ({ segments, connections }: Carried, connection: ConnectionEvent, end: End): readonly Ns[] =>
  segments
    .filter(({ incarnation, from }) => from === end && connections.get(incarnation) === connection)
    .flatMap(({ flags, arrived }) => (flags.includes('FIN') && arrived !== undefined ? [arrived] : []))
    .sort((a, b) => a - b);

/** When RSTs in the name of an end came to the other end in this time, in order: who sent them may be the wire. */
export const resetArrivals = (
  { segments, connections }: Carried,
  connection: ConnectionEvent,
  end: End,
  [from, to]: readonly [Ns, Ns],
): readonly Ns[] =>
  segments
    .filter(
      ({ incarnation, from: sender, flags }) =>
        sender === end && flags.includes('RST') && connections.get(incarnation) === connection,
    )
    .flatMap(({ arrived }) => (arrived !== undefined && arrived >= from && arrived <= to ? [arrived] : []))
    .sort((a, b) => a - b);

/** Of a cell's segments that only carry a stream, more than this, and of each of its connections, are in its capture only. */
const most = 200;
const mostOfEach = 40;
/** And of what is recorded in any case. */
const mostTold = 200;
/** Windows that close and open more often are no story. */
const mostClosed = 20;

const isStream = ({ deed, flags }: SegmentRecord): boolean =>
  (deed.do === 'carried' || deed.do === 'delayed') &&
  !flags.some((flag) => flag === 'SYN' || flag === 'FIN' || flag === 'RST');

/** A silence that is part of the story, ns: half of the shortest time until a segment is sent again, TCP_RTO_MIN. */
export const silenceNs = 100e6;

/** What stands beside a silence: a probe, what is sent again. */
const besideSilence = (segments: readonly SegmentRecord[]): Set<SegmentRecord> =>
  new Set(
    segments.flatMap((segment, index) => {
      const before = segments[index - 1];
      return before && segment.t - before.t >= silenceNs ? [before, segment] : [];
    }),
  );

const firstAndLast = <T>(of: readonly T[], count: number): readonly T[] =>
  of.length <= count ? of : [...of.slice(0, count / 2), ...of.slice(-count / 2)];

/**
 * Of very many the first and the last; and those between that open, close, stop the other end, are repeated later, or were
 * not just carried.
 */
export function kept(segments: readonly SegmentRecord[]): readonly SegmentRecord[] {
  if (segments.length <= most) return segments;
  const repeated = new Set(segments.map(({ deed }) => repeatedBy(deed)));
  const silent = besideSilence(segments);
  const closed = segments.filter(({ window }) => window === 0);
  const isTold = (segment: SegmentRecord): boolean =>
    !isStream(segment) ||
    repeated.has(segment.n) ||
    silent.has(segment) ||
    (segment.window === 0 && closed.length <= mostClosed);
  const each = [...Map.groupBy(segments, ({ incarnation }) => incarnation).values()];
  const share = Math.max(mostOfEach, 2 * Math.floor(most / each.length / 2));
  const chosen = new Set([
    ...each.flatMap((own) => firstAndLast(own, share)),
    ...firstAndLast(segments.filter(isTold), mostTold),
  ]);
  return segments.filter((segment) => chosen.has(segment));
}
