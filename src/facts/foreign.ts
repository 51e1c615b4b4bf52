import type { Ns } from '../record/event.ts';
import type { SegmentRecord } from '../record/schema.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import { type Read, readsOf, toldBy } from './application.ts';
import { everySegment, isWiresOwn, repeatedBy } from './carried.ts';
import type { CellView, ConnectionView } from './connections.ts';
import { Unknown } from './kinds.ts';

/** A segment with payload that came to an end. */
export type Come = SegmentRecord & { readonly arrived: Ns };

/**
 * Segments with payload that came to an end of a connection, in that order; one that is repeated counts where it came, not where
 * it is from.
 */
export function dataFor({ carried }: CellView, { event }: ConnectionView, end: End): Come[] {
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
    .flatMap((segment) => {
      const { incarnation, from, length, arrived, deed } = segment;
      const isFor =
        from === otherEnd(end) &&
        length > 0 &&
        arrived !== undefined &&
        (numbers.includes(incarnation) || (isWiresOwn(deed) && reaching.has(incarnation) && arrived >= began));
      return isFor ? [{ ...segment, arrived }] : [];
    })
    .sort((a, b) => a.arrived - b.arrived);
}

/** Bytes of a stream from a place on, up to and without another, counted from its first. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What of a stream the reader took from the wire instead of the writer. */
export interface Foreign {
  /** In their order, and apart from each other. */
  readonly stretches: readonly Stretch[];
  /** How far the writer itself had sent. */
  readonly sent: number;
}

/** Below the initial number, as what an old incarnation says of a new one is. */
const signed = (relative: number): number => (relative >= 2 ** 31 ? relative - 2 ** 32 : relative);
/** Where a segment's first byte stands in its stream: the SYN has the number 0. */
const placeOf = ({ seq = 1 }: SegmentRecord): number => signed(seq) - 1;
const endOf = (segment: SegmentRecord): number => placeOf(segment) + segment.length;

const unclear = (n: number): Unknown =>
  new Unknown('foreign-bytes', `nothing shows whether the bytes of packet ${n}, which the wire made, were accepted`);

/**
 * The bytes of one end's stream that the other end took from the wire: forged, or replayed from another incarnation. A kernel keeps
 * what comes first (tcp_data_queue()). undefined: the wire made none. Unknown where the record does not show which were taken.
 */
export function foreignIn(view: CellView, connection: ConnectionView, writer: End): Foreign | undefined | Unknown {
  const reader = connection[otherEnd(writer)];
  // TIME-WAIT takes no data, and what comes later still is another connection's
  const closedAt = reader.chain?.transitions.findLast(({ to }) => to === 'CLOSED')?.t ?? reader.succeededAt;
  const come = dataFor(view, connection, reader.end).filter(({ arrived }) => arrived <= closedAt);
  const { segments, connections } = view.carried;
  const isOwn = ({ deed }: SegmentRecord): boolean => {
    if (!isWiresOwn(deed)) return true;
    const original = segments.find(({ n }) => n === repeatedBy(deed));
    return original !== undefined && connections.get(original.incarnation) === connection.event && !isForged(original);
  };
  if (come.every(isOwn)) return undefined;
  const every = everySegment(view.carried, connection.event, closedAt);
  if (every instanceof Unknown) return every;
  const reads = readsOf(toldBy(view, reader));
  const answers = every.filter(({ from, deed }) => from === reader.end && !isWiresOwn(deed));
  const taken: (Stretch & { readonly own: boolean })[] = [];
  let next = 0;
  let early: Come[] = [];
  for (const [index, segment] of come.entries()) {
    const own = isOwn(segment);
    if (segment.seq === undefined) return unclear(segment.n);
    if (endOf(segment) <= next) continue;
    if (placeOf(segment) > next) {
      if (!own) return unclear(segment.n);
      early.push(segment);
      continue;
    }
    if (!own) {
      const later = come.slice(index + 1).find((other) => endOf(other) > next)?.arrived ?? Number.POSITIVE_INFINITY;
      const accepted = wasAccepted(segment, { next, later, answers, reads });
      if (accepted === undefined) return unclear(segment.n);
      if (!accepted) continue;
      // it covers what waits out of order: which of the two is kept is not known
      if (early.some((other) => placeOf(other) < endOf(segment))) return unclear(segment.n);
    }
    taken.push({ from: next, to: endOf(segment), own });
    next = endOf(segment);
    for (let joins = early.find(joinsAt(next)); joins; joins = early.find(joinsAt(next))) {
      taken.push({ from: next, to: endOf(joins), own: true });
      next = endOf(joins);
    }
    early = early.filter((other) => endOf(other) > next);
  }
  const sent = every.filter(({ from, deed, seq }) => from === writer && !isWiresOwn(deed) && seq !== undefined);
  return { stretches: taken.filter(({ own }) => !own), sent: Math.max(0, ...sent.map(endOf)) };
}

const isForged = ({ deed }: SegmentRecord): boolean => deed.do === 'forged';
const joinsAt = (next: number) => (segment: Come) => placeOf(segment) <= next && endOf(segment) > next;

interface Around {
  /** How far the reader had received before. */
  readonly next: number;
  /** When anything else came that has the same bytes, or later ones. */
  readonly later: Ns;
  readonly answers: readonly SegmentRecord[];
  readonly reads: readonly Read[];
}

/** Whether the reader took a segment: it acknowledged it, or its application read more, before anything else came; undefined: unclear. */
function wasAccepted(segment: Come, { next, later, answers, reads }: Around): boolean | undefined {
  const isMeanwhile = ({ t }: { readonly t: Ns }): boolean => t >= segment.arrived && t <= later;
  const told = answers.filter(isMeanwhile).flatMap(({ ack, flags }) => (flags.includes('RST') ? [] : (ack ?? [])));
  // the SYN has a number, too
  if (told.some((ack) => ack - 1 >= endOf(segment))) return true;
  const read = reads.filter(({ t }) => t <= later).reduce((sum, { bytes }) => sum + bytes, 0);
  if (read > next) return true;
  return told.length > 0 ? false : undefined;
}

/** How many bytes of these stretches lie below a place. */
export const below = (stretches: readonly Stretch[], place: number): number =>
  stretches.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, place) - from), 0);
