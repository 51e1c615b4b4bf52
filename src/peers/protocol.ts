import type { Answer, CaughtSignal, CloseBy, EndBy, Reuse } from '../experiment/handles.ts';
import type { ProgramEnded, ProgramOutput } from '../experiment/program.ts';
import type { PollEvent, PollWanted } from '../experiment/raw.ts';
import type { Started } from '../process/protocol.ts';
import type {
  CallEvent,
  LateEvent,
  NodeEvent,
  ProgramEndedEvent,
  ProgramLineEvent,
  QueuesEvent,
  StallEvent,
} from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import type { TcpInfo } from '../tcp/info.ts';
import type { NumberedOption, Settable, SocketOption, SocketOptions, StructLinger } from '../tcp/socket-options.ts';

/** Ways to end that are the process's own doing. */
export type OwnEnd = Exclude<EndBy, NodeJS.Signals>;
type ThenClose = Exclude<CloseBy, 'close(2)'>;

/** What became of an option that was set. */
export interface Kept<Value = Settable<SocketOption>> {
  /** What getsockopt(2) gives right afterwards: SO_LINGER as struct linger where it was set so. */
  readonly kept: Value;
  /** Where a socket that is no endpoint is bound, and connected. */
  readonly at?: { readonly local: Address; readonly remote?: Address };
}

/** What connect(2) of a raw socket made of it. */
export interface RawConnected {
  /** The number of this end from now on; of a connect(2) that went on with an earlier one, that one's. */
  readonly endpoint: number;
  readonly local: Address;
  /** When it was called, and had returned, on the one clock. */
  readonly calledNs: number;
  readonly sentNs: number;
  /** Its SYN was sent, and not answered yet. */
  readonly inProgress: boolean;
}

