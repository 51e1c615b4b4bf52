import type { Kind, ValueOf } from '../facts/kinds.ts';
import type { End, State } from '../facts/states.ts';
import type { LoadOptions } from '../load/options.ts';
import type { Loaded } from '../load/run.ts';
import type { Address, SsSocket } from '../record/event.ts';
import type { Wire } from '../wire/stage.ts';

/** What the kernel said to a step: a value, or a refusal; `ns` is how long the call held its thread. */
export type Answer<T = void> =
  | { readonly ok: true; readonly value: T; readonly ns: number }
  | { readonly ok: false; readonly errno: string; readonly syscall: string; readonly ns: number };

/** Awaited: the value, or the cell is errored. `.answer()`: a refusal as data. */
export type Step<T = void> = Promise<T> & { answer(): Promise<Answer<T>> };

/** A moment of the one clock at which several peers act together. */
export interface Instant {
  readonly ns: number;
}

/** Socket options with their values as a scenario writes them. */
export interface SocketOptions {
  /** Seconds, or `off`: {l_onoff, l_linger}, socket(7). */
  SO_LINGER: 'off' | number;
  /** Seconds that an orphan may stay in FIN-WAIT-2; -1: not at all, tcp(7). */
  TCP_LINGER2: number;
  /** Milliseconds that what is sent may stay unacknowledged; 0: as long as the sysctls say, tcp(7). */
  TCP_USER_TIMEOUT: number;
  SO_KEEPALIVE: boolean;
  /** Seconds without a segment from the other end before the first keepalive probe, tcp(7). */
  TCP_KEEPIDLE: number;
  /** Seconds from one unanswered probe to the next. */
  TCP_KEEPINTVL: number;
  /** Unanswered probes after which the connection is given up. */
  TCP_KEEPCNT: number;
  SO_REUSEADDR: boolean;
  SO_REUSEPORT: boolean;
  IP_BIND_ADDRESS_NO_PORT: boolean;
  /** Refused with EINVAL on a socket that is bound: see `ipv6Only` of {@link BindOptions}. */
  IPV6_V6ONLY: boolean;
}
export type SocketOption = keyof SocketOptions;

/** struct linger of socket(7), field for field: switched off, the option keeps the seconds that it had. */
export interface StructLinger {
  readonly l_onoff: number;
  /** Seconds. */
  readonly l_linger: number;
}
/** What a socket option may be set to: SO_LINGER also to the kernel's own structure. */
export type Settable<O extends SocketOption> = SocketOptions[O] | (O extends 'SO_LINGER' ? StructLinger : never);

export interface SetOptions {
  /** setsockopt(2)'s `optlen`, bytes; default the size of what the option takes. */
  readonly length?: number;
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
  /** What is written, over and over, so that a reader can tell whose bytes it has. Default `linger`. */
  readonly fill?: string;
}

/** What TCP_INFO says of an open descriptor, tcp(7). */
export interface TcpInfo {
  readonly state: State;
  readonly retransmits: number;
  /** tcpi_unacked: segments that were sent and not acknowledged; what was never sent is not among them. */
  readonly unacked: number;
  readonly rtoUs: number;
  readonly rttUs: number;
  /** tcpi_notsent_bytes: in the send queue, and never sent. */
  readonly notSentBytes: number;
}

