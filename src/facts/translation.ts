import type { Event, MappingEvent, Ns } from '../record/event.ts';
import { type Address, sameAddress } from '../tcp/address.ts';
import type { WireSegment } from './carried.ts';
import type { EndView } from './connections.ts';

/** An end's own address and port, and those of the other end as its kernel knows them. */
type Known = Pick<EndView, 'end' | 'local' | 'remote'>;

/** The last mapping that was made by then: a packet that makes one has its time. */
const madeBy = (events: readonly Event[], at: Ns, isIt: (mapping: MappingEvent) => boolean): MappingEvent | undefined =>
  events.findLast(
    (event): event is MappingEvent => event.kind === 'mapping' && !event.forgotten && event.t <= at && isIt(event),
  );

/** Who was behind an outside address then: itself where the wire did not translate it. */
const insideOf = (events: readonly Event[], outside: Address, at: Ns): Address =>
  madeBy(events, at, (mapping) => sameAddress(mapping.outside, outside))?.inside ?? outside;

/** As what the outside knew an address of the inside then. */
const outsideOf = (events: readonly Event[], inside: Address, at: Ns): Address =>
  madeBy(events, at, (mapping) => sameAddress(mapping.inside, inside))?.outside ?? inside;

/**
 * Whether an end's address and port sent a segment to the other end that its kernel knows. The record has the addresses of the
 * inside of a translation: to the server's kernel, several clients can be one after the other at the same address and port.
 */
export function sentBy(
  events: readonly Event[],
  { end, local, remote }: Known,
  { t, deed, segment }: WireSegment,
): boolean {
  if (!sameAddress(segment.source, local)) return false;
  if (end === 'client') return sameAddress(segment.destination, remote);
  const to = deed.do === 'carried' ? deed.translated : undefined;
  return to ? sameAddress(to, remote) : sameAddress(segment.destination, insideOf(events, remote, t));
}

/** Whether a segment came to an end at that time from the other end that its kernel knows, whoever that was then. */
export function cameTo(
  events: readonly Event[],
  { end, local, remote }: Known,
  { deed, segment }: WireSegment,
  at: Ns,
): boolean {
  if (!sameAddress(segment.destination, local)) return false;
  if (end === 'client') return sameAddress(segment.source, remote);
  // a translation answers in the name of the address that it was asked for, whether it has a mapping for that or none any more
  if (deed.do === 'forged' && deed.as === 'reset') return sameAddress(segment.source, insideOf(events, remote, at));
  const from = deed.do === 'carried' ? deed.translated : undefined;
  return sameAddress(from ?? outsideOf(events, segment.source, at), remote);
}