/** Requests to a peer, with their answers. Each peer numbers its own endpoints, listeners and bound sockets. */
export interface Verbs {
  listen: {
    ask: {
      address: string;
      port: number;
      reuse?: Reuse;
      noPort?: boolean;
      ipv6Only?: boolean;
      backlog?: number;
      allowHalfOpen: boolean;
    };
    value: { listener: number; at: Address };
  };
  bind: {
    ask: { address: string; port: number; reuse: Reuse; noPort: boolean; ipv6Only?: boolean };
    value: { bound: number; at: Address };
  };
  listenBound: {
    ask: { bound: number; backlog?: number; allowHalfOpen: boolean };
    value: { listener: number; at: Address };
  };
  /** Listens and accepts nothing; of a socket that was bound without a port, listen(2) chose one. */
  queue: { ask: { bound: number; backlog?: number }; value: { at: Address } };
  unbind: { ask: { bound: number }; value: undefined };
  /** setuid(2): for good. */
  become: { ask: { uid: number }; value: undefined };
  /** A socket to which another peer can send a socket's descriptor; its abstract name in hexadecimal. */
  openMailbox: { ask: Record<never, never>; value: { mailbox: number; name: string } };
  handOver: { ask: { socket: number; mailbox: string }; value: undefined };
  /** Takes the descriptor out of the mailbox, which is closed. */
  takeOver: { ask: { mailbox: number }; value: { handed: number } };
  /** Waits until so many connections wait to be accepted. */
  queued: { ask: { handed: number; connections: number }; value: undefined };
  serve: {
    ask: { handed: number; backlog?: number; allowHalfOpen: boolean };
    value: { listener: number; at: Address };
  };
  /** Connects and resets at once. */
  knock: { ask: { to: Address }; value: undefined };
  unlisten: { ask: { listener: number }; value: undefined };
  connect: {
    ask: { to: Address; localPort?: number; localAddress?: string; allowHalfOpen: boolean };
    value: { endpoint: number; local: Address; remote: Address };
  };
  /** Answered as soon as connect(2) has returned: when it was called, and had returned, on the one clock. */
  open: {
    ask: { to: Address; localPort?: number; localAddress?: string; allowHalfOpen: boolean };
    value: { endpoint: number; local: Address; calledNs: number; sentNs: number };
  };
  /** Waits until an opened socket is established; refused with what the kernel made of it. */
  connected: { ask: { endpoint: number }; value: undefined };
  /**
   * The accepted socket whose other end is at this address; waits for it. `ended`: that end has no connection any more, so that its
   * address may be gone from the socket, too: a connection that was reset before accept(2), getpeername(2) ENOTCONN.
   */
  accepted: { ask: { from: Address; ended?: boolean }; value: { endpoint: number; local: Address; remote: Address } };
  /** The next connection of a listener that no other step has taken; waits for it. */
  next: { ask: { listener: number }; value: { endpoint: number; local: Address; remote: Address } };
  /** Starts a program; it is named so in the verbs below. */
  exec: {
    ask: { command: string; args: string[]; env?: Readonly<Record<string, string>>; input?: string };
    value: { program: string; pid: number };
  };
  /** Waits for a line; `ended`: there will be none. */
  programLine: {
    ask: { program: string; pattern?: { text: string } | { source: string; flags: string } };
    value: { line: string } | { ended: ProgramEnded };
  };
  programOutput: { ask: { program: string }; value: ProgramOutput };
  programWrite: { ask: { program: string; text: string }; value: undefined };
  programClose: { ask: { program: string }; value: undefined };
  programSignal: { ask: { program: string; signal: NodeJS.Signals }; value: undefined };
  programEnded: { ask: { program: string }; value: ProgramEnded };
  /** Of a socket of any kind. */
  set: {
    ask: { socket: number; option: SocketOption; value: Settable<SocketOption>; length?: number };
    value: Kept;
  };
  get: { ask: { socket: number; option: SocketOption }; value: SocketOptions[SocketOption] };
  /** Bytes in hexadecimal; `kept` is absent where getsockopt(2) refuses. */
  setNumbered: {
    ask: NumberedOption & { socket: number; hex: string; length?: number };
    value: Partial<Kept<string>>;
  };
  getNumbered: { ask: NumberedOption & { socket: number; length: number }; value: string };
  linger: { ask: { socket: number }; value: StructLinger };
  error: { ask: { socket: number }; value: string };
  info: { ask: { socket: number }; value: TcpInfo };
  sendQueue: { ask: { socket: number }; value: number };
  receiveQueue: { ask: { socket: number }; value: number };
  write: { ask: { endpoint: number; bytes: number; fill?: string }; value: undefined };
  /** Of what the application has read, the beginning; latin1. */
  heard: { ask: { endpoint: number }; value: string };
  /** Waits until the application has read so many bytes in all. */
  received: { ask: { endpoint: number; bytes: number }; value: undefined };
  /** Waits for Node's event. */
  saw: { ask: { endpoint: number; event: 'end' | 'close' }; value: undefined };
  pause: { ask: { endpoint: number }; value: undefined };
  stopReading: { ask: { endpoint: number }; value: undefined };
  /** Waits until so many bytes lie there; how many do. */
  unread: { ask: { endpoint: number; where: 'node' | 'kernel'; bytes: number }; value: number };
  resume: { ask: { endpoint: number }; value: undefined };
  close: {
    ask: { endpoint: number; by: CloseBy; sending?: number; atNs?: number; andThen?: ThenClose };
    value: undefined;
  };
  shutdown: {
    ask: { endpoint: number; how: 'RD' | 'WR' | 'RDWR'; sending?: number; atNs?: number; andThen?: ThenClose };
    value: undefined;
  };
  dup: { ask: { endpoint: number }; value: { duplicate: number } };
  closeDuplicate: { ask: { endpoint: number; duplicate: number; thread: 'main' | 'pool' }; value: undefined };
  /** A duplicate of a net socket's descriptor; a listener's is taken from net. */
  raw: { ask: { socket: number }; value: { socket: number; id: number } };
  'socket(2)': { ask: { family: 4 | 6 }; value: { socket: number; id: number } };
  'bind(2)': { ask: { socket: number; address: string; port: number }; value: { at: Address } };
  'listen(2)': { ask: { socket: number; backlog: number }; value: { at: Address } };
  /** `wait`: a second request, which `ends`, waits until the kernel has decided, as connect(2) of a blocking socket does. */
  'connect(2)': { ask: { socket: number; to: Address; wait: boolean; ends?: boolean }; value: RawConnected };
  'accept(2)': {
    ask: { socket: number; wait: boolean };
    value: { socket: number; id: number; endpoint: number; local: Address; remote: Address };
  };
  /** The bytes as latin1. */
  'read(2)': { ask: { socket: number; asked: number; wait: boolean }; value: string };
  /** `data`: the bytes as base64; else so many, of `fill`. */
  'write(2)': { ask: { socket: number; asked: number; fill?: string; data?: string; wait: boolean }; value: number };
  'poll(2)': { ask: { socket: number; for: readonly PollWanted[]; within: number }; value: readonly PollEvent[] };
  'shutdown(2)': { ask: { socket: number; how: 'RD' | 'WR' | 'RDWR' }; value: undefined };
  disconnect: { ask: { socket: number }; value: undefined };
  'dup(2)': { ask: { socket: number }; value: { socket: number; id: number } };
  'dup2(2)': { ask: { socket: number; onto: number }; value: undefined };
  'getpeername(2)': { ask: { socket: number }; value: Address };
  'getsockname(2)': { ask: { socket: number }; value: Address };
  'close(2)': { ask: { socket: number }; value: undefined };
  survive: { ask: { signal: CaughtSignal }; value: undefined };
  /** Ends the process right after the answer; answers with that moment on the run's clock. */
  end: { ask: { way: OwnEnd }; value: { atNs: number } };
  /** Answers when the peer has reported all its events so far. */
  sync: { ask: Record<never, never>; value: undefined };
}
export type Verb = keyof Verbs;

/** What the harness has a peer's process do around the cells that it plays in. */
export interface Lending {
  /** Goes into a cell's namespace, as the peer of that name. Rejects where it is in a cell already. */
  enter: {
    ask: {
      readonly name: string;
      /** Counts the cell's peers: each spins on a CPU of its own where there are enough. */
      readonly index: number;
      readonly path: string;
    };
    value: undefined;
  };
  /** Closes what it has, leaves the namespace, and answers what it could not get rid of: nothing, where it is as it was started. */
  leave: { ask: Record<never, never>; value: { readonly left: readonly string[] } };
}

/** A peer's verbs, each answered with a value or with the kernel's refusal. */
export type PeerProtocol = { [V in Verb]: { ask: Verbs[V]['ask']; value: Answer<Verbs[V]['value']> } } & Lending;

/** Report of a peer that answers no request: an event as it happens. */
export interface Told {
  readonly saw: NodeEvent | CallEvent | QueuesEvent | StallEvent | LateEvent | ProgramLineEvent | ProgramEndedEvent;
}

/** Arguments of the peer's process: its parent's pid, the clock's origin. */
export interface PeerArguments extends Started {
  readonly originNs: string;
}
