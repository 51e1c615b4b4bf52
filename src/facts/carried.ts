import type { ConnectionEvent, Event, Ns } from '../record/event.ts';
import type { IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import type { DeedEvent, WireEvent } from '../record/sighting.ts';
import type { Address } from '../tcp/address.ts';
import { sameAddress } from '../tcp/address.ts';
import { optionsText } from '../tcp/segment-text.ts';
import type { End } from '../tcp/states.ts';
import { connectionsIn } from './opened.ts';

type Told = WireEvent & { readonly segment: NonNullable<WireEvent['segment']> };
type Deed = SegmentRecord['deed'];

/** What the pump says of a packet, in the words of the record. */
const deedWords: readonly (readonly [RegExp, Deed])[] = [
  [/^carried/, 'carried'],
  [/^black hole/, 'black hole'],
  [/^lost/, 'lost'],
  [/^queue full/, 'queue full'],
  [/^held/, 'held'],
  [/^(delayed|overtaken)/, 'delayed'],
  [/^duplicate of/, 'copy'],
  [/^replay of/, 'replay'],
  [/^forged/, 'forged'],
];
const deedOf = (text: string): Deed => deedWords.find(([pattern]) => pattern.test(text))?.[1] ?? 'dropped';
const waits: ReadonlySet<Deed> = new Set(['held', 'delayed']);
const never: ReadonlySet<Deed> = new Set(['dropped', 'black hole', 'lost', 'queue full']);
/** What the wire did with segments that no end sent, at least not then. */
export const wiresOwn: ReadonlySet<Deed> = new Set(['copy', 'replay', 'forged']);
/** Whether what the pump says of a packet means that no end sent it then. */
export const isWiresOwn = (deed: string): boolean => wiresOwn.has(deedOf(deed));

const originalOf = (text: string): number | undefined => {
  const number = /^(?:duplicate|replay) of #(\d+)/.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
};

/** When it was given to the other end: at once, or when what held it let go; undefined where never. */
function arrivalOf({ n, t, deed }: Told, later: ReadonlyMap<number, DeedEvent>): Ns | undefined {
  const word = deedOf(deed);
  if (never.has(word) || deed.includes('refused by the kernel')) return undefined;
  if (!waits.has(word)) return t;
  const done = later.get(n);
  return done && !/refused by the kernel|then dropped/.test(done.deed) ? done.t : undefined;
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
  segments: readonly Told[],
  connections: readonly ConnectionEvent[],
): ReadonlyMap<number, ConnectionEvent> {
  const begins = new Map<number, Told>();
  for (const event of segments) {
    const { connection } = event.segment;
    if (!originalOf(event.deed) && !begins.has(connection)) begins.set(connection, event);
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
function fromNobody(told: readonly Told[]): ReadonlySet<number> {
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
  /** Told where there are several. */
  readonly incarnations: readonly IncarnationRecord[];
}

/** The segments of a cell, and whose they are. Without a wire: none. */
export function carriedIn(events: readonly Event[]): Carried {
  const wire = events.filter((event): event is WireEvent => event.kind === 'segment');
  const told = wire.filter((event): event is Told => event.segment !== undefined);
  if (told.length === 0) return { segments: [], connections: new Map(), incarnations: [] };
  const later = new Map(events.flatMap((event) => (event.kind === 'deed' ? [[event.n, event] as const] : [])));
  const connections = connectionsOf(told, connectionsIn(events));
  const incarnations = new Map(told.map(({ n, segment }) => [n, segment.connection]));
  const nobodys = fromNobody(told);
  const segments = told
    .map((event): SegmentRecord => {
      const { n, t, from, segment, deed } = event;
      const of = originalOf(deed);
      const incarnation = (of !== undefined && incarnations.get(of)) || segment.connection;
      const arrived = arrivalOf(event, later);
      const options = optionsText(segment.options);
      const isNobodys = nobodys.has(n);
      return {
        n,
        t,
        ...(arrived !== undefined && { arrived }),
        from,
        label: connections.get(incarnation)?.label ?? '',
        incarnation,
        flags: [...segment.flags],
        ...(segment.seq !== undefined && !isNobodys && { seq: segment.seq }),
        ...(isNobodys && { rawSeq: segment.absolute.seq }),
        ...(segment.ack !== undefined && { ack: segment.ack }),
        length: segment.bytes,
        window: segment.window,
        ...(options && { options }),
        deed: deedOf(deed),
        ...(of !== undefined && { of }),
      };
    })
    .sort((a, b) => a.n - b.n);
  return { segments, connections, incarnations: incarnationsOf(told, connections) };
}

const place = ({ address, port }: Address): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** The addresses and ports of each incarnation, where there are several. */
function incarnationsOf(
  told: readonly Told[],
  connections: ReadonlyMap<number, ConnectionEvent>,
): readonly IncarnationRecord[] {
  const first = new Map<number, Told>();
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
        return { incarnation, label, client: place(client), server: place(server) };
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
    if (from !== end || wiresOwn.has(deed)) continue;
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
