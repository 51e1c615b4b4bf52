/** What a scenario holds: its steps, the peers that take them, and their endpoints, listeners and bound sockets. */
import type { Address } from '../tcp/address.ts';
import type { TcpInfo } from '../tcp/info.ts';
import type { Site } from '../tcp/network.ts';
import type { End } from '../tcp/states.ts';
import type { ExecOptions, Program } from './program.ts';
import type { RawEndpoint, RawSocket, RawSocketOptions } from './raw.ts';
import type { At, Place, Source, WithOptions } from './socket.ts';
import type { Step } from './step.ts';

export type { At, ExactAddress, Place, SetOptions, Source, Where, WithOptions } from './socket.ts';
export type { Answer, Step } from './step.ts';

/** A moment of the one clock at which several peers act together. */
export interface Instant {
  readonly ns: number;
}

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
  /** Text that is written over and over, so that a reader recognizes the writer's bytes. Default `linger`. */
  readonly fill?: string;
}

export interface FillOptions extends WriteOptions {
  /** Bytes that are written in all, more than the other kernel takes and no more than this one takes besides. Default: until it is full. */
  readonly bytes?: number;
}

/** Where the bytes are that no application reads. */
export interface Filled {
  /** Bytes that were written. */
  readonly written: number;
  /** Bytes in the receive queue of the end that does not read. */
  readonly unread: number;
  /** Bytes in the send queue of the end that wrote, for which the other kernel has no room. */
  readonly unsent: number;
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
  /**
   * Resolves when so many bytes that the application has not read lie in Node's buffer, or in the kernel's receive queue, with
   * how many do.
   */
  unread(where: 'node' | 'kernel', bytes: number): Step<number>;
  /**
   * Stops the reading of the other end, and writes until its kernel takes no more: resolves when its receive queue is full, more
   * waits in this end's send queue, and nothing is on its way between them.
   */
  fill(other: Endpoint, options?: FillOptions): Step<Filled>;
  /** Reads again, after either. */
  resume(): Step;
  close(by?: CloseBy, options?: CloseOptions): Step;
  /** shutdown(2) on the descriptor, without net's knowledge. */
  shutdown(how: 'RD' | 'WR' | 'RDWR', options?: CloseOptions): Step;
  dup(): Step<Duplicate>;
  /** One more descriptor of its socket as a raw socket, from which net reads no more: it lives on when net has destroyed its own. */
  raw(): Step<RawEndpoint>;
  /** Send its descriptor to another peer of the same end (SCM_RIGHTS, unix(7)), which has a copy then; this one stays open. */
  copyTo(peer: Peer): Step<Copy>;
}

/** An end of a connection by its addresses, whether or not a process has it. */
export type Side = Pick<Endpoint, 'end' | 'local' | 'remote'>;

/** An end that may not be established: from SYN-SENT on. */
export interface Opened extends Endpoint {
  /**
   * Resolves when it is established. A refusal is what the kernel made of it: ECONNREFUSED, ECONNRESET, ETIMEDOUT,
   * EHOSTUNREACH; its `ns` is the time from connect(2) to that.
   */
  connected(): Step;
  /** The other end, where `ss` shows a mini-socket in SYN-RECEIVED, which no process has. */
  readonly other: Side;
}

/** An end that was accepted from a program. */
export interface Incoming extends Endpoint {
  /** The program's end. */
  readonly other: Side;
}

/** SO_REUSEADDR, SO_REUSEPORT, both or neither, set before bind(2). */
export type Reuse = 'none' | 'addr' | 'port' | 'both';
export interface BindOptions {
  /** Default 4, or the family of the address in `at`. */
  readonly family?: 4 | 6;
  /** Default: one that this cell alone has. 0: one that the kernel chooses. */
  readonly port?: number;
  /** Default `own`. */
  readonly at?: At;
  /** Default `none`, which net has no way to ask for: libuv sets SO_REUSEADDR. */
  readonly reuse?: Reuse;
  /** IP_BIND_ADDRESS_NO_PORT, ip(7): with port 0, no port is taken before connect(2). Default false. */
  readonly noPort?: boolean;
  /** IPV6_V6ONLY, ipv6(7), set before bind(2). Absent: as the sysctl net.ipv6.bindv6only says, which is off. */
  readonly ipv6Only?: boolean;
}

