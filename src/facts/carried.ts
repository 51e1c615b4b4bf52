import type { Deed } from '../record/deed.ts';
import type { ConnectionEvent, DeedEvent, Event, Ns, WireEvent } from '../record/event.ts';
import type { IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import { type Address, addressAndPort, sameAddress } from '../tcp/address.ts';
import { distance } from '../tcp/sequence.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import { Unknown } from './kinds.ts';

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
    case 'no mapping':
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

/** A connection that only the wire opened: an end answered a SYN that no end had sent. */
export interface Reopening {
  readonly syn: WireSegment;
  readonly answer: WireSegment;
  /** Event that stands for this connection, which no peer recorded; no process has its connecting end. */
  readonly event: ConnectionEvent;
}

/** Peer name of an end that exists in no process and in no kernel: the wire sends for it. */
export const wiresPeer = 'wire';

const isSynOnly = ({ segment: { flags } }: WireSegment): boolean => flags.join() === 'SYN';

/** The connections that only the wire opened, in their order. */
export function reopeningsIn(events: readonly Event[], connections: readonly ConnectionEvent[]): Reopening[] {
  const made = events.filter(
    (event): event is WireSegment =>
      isWireSegment(event) && isWiresOwn(event.deed) && isSynOnly(event) && !isRefused(event.deed),
  );
  if (made.length === 0) return [];
  const told = events.filter(isWireSegment).sort((a, b) => a.n - b.n);
  const labels = new Set(connections.map(({ label }) => label));
  const found: Reopening[] = [];
  for (const syn of made.sort((a, b) => a.n - b.n)) {
    const { source, destination, absolute } = syn.segment;
    const isSame = (event: WireSegment) =>
      sameAddress(event.segment.source, source) && sameAddress(event.segment.destination, destination);
    const isPeers = told.some(
      (event) =>
        isSame(event) && isSynOnly(event) && !isWiresOwn(event.deed) && event.segment.absolute.seq === absolute.seq,
    );
    const answer = told.find(
      ({ n, deed, segment }) =>
        n > syn.n &&
        !isWiresOwn(deed) &&
        segment.flags.join() === 'SYN,ACK' &&
        sameAddress(segment.source, destination) &&
        sameAddress(segment.destination, source) &&
        segment.absolute.ack === (absolute.seq + 1) >>> 0,
    );
    if (isPeers || !answer || found.some((each) => each.answer === answer)) continue;
    const label = ['forged', ...Array.from({ length: made.length }, (_, index) => `forged${index + 2}`)].find(
      (each) => !labels.has(each),
    ) as string;
    labels.add(label);
    const opening = { from: syn.t, until: answer.t };
    const event: ConnectionEvent = {
      t: answer.t,
      source: 'harness',
      kind: 'connection',
      label,
      client: { peer: wiresPeer, endpoint: null, local: source, opening },
      server: { peer: answer.from, endpoint: null, local: destination },
    };
    found.push({ syn, answer, event });
  }
  return found;
}

/** Segments with those that the wire opened apart: each incarnation with a number in its order, and its own numbers. */
function apart(told: readonly WireSegment[], reopenings: readonly Reopening[]): readonly WireSegment[] {
  if (reopenings.length === 0) return told;
  const reopeningOf = (event: WireSegment): Reopening | undefined =>
    reopenings.findLast(({ syn, answer }) => {
      const own = answer.segment;
      return event === syn || (event.n >= answer.n && event.segment.connection === own.connection);
    });
  const numbers = new Map<Reopening | number, number>();
  return [...told]
    .sort((a, b) => a.n - b.n)
    .map((event): WireSegment => {
      const reopening = reopeningOf(event);
      const key = reopening ?? event.segment.connection;
      const connection = numbers.get(key) ?? numbers.size + 1;
      numbers.set(key, connection);
      if (!reopening) return { ...event, segment: { ...event.segment, connection } };
      const { syn, answer } = reopening;
      const isn = { [syn.from]: syn.segment.absolute.seq, [answer.from]: answer.segment.absolute.seq } as Record<
        End,
        number
      >;
      const { absolute, flags } = event.segment;
      const seq = distance(isn[event.from], absolute.seq);
      const ack = distance(isn[otherEnd(event.from)], absolute.ack);
      return { ...event, segment: { ...event.segment, connection, seq, ...(flags.includes('ACK') && { ack }) } };
    });
}

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

/** What a cell's wire recorded. */
export interface Carried {
  /**
   * Carried, held back or made, in their order. Of very many packets the record has not all: what depends on one that it may
   * lack asks {@link everySegment}.
   */
  readonly segments: readonly SegmentRecord[];
  /** The first packet that the record lacks; absent where it has all. */
  readonly lacks?: { readonly n: number; readonly since: Ns };
  /** Which of the cell's connections an incarnation is, by its number; absent for others, and for what was never established. */
  readonly connections: ReadonlyMap<number, ConnectionEvent>;
  /**
   * Numbers of what the server's kernel sent to another address than its end of the connection knows: it answered a mapping that
   * was made later, and for no socket of the connection.
   */
  readonly elsewhere: ReadonlySet<number>;
  /** WireSegment where there are several. */
  readonly incarnations: readonly IncarnationRecord[];
}

/** The segments of a cell, and whose they are. Without a wire: none. */
export function carriedIn(
  events: readonly Event[],
  all: readonly ConnectionEvent[],
  reopenings: readonly Reopening[] = [],
  translated: ReadonlyMap<ConnectionEvent, Address> = new Map(),
): Carried {
  const told = apart(events.filter(isWireSegment), reopenings);
  if (told.length === 0) return { segments: [], connections: new Map(), elsewhere: new Set(), incarnations: [] };
  const lacks = firstLacking(events);
  const later = new Map(events.flatMap((event) => (event.kind === 'deed' ? [[event.n, event] as const] : [])));
  const opened = new Map(
    reopenings.map(({ syn, event }) => [told.find(({ n }) => n === syn.n)?.segment.connection ?? 0, event] as const),
  );
  const peers = told.filter(({ segment }) => !opened.has(segment.connection));
  const connections = new Map([...connectionsOf(peers, all), ...opened]);
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
  const elsewhere = new Set(
    told.flatMap(({ n, from, deed, segment }) => {
      const connection = connections.get(segment.connection);
      const known = connection && translated.get(connection);
      const to = from === 'server' && deed.do === 'carried' ? deed.translated : undefined;
      return known && to && !sameAddress(known, to) ? [n] : [];
    }),
  );
  return {
    segments,
    connections,
    elsewhere,
    incarnations: incarnationsOf(told, connections),
    ...(lacks && { lacks }),
  };
}

/** The first packet of the capture that is not in the record, and when the one before it came. */
function firstLacking(events: readonly Event[]): Carried['lacks'] {
  const packets = events.filter((event): event is WireEvent => event.kind === 'segment').sort((a, b) => a.n - b.n);
  const count = events.findLast((event) => event.kind === 'packets')?.count ?? packets.at(-1)?.n ?? 0;
  const gap = packets.findIndex(({ n }, index) => n !== index + 1);
  const before = gap < 0 ? packets.length : gap;
  return before >= count ? undefined : { n: before + 1, since: packets[before - 1]?.t ?? 0 };
}

/**
 * The segments of a connection up to a time, where the record has every one of them; unknown where it may lack one. SYN, FIN and
 * RST, what the wire made and what a rule decided are in every record.
 */
export function everySegment(
  { segments, connections, lacks }: Carried,
  connection: ConnectionEvent,
  until: Ns = Number.POSITIVE_INFINITY,
): readonly SegmentRecord[] | Unknown {
  if (lacks && until > lacks.since) return notRecorded(lacks);
  return segments.filter(({ incarnation, t }) => connections.get(incarnation) === connection && t <= until);
}

/** Why a fact is not derived from a record that has not every packet. */
export const notRecorded = ({ n }: NonNullable<Carried['lacks']>): Unknown =>
  new Unknown(
    'not-recorded',
    `from packet ${n} on, the record has only packets that open, close or reset a connection, and those that a rule decided`,
  );

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
  { segments, connections, elsewhere }: Carried,
  connection: ConnectionEvent,
  end: End,
): readonly ClosingSegment[] | undefined {
  const own = segments.filter(({ incarnation }) => connections.get(incarnation) === connection);
  if (own.length === 0) return undefined;
  const sent: ClosingSegment[] = [];
  for (const { n, t, from, deed, flags } of own) {
    if (from !== end || isWiresOwn(deed) || elsewhere.has(n)) continue;
    if (flags.includes('RST')) sent.push({ t, segment: 'RST' });
    else if (flags.includes('FIN') && !sent.some(({ segment }) => segment === 'FIN')) sent.push({ t, segment: 'FIN' });
  }
  return sent;
}

