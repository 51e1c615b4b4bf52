import type { Ns } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import { flagBits } from '../tcp/flags.ts';
import type { Packet, TcpSegment } from '../tcp/segment.ts';
import { distance } from '../tcp/sequence.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import type { Connection } from './connection.ts';
import { makeGlance } from './glance.ts';

/** A packet that came from an end, with what the history knows of its connection. What the wire itself emits is not seen. */
export interface Seen {
  /** Counts everything in the capture from 1: the frame's number there. */
  readonly n: number;
  readonly t: Ns;
  readonly from: End;
  /** Bytes of the whole packet. */
  readonly length: number;
  readonly packet: Packet;
  /** Counts incarnations from 1; 0: no TCP segment. */
  readonly connection: number;
  /** Counted from the initial sequence numbers; absent where the wire has not seen them. */
  readonly seq?: number;
  readonly ack?: number;
}

/** Connections as the segments so far show them. */
export interface History {
  /** Learns from a packet, and returns what the history knows of it. */
  see(n: number, t: Ns, from: End, length: number, packet: Packet): Seen;
  /** Returns what the history knows of a packet that it has learnt from before. */
  describe(n: number, t: Ns, from: End, length: number, packet: Packet): Seen;
  /** Learns from an ordinary segment of a known connection without parsing it; returns false for any other packet. */
  glance(from: End, bytes: Uint8Array, length: number): boolean;
  /** An incarnation by its number, or the latest one between two addresses. */
  connection(which: number | { readonly one: Address; readonly other: Address }): Connection | undefined;
}

/** Whether a sequence number is after another, RFC 9293 §3.4: modulo 2^32. */
const after = (one: number, other: number): boolean => ((one - other) | 0) > 0;
const keyOf = (client: Address, server: Address) => `${client.address} ${client.port} ${server.address} ${server.port}`;
/** Sequence numbers that a segment takes: its data, SYN and FIN, RFC 9293 §3.4. */
export const lengthOf = ({ payload, flags }: TcpSegment): number =>
  payload.length + (flags & flagBits.SYN ? 1 : 0) + (flags & flagBits.FIN ? 1 : 0);

function learn(connection: Connection, from: End, segment: TcpSegment): void {
  if (segment.flags & flagBits.SYN) connection.isn[from] = segment.seq;
  const end = (segment.seq + lengthOf(segment)) >>> 0;
  const known = connection.next[from];
  // a reset may carry the other end's idea of a number: it moves nothing
  if (known === undefined || (after(end, known) && !(segment.flags & flagBits.RST))) connection.next[from] = end;
  const stamp = segment.options.find((option) => option.kind === 'timestamps');
  if (stamp) connection.tsval[from] = stamp.value;
  // a reset has no window, and may come from a kernel that has no such socket
  if (segment.flags & flagBits.RST && connection.last[from]) return;
  // without its payload: those bytes are the capture's, which uses them again
  connection.last[from] = { ...segment, payload: new Uint8Array() };
}

/** A history that remembers so many connections, the latest. */
export function makeHistory(limit = 100_000): History {
  const latest = new Map<string, Connection>();
  const numbered = new Map<number, Connection>();
  const glances = makeGlance();
  let count = 0;

  function begin(n: number, key: string, at: Connection['at'], before: Connection | undefined, from: End): Connection {
    const other = otherEnd(from);
    // until it answers with a SYN of its own, the other end speaks for the incarnation that it has
    const kept = <T>(of: { client?: T; server?: T } | undefined) =>
      of?.[other] === undefined ? {} : { [other]: of[other] };
    const made: Connection = {
      id: ++count,
      since: n,
      ...(before && { before: before.id }),
      at,
      isn: kept(before?.isn),
      next: kept(before?.next),
      tsval: kept(before?.tsval),
      last: kept(before?.last),
    };
    latest.delete(key);
    latest.set(key, made);
    glances.know(made);
    numbered.set(made.id, made);
    if (numbered.size > limit) numbered.delete(count - limit);
    if (latest.size > limit) {
      const [oldest, gone] = latest.entries().next().value as [string, Connection];
      latest.delete(oldest);
      glances.forget(gone);
    }
    return made;
  }

  const atOf = (from: End, { source, destination }: TcpSegment) =>
    from === 'client' ? { client: source, server: destination } : { client: destination, server: source };

  /** The incarnation that a segment belongs to, a new one where it opens one. */
  function connectionOf(n: number, from: End, segment: TcpSegment): Connection {
    const at = atOf(from, segment);
    const key = keyOf(at.client, at.server);
    const known = latest.get(key);
    const opens = (segment.flags & (flagBits.SYN | flagBits.ACK)) === flagBits.SYN;
    const isn = known?.isn[from];
    return known && !(opens && isn !== undefined && isn !== segment.seq) ? known : begin(n, key, at, known, from);
  }

  function incarnation(n: number, from: End, segment: TcpSegment): Connection | undefined {
    const at = atOf(from, segment);
    let known = latest.get(keyOf(at.client, at.server));
    while (known && known.since > n) known = known.before === undefined ? undefined : numbered.get(known.before);
    return known;
  }

  function described(seen: Omit<Seen, 'connection'>, connection: Connection | undefined): Seen {
    const { packet, from } = seen;
    if (packet.kind === 'other' || !connection) return { ...seen, connection: 0 };
    const isn = connection.isn[from];
    const peers = connection.isn[otherEnd(from)];
    return {
      ...seen,
      connection: connection.id,
      ...(isn !== undefined && { seq: distance(isn, packet.seq) }),
      ...(peers !== undefined && packet.flags & flagBits.ACK && { ack: distance(peers, packet.ack) }),
    };
  }

  return {
    see(n, t, from, length, packet) {
      const connection = packet.kind === 'tcp' ? connectionOf(n, from, packet) : undefined;
      if (packet.kind === 'tcp' && connection) learn(connection, from, packet);
      return described({ n, t, from, length, packet }, connection);
    },
    describe(n, t, from, length, packet) {
      const connection = packet.kind === 'tcp' ? incarnation(n, from, packet) : undefined;
      return described({ n, t, from, length, packet }, connection);
    },
    glance: (from, bytes, length) => glances.learn(from, bytes, length),
    connection(which) {
      if (typeof which === 'number') return numbered.get(which);
      return latest.get(keyOf(which.one, which.other)) ?? latest.get(keyOf(which.other, which.one));
    },
  };
}