/** A socket that is bound, and no more: made by libc, before net has it. */
export interface Bound extends WithOptions {
  readonly at: Address;
  /** listen(2), and hand it to net; what it accepts inherits its options. From then on the listener's `close()` closes it. */
  listen(options?: Pick<ListenOptions, 'backlog' | 'allowHalfOpen'>): Step<Listener>;
  /** listen(2) and never accept(2). From then on the queue's `close()` closes it. */
  queue(options?: Pick<ListenOptions, 'backlog'>): Step<Queue>;
  close(): Step;
}

/** A listening socket whose connections the kernel establishes and nobody accepts: they wait in its accept queue. */
export interface Queue extends WithOptions {
  readonly at: Address;
  close(): Step;
}

export interface Listener extends WithOptions {
  readonly at: Address;
  /** Resolves with the other end of a connection that was opened, when this listener's application has accepted it. */
  accepted(opened: Opened | RawEndpoint): Step<Endpoint>;
  /**
   * Resolves with the next connection that no step of a peer opened, when this listener's application has accepted it: of a program,
   * `exec()`. The program's end has facts of its socket and none of an application.
   */
  next(options?: Pick<ConnectOptions<string>, 'as' | 'again'>): Step<Incoming>;
  /** Send its descriptor to another peer of the same end (SCM_RIGHTS, unix(7)), which has a copy then; this peer listens on. */
  handTo(peer: Peer): Step<Handed>;
  /** Takes its socket from net, which accepts no more, as a raw socket; this handle has no descriptor then. */
  raw(): Step<RawSocket>;
  close(): Step;
}

/** A listening socket that another peer handed over: connections wait in its queue until someone serves. */
export interface Handed extends WithOptions {
  readonly at: Address;
  /** Resolves when so many connections wait to be accepted. */
  queued(connections: number): Step;
  /** Hand it to net, which accepts from then on: `server.listen({ fd })`. */
  serve(options?: Pick<ListenOptions, 'backlog' | 'allowHalfOpen'>): Step<Listener>;
  /** Close this peer's copy. */
  close(): Step;
}

export interface ListenOptions {
  /** Default 4, or the family of the address in `at`. */
  readonly family?: 4 | 6;
  /** Default: one that this cell alone has. 0: one that the kernel chooses. */
  readonly port?: number;
  /** Default `own`. */
  readonly at?: At;
  /** Set before bind(2) on a socket made by libc. Absent: net's own way, which is `addr`. */
  readonly reuse?: Reuse;
  /** IP_BIND_ADDRESS_NO_PORT, ip(7): with port 0, listen(2) takes one. Set before bind(2) on a socket made by libc. Default false. */
  readonly noPort?: boolean;
  /** IPV6_V6ONLY, ipv6(7), set before bind(2). Absent: off, as net sets it; on a socket made by libc as net.ipv6.bindv6only says. */
  readonly ipv6Only?: boolean;
  readonly backlog?: number;
  /** net's `allowHalfOpen` for accepted sockets; default true, so that the scenario decides which end closes second. */
  readonly allowHalfOpen?: boolean;
}

export interface ConnectOptions<Label extends string> {
  /** The connection's label, one of the experiment's `connections`. */
  readonly as?: Label;
  /**
   * An attempt made once more: facts of its label are of this connection, and of none that was called so before. Where none
   * says so, those of several that share a label are unknown.
   */
  readonly again?: boolean;
  readonly allowHalfOpen?: boolean;
  readonly localPort?: number;
  /**
   * bind(2) to this address before connect(2), which takes a port, too. Absent: the kernel chooses one, or, with `localPort` in
   * `open`, `own`.
   */
  readonly localAddress?: Source;
  /** To a listener on `::`: over IPv4 or IPv6. Default: the family of its address. */
  readonly family?: 4 | 6;
}

