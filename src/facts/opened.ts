import type { ConnectionEvent, Event } from '../record/event.ts';
import { sameAddress } from '../tcp/address.ts';
import { type End, ends } from '../tcp/states.ts';

/** The connections of a cell, each as it was told of last. */
export function connectionsIn(events: readonly Event[]): ConnectionEvent[] {
  const told = events.filter((event): event is ConnectionEvent => event.kind === 'connection');
  const last = new Map<number, ConnectionEvent>();
  for (const event of told) if (event.client.opening) last.set(event.client.opening.from, event);
  return told.filter(({ client }, index) => !client.opening || last.get(client.opening.from) === told[index]);
}

/** Whether one socket is both ends: it connected to its own address and port. */
export const isOneSocket = ({ client, server }: ConnectionEvent): boolean => sameAddress(client.local, server.local);

/** The ends that have facts: of one socket the connecting one. */
export const endsOf = (connection: ConnectionEvent): readonly End[] => (isOneSocket(connection) ? ['client'] : ends);
