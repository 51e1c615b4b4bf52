import type { Sighting } from '../record/event.ts';
import { namesOf } from '../tcp/flags.ts';
import type { Seen } from './history.ts';

/** What the wire reports of a packet that it saw; `cut`: whose end is not known any more. */
export function sighting({ n, t, from, packet, connection, seq, ack }: Seen, cut = false): Sighting {
  if (packet.kind === 'other') return { n, t, from, why: packet.why };
  const segment = {
    source: packet.source,
    destination: packet.destination,
    connection,
    flags: namesOf(packet.flags),
    ...(seq !== undefined && { seq }),
    ...(ack !== undefined && { ack }),
    absolute: { seq: packet.seq, ack: packet.ack },
    window: packet.window,
    bytes: packet.payload.length,
    options: packet.options,
    ...(!cut && { intact: packet.intact }),
  };
  return { n, t, from, segment };
}