/** A FIN that came to an end and was accepted there, and when that end acknowledged it. */
export interface TakenFin {
  readonly came: Ns;
  readonly acknowledged: Ns | undefined;
}

/** An ACK leaves in the same call that gives its end the FIN; the wire reads it soon, unless it has other things to do. */
const answerNs: Ns = 1_000_000;

/**
 * The first FIN in the name of the other end that an end accepted: it acknowledges no other one, RFC 9293 §3.10.7.4. undefined:
 * none. Where its answer may be missing in the record, or was not yet on the wire at its end, two readings are possible, unless
 * `isAcknowledged` knows of one that came then.
 */
export function finTaken(
  { segments, connections, lacks }: Carried,
  connection: ConnectionEvent,
  end: End,
  horizon: Ns,
  isAcknowledged: (came: Ns) => boolean,
): TakenFin | undefined | Unknown {
  const own = segments.filter(({ incarnation }) => connections.get(incarnation) === connection);
  const answers = own.filter(({ from, deed }) => from === end && !isWiresOwn(deed));
  const fins = own
    .flatMap((segment) =>
      segment.from === otherEnd(end) && segment.flags.includes('FIN') && segment.arrived !== undefined
        ? [{ ...segment, came: segment.arrived }]
        : [],
    )
    .sort((a, b) => a.came - b.came);
  let open: Unknown | undefined;
  for (const { came, seq, length } of fins) {
    const known = seq !== undefined && answers.some(({ ack }) => ack !== undefined);
    const acknowledged = answers.find(({ t, ack }) => t >= came && ack !== undefined && known && ack > seq + length)?.t;
    // numbers that the wire cannot compare
    if (!known || acknowledged !== undefined) return { came, acknowledged };
    if (lacks && lacks.since < horizon && isAcknowledged(came)) return { came, acknowledged: undefined };
    const refused = answers.some(({ t, flags }) => t >= came && flags.includes('RST'));
    if (!refused && lacks && lacks.since < horizon) open ??= notRecorded(lacks);
    else if (!refused && came + answerNs > horizon)
      open ??= new Unknown(
        'not-shown',
        'a FIN came at the end of the scenario; nothing shows yet that it was accepted',
      );
  }
  return open;
}

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