/** A socket whose options can be set, whether or not it is connected. */
export interface WithOptions {
  set<O extends SocketOption>(option: O, value: Settable<O>, how?: SetOptions): Step;
  get<O extends SocketOption>(option: O): Step<SocketOptions[O]>;
  /** SO_LINGER as getsockopt(2) gives it. */
  linger(): Step<StructLinger>;
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

/** An address of a peer's end with a port of the cell's: whether there is a socket is the scenario's matter. */
export interface Place {
  readonly at: Address;
}

/** SO_REUSEADDR, SO_REUSEPORT, both or neither, set before bind(2). */
export type Reuse = 'none' | 'addr' | 'port' | 'both';
/** The peer's address in the lab, every address, or another one that the lab has at the same end. */
export type Where = 'own' | 'wildcard' | 'other';

export interface BindOptions {
  readonly family?: 4 | 6;
  /** Default: one that this cell alone has. 0: one that the kernel chooses; tracepoints do not watch that. */
  readonly port?: number;
  /** Default `own`. */
  readonly at?: Where;
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
  accepted(opened: Opened): Step<Endpoint>;
  /** Send its descriptor to another peer of the same end (SCM_RIGHTS, unix(7)), which has a copy then; this peer listens on. */
  handTo(peer: Peer): Step<Handed>;
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
  readonly family?: 4 | 6;
  readonly port?: number;
  /** Default `own`. */
  readonly at?: Where;
  /** Set before bind(2) on a socket made by libc. Absent: net's own way, which is `addr`. */
  readonly reuse?: Reuse;
  readonly backlog?: number;
  /** net's `allowHalfOpen` for accepted sockets; default true, so that the scenario decides who closes second. */
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

/** A process that obeys the scenario's steps. */
export interface Peer<Label extends string = string> {
  readonly name: string;
  readonly pid: number;
  listen(options?: ListenOptions): Step<Listener>;
  bind(options?: BindOptions): Step<Bound>;
  /** Connect, and reset at once: says whether someone listens there, and leaves no socket and no TIME-WAIT behind. */
  knock(on: Listener | Handed, options?: Pick<ConnectOptions<Label>, 'family'>): Step;
  /** Both ends, established: the connecting one first. */
  connect(to: Listener | Handed, options?: ConnectOptions<Label>): Step<readonly [Endpoint, Endpoint]>;
  /**
   * Connect to where nobody accepts: established at both ends, but no process has the other one, so it has facts of its
   * socket and none of an application.
   */
  join(queue: Queue, options?: ConnectOptions<Label>): Step<Endpoint>;
  /** An address of its own with a port that this cell alone has, and nothing bound to it. */
  place(options?: { readonly family?: 4 | 6 }): Place;
  /**
   * Send a SYN: resolves when connect(2) has returned, with an end that is in SYN-SENT then. With `localPort` from this
   * peer's own address in the lab, that of its places. To a place from which another peer opens to this one's: the other end of
   * the same connection; the client's peer opens first. To its own: one socket that is both ends, whose facts are the client's.
   */
  open(to: Listener | Handed | Queue | Bound | Place, options?: ConnectOptions<Label>): Step<Opened>;
  /**
   * Send a signal; SIGKILL and SIGTERM end it, SIGSTOP pauses it until SIGCONT. Resolves when it has taken effect; one that
   * it catches: when the kernel has delivered it.
   */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' | CaughtSignal): Promise<void>;
  /** Catch a signal from now on, with a handler that does nothing: `process.on(signal, () => {})`. */
  survive(signal: CaughtSignal): Step;
  /** End the process; resolves when it is gone. Steps that it had not answered reject with PEER_DIED. */
  end(by: EndBy): Step<Ended>;
}

/** A sysctl of a lab's namespace. */
export interface Sysctl {
  readonly value: string;
  /** What the kernel had made it, where the lab pins it to compare kernels and not hosts; else the same. */
  readonly own: string;
}

/** How many TCP sockets there are, by /proc/net/sockstat of a namespace. */
export interface SocketCounts {
  /** Full sockets but TIME-WAIT, of both families. */
  readonly inUse: number;
  /** Mini-sockets: TIME-WAIT, and FIN-WAIT-2 of orphans. */
  readonly timeWait: number;
  /** Orphans of the whole host, whichever namespace's file is read. */
  readonly hostOrphans: number;
  /** Pages that the buffers of all TCP sockets of the host take. */
  readonly hostPages: number;
}

/** What a scenario can look at and take away from outside the peers. */
export interface Instruments {
  /** What `ss` shows of the endpoint now; undefined where it shows nothing. */
  readonly look: (endpoint: Side) => Promise<SsSocket | undefined>;
  readonly sockets: (where: End) => SocketCounts;
  /**
   * Connections in SYN-RECEIVED in that end's namespace now, by /proc/net/tcp: requests, too. At once, where a look of `ss` has
   * its turn among those of all cells.
   */
  readonly synReceived: (where: End) => number;
  /** One slot of the kernel's timer wheel for a timer of so many seconds: how late it may be, in seconds. */
  readonly timerSlot: (seconds: number) => number;
  /** undefined where this kernel has none of that name. */
  readonly sysctl: (name: string, where?: End) => Sysctl | undefined;
  /** Have the kernel destroy its socket: `ss -K`, ss(8). EOPNOTSUPP where it is still there afterwards. */
  readonly destroy: (endpoint: Side) => Step;
  /**
   * Give that end's namespace up: its peers are killed, and nothing of this program holds it. Resolves when the kernel has
   * taken it apart, with the seconds that took; needs `veth`, whose other end vanishes with it.
   */
  readonly abandon: (where: End) => Step<number>;
}

export interface StartOptions {
  /** The namespace it is in: the client's or the server's. Default `client`. */
  readonly where?: End;
  /** The user whose it is, by setuid(2) before its first step. The experiment says `needs: () => ['another-user']`. */
  readonly uid?: number;
}

/** What a scenario is played on. */
export interface Stage<C extends readonly string[], M> extends Instruments {
  readonly client: Peer<C[number]>;
  readonly server: Peer<C[number]>;
  /** What carries the packets of the network `wire`; throws TypeError on another. */
  readonly wire: Wire;
  /** One more process, in the namespace of the client or of the server. */
  readonly start: (name: string, options?: End | StartOptions) => Step<Peer<C[number]>>;
  /** Resolves with the first of these states that the endpoint is in or has passed through. */
  readonly until: (endpoint: Side, ...states: readonly [State, ...State[]]) => Promise<State>;
  /** Open and close connections as fast as they go, or as they are due; the experiment says `load`. */
  readonly load: (options: LoadOptions) => Step<Loaded>;
  /** Resolves after so many seconds in which the cell only waits. */
  readonly rest: (seconds: number) => Promise<void>;
  /** A moment far enough ahead for every peer to have heard of it. */
  readonly soon: () => Instant;
  /** Set a fact that the experiment declares under `measures`. */
  readonly note: <K extends keyof M & string>(name: K, value: ValueOf<M[K]>) => void;
}

/** The stage of a network that is never `wire`: to use its wire is an error of the compiler's. */
export type WithoutWire<S extends { readonly wire: Wire }> = Omit<S, 'wire'> & { readonly wire: never };

export type AnyStage = Stage<readonly string[], Record<string, Kind<unknown>>>;
