import type { Address } from '../tcp/address.ts';
import type { TcpInfo } from '../tcp/info.ts';
import type { End } from '../tcp/states.ts';
import type { WithOptions } from './options.ts';
import type { Peer } from './peer.ts';
import type { Instant, Step } from './step.ts';

/** Ways to close: net's `end()`, `destroy()`, `resetAndDestroy()`, or close(2) on the descriptor, taken from net first. */
export type CloseBy = 'end' | 'destroy' | 'resetAndDestroy' | 'close(2)';

export interface CloseOptions {
  /** Bytes written in the same turn of the event loop, just before. */
  readonly sending?: number;
  /** Close at this moment of the one clock; the peer spins until then. */
  readonly at?: Instant;
  /** A second way of net's, in the same turn of the event loop; what net refuses of it is an 'error' event. Not after close(2). */
  readonly andThen?: Exclude<CloseBy, 'close(2)'>;
}

export interface WriteOptions {
  /** What is written, over and over, so that a reader can tell whose bytes it has. Default `linger`. */
  readonly fill?: string;
}

/** One more descriptor of an endpoint's socket, dup(2), which net does not know: the socket is closed when the last one is. */
export interface Duplicate extends WithOptions {
  /** close(2); in a thread of libuv's pool what blocks does not block the event loop. Default `main`. */
  close(thread?: 'main' | 'pool'): Step;
}

/** An endpoint's socket in another process, as fork(2) leaves it there: the socket is closed when the last descriptor is. */
export interface Copy extends WithOptions {
  close(): Step;
}

/** One end of one connection. */
export interface Endpoint extends WithOptions {
  readonly end: End;
  readonly local: Address;
  readonly remote: Address;
  /** SO_ERROR: the pending error's name or `none`; reading clears it. */
  error(): Step<string>;
  info(): Step<TcpInfo>;
  /** SIOCOUTQ: bytes in its send queue that the other end's kernel has not acknowledged, sent or not, tcp(7). */
  sendQueue(): Step<number>;
  /** Write so many bytes; resolves when net has handed them to the kernel. */
  write(bytes: number, options?: WriteOptions): Step;
  /** The first 64 KiB that this end's application has read so far, a character for each byte (latin1). */
  heard(): Step<string>;
  /** Resolves when this end's application has read so many bytes in all. */
  received(bytes: number): Step;
  /** Resolves when this end's application has read the end of the stream. */
  ended(): Step;
  /** Resolves when Node emitted 'close'. */
  gone(): Step;
  /** net's `pause()`: its handle reads on until Node's buffer is full, and an end of the stream is still seen. */
  pause(): Step;
  /** Reads nothing more from the kernel, not even the end of the stream: what arrives stays in its receive queue. */
  stopReading(): Step;
  /** Resolves when so many bytes that the application has not read lie in Node's buffer, or in the kernel's receive queue. */
  unread(where: 'node' | 'kernel', bytes: number): Step;
  /** Reads again, after either. */
  resume(): Step;
  close(by?: CloseBy, options?: CloseOptions): Step;
  /** shutdown(2) on the descriptor, behind net's back. */
  shutdown(how: 'RD' | 'WR' | 'RDWR', options?: CloseOptions): Step;
  dup(): Step<Duplicate>;
  /** Send its descriptor to another peer of the same end (SCM_RIGHTS, unix(7)), which has a copy then; this one stays open. */
  copyTo(peer: Peer): Step<Copy>;
}

/** An end of a connection by its addresses, whether or not a process has it. */
export type Side = Pick<Endpoint, 'end' | 'local' | 'remote'>;

/** An end that may not be established: from SYN-SENT on. */
export interface Opened extends Endpoint {
  /**
   * Resolves when it is established. A refusal is what the kernel made of it: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH; its
   * `ns` is the time from connect(2) to that.
   */
  connected(): Step;
  /** The other end, where `ss` shows a request in SYN-RECEIVED, which no process has. */
  readonly other: Side;
}
