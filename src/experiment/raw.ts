/**
 * Raw sockets: sockets that libc makes and net does not know. Each call is there in each state, with the kernel's errno as its
 * answer; nothing happens that was not called.
 */
import type { Address } from '../tcp/address.ts';
import type { TcpInfo } from '../tcp/info.ts';
import type { End } from '../tcp/states.ts';
import type { At, Place, WithOptions } from './socket.ts';
import type { Step } from './step.ts';

export interface RawSocketOptions {
  /** Default 4. */
  readonly family?: 4 | 6;
}

export interface RawBindOptions {
  /** Default: one that this cell alone has. 0: one that the kernel chooses. */
  readonly port?: number;
  /** Default `own`. */
  readonly at?: At;
}

export interface RawConnectOptions<Label extends string = string> {
  /** The connection's label, one of the experiment's `connections`. */
  readonly as?: Label;
  /** An attempt made once more: facts of its label are of this connection, and of none that was called so before. */
  readonly again?: boolean;
  /** To a listener on `::`: over IPv4 or IPv6. Default: the socket's own. */
  readonly family?: 4 | 6;
}

export interface WaitOptions {
  /** As on a blocking socket, which is the default; `false`: as on one with O_NONBLOCK, EAGAIN where it would have to wait. */
  readonly wait?: boolean;
}

export interface RawAcceptOptions<Label extends string = string> extends WaitOptions {
  /**
   * The label of a connection that no peer of the cell opened: a program did, or a forged SYN. One that a peer opened has the label
   * that it was opened with, and no other.
   */
  readonly as?: Label;
  /** As of `RawConnectOptions`. */
  readonly again?: boolean;
}

export interface RawWriteOptions extends WaitOptions {
  /** Of a number of bytes: what is written, over and over. Default `linger`. */
  readonly fill?: string;
}

/** What poll(2) can be asked to wait for. */
export type PollWanted = 'POLLIN' | 'POLLPRI' | 'POLLOUT' | 'POLLRDHUP';
/** What poll(2) returns. */
export type PollEvent = PollWanted | 'POLLERR' | 'POLLHUP' | 'POLLNVAL';

export interface PollOptions {
  /** Default: all that can be asked for. POLLERR and POLLHUP come unasked. */
  readonly for?: readonly PollWanted[];
  /** Seconds to wait. Default 0: as it is now. */
  readonly within?: number;
}

/**
 * A socket that libc made, or a descriptor taken from net: it has every call in every state. What it waits for ends with the cell's
 * deadline.
 */
export interface RawSocket<Label extends string = string> extends WithOptions {
  /** bind(2), without SO_REUSEADDR unless it was set before: resolves with the address that it has then. */
  bind(options?: RawBindOptions): Step<Address>;
  /** listen(2): resolves with the address at which it listens. */
  listen(options?: { readonly backlog?: number }): Step<Address>;
  /**
   * connect(2) of a blocking socket: resolves with this end when it is established. Once the SYN was sent there is a connection, with
   * facts, whatever becomes of it.
   */
  connect(to: Place | RawSocket, options?: RawConnectOptions<Label>): Step<RawEndpoint<Label>>;
  /** connect(2) of a non-blocking socket: resolves when the SYN was sent (EINPROGRESS). */
  open(to: Place | RawSocket, options?: RawConnectOptions<Label>): Step<RawEndpoint<Label>>;
  /** accept(2): the end that it gives, of a connection that was reset before, too. */
  accept(options?: RawAcceptOptions<Label>): Step<RawEndpoint<Label>>;
  /** read(2) of at most so many bytes: a character for each byte (latin1); an empty text is the end of the stream. */
  read(bytes: number, options?: WaitOptions): Step<string>;
  /** write(2) of so many bytes, of a text, or of these bytes: how many the kernel took. SIGPIPE is ignored. */
  write(what: number | string | Uint8Array, options?: RawWriteOptions): Step<number>;
  /** poll(2): the events, none where the time was over. */
  poll(options?: PollOptions): Step<readonly PollEvent[]>;
  /** shutdown(2), of a listening socket, too. */
  shutdown(how: 'RD' | 'WR' | 'RDWR'): Step;
  /** connect(2) to AF_UNSPEC: the connection is reset, and the socket can connect again. */
  disconnect(): Step;
  /** dup(2): one more descriptor; the socket is closed when the last one is. */
  dup(): Step<RawSocket<Label>>;
  /** dup2(2): another raw socket's descriptor of the same peer is closed, and is one of this socket from then on. */
  dup2(onto: RawSocket): Step;
  getpeername(): Step<Address>;
  getsockname(): Step<Address>;
  /** SO_ERROR: the pending error's name or `none`; reading clears it. */
  error(): Step<string>;
  info(): Step<TcpInfo>;
  /** SIOCOUTQ: bytes in its send queue that the other end's kernel has not acknowledged, sent or not, tcp(7). */
  sendQueue(): Step<number>;
  /** SIOCINQ: bytes in its receive queue that nobody has read, tcp(7). */
  receiveQueue(): Step<number>;
  /** close(2). */
  close(): Step;
}

/** One end of a connection of a raw socket, and the socket itself: its calls are on the same descriptor. */
export interface RawEndpoint<Label extends string = string> extends RawSocket<Label> {
  readonly end: End;
  readonly local: Address;
  readonly remote: Address;
}
