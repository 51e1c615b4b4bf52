import type { Address } from '../tcp/address.ts';
import type { TcpSegment } from '../tcp/segment.ts';
import type { End } from '../tcp/states.ts';

/** One incarnation of a connection: what each end sent last. Ends are the devices that segments came from. */
export interface Connection {
  readonly id: number;
  /** Number of its first packet. */
  readonly since: number;
  /** The incarnation before it between the same addresses. */
  readonly before?: number;
  readonly at: Readonly<Record<End, Address>>;
  readonly isn: { client?: number; server?: number };
  /** Behind the highest sequence number that an end has sent, absolute: the other's RCV.NXT if it got everything. */
  readonly next: { client?: number; server?: number };
  /** The latest TSval of an end. */
  readonly tsval: { client?: number; server?: number };
  /** The latest segment of an end, a reset only where there is no other, without its payload. */
  readonly last: { client?: TcpSegment; server?: TcpSegment };
}

/** One between two addresses of which the wire has seen nothing. */
export const unseen = (at: Connection['at']): Connection => ({
  id: 0,
  since: 0,
  at,
  isn: {},
  next: {},
  tsval: {},
  last: {},
});