/**
 * Ways for a process to end: `process.exit()`; its event loop has nothing left to do, its sockets being unref'd; an exception
 * that nobody catches; a signal.
 */
export type EndBy = 'process.exit' | 'natural' | 'exception' | 'SIGTERM' | 'SIGKILL';

/** How a process ended. */
export interface Ended {
  /** `exit code 0`, or the name of the signal. */
  readonly how: string;
  /** From its last own doing, or from the signal, until it was gone with its descriptors; some ms of it are the harness's. */
  readonly ms: number;
}

/** Signals that a peer can be made to catch; uncaught, each ends it. */
export type CaughtSignal = 'SIGHUP' | 'SIGALRM' | 'SIGUSR2';

export interface PlaceOptions {
  /** Default 4, or the family of the address in `at`. */
  readonly family?: 4 | 6;
  /** Default: one that this cell alone has. */
  readonly port?: number;
  /** Default `own`. */
  readonly at?: Source;
}

export interface AddressOptions {
  /** Default 4. */
  readonly family?: 4 | 6;
  /** Default `own`. */
  readonly at?: 'own' | 'other';
}

/** A process that obeys the scenario's steps. */
export interface Peer<Label extends string = string> {
  readonly name: string;
  readonly pid: number;
  listen(options?: ListenOptions): Step<Listener>;
  bind(options?: BindOptions): Step<Bound>;
  /** socket(2) and no more: a raw socket, which net does not know. It has every call in every state. */
  socket(options?: RawSocketOptions): Step<RawSocket<Label>>;
  /** Connect, and reset at once: says whether someone listens there, and leaves no socket and no TIME-WAIT behind. */
  knock(on: Listener | Handed | RawSocket, options?: Pick<ConnectOptions<Label>, 'family'>): Step;
  /** Both ends, established: the connecting one first. */
  connect(to: Listener | Handed, options?: ConnectOptions<Label>): Step<readonly [Endpoint, Endpoint]>;
  /**
   * Connect to where nobody accepts: established at both ends, but no process has the other one, so it has facts of its
   * socket and none of an application.
   */
  join(queue: Queue | RawSocket, options?: ConnectOptions<Label>): Step<Endpoint>;
  /** An address with a port, of its own and this cell's alone unless the options say otherwise; nothing is bound to it. */
  place(options?: PlaceOptions): Place;
  /** The text of one of its addresses in the lab. */
  address(options?: AddressOptions): string;
  /** So many ports that this cell alone has, for scenarios that name them. */
  ports(count: number): readonly number[];
  /**
   * Send a SYN: resolves when connect(2) has returned, with an end that is in SYN-SENT then. With `localPort` from this
   * peer's own address in the lab, that of its places. To a place from which another peer opens to this one's: the other end of
   * the same connection; the client's peer opens first. To its own: one socket that is both ends, whose facts are the client's.
   */
  open(to: Listener | Handed | Queue | Bound | Place | RawSocket, options?: ConnectOptions<Label>): Step<Opened>;
  /**
   * Send a signal; SIGKILL and SIGTERM end it, SIGSTOP pauses it until SIGCONT. Resolves when it has taken effect; one that
   * it catches: when the kernel has delivered it.
   */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' | CaughtSignal): Promise<void>;
  /** Catch a signal from now on, with a handler that does nothing: `process.on(signal, () => {})`. */
  survive(signal: CaughtSignal): Step;
  /**
   * Start a program in this peer's namespace, as its child: what `net` cannot do. Its sockets are observed as all others, at the
   * addresses and ports of the cell.
   */
  exec(command: string, args?: readonly string[], options?: ExecOptions): Step<Program>;
  /** End the process; resolves when it is gone. Steps that it had not answered reject with PEER_DIED. */
  end(by: EndBy): Step<Ended>;
}

export interface StartOptions {
  /** The namespace it is in: the client's, the server's, or on the network `routed` the router's. Default `client`. */
  readonly where?: Site;
  /** The user whose it is, by setuid(2) before its first step. The experiment says `needs: () => ['another-user']`. */
  readonly uid?: number;
}
