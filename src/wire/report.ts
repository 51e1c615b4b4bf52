import type { Sighting } from '../record/sighting.ts';
import { namesOf } from '../tcp/flags.ts';
import { tcpdumpText } from '../tcp/segment-text.ts';
import type { Seen } from './history.ts';

/** What the wire tells of a packet that it saw; `cut`: whose end is not known any more. */
export function sighting({ n, t, from, packet, connection, seq, ack }: Seen, cut = false): Sighting {
  const shown = cut && packet.kind === 'tcp' ? { ...packet, intact: true } : packet;
  const text = tcpdumpText(shown, { seq, ack });
  if (packet.kind === 'other') return { n, t, from, text };
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
  return { n, t, from, text, segment };
}
