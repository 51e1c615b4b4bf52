import type { Address } from '../tcp/address.ts';
import type { Queues } from '../tcp/info.ts';
import type { State } from '../tcp/states.ts';
import type { DeedEvent, WireEvent } from './sighting.ts';

/** Nanoseconds of CLOCK_MONOTONIC since the run's origin: a safe integer for the first 104 days of a run. */
export type Ns = number;

/** What samples are taken with. */
export const samplerNames = ['ss', 'netlink'] as const;
export type SamplerName = (typeof samplerNames)[number];

/** One line of `ss`. */
export interface SsSocket {
  readonly state: State;
  readonly recvQ: number;
  readonly sendQ: number;
  readonly local: Address;
  readonly remote: Address;
  /** 4 or 6 as the socket's own family: 6 with an IPv4-mapped address, too. */
  readonly family: 4 | 6;
  readonly timer?: { readonly name: string; readonly ms: number; readonly retransmits: number };
  readonly inode?: number;
  /** `sk:` of `ss -e`, hexadecimal. */
  readonly cookie?: string;
}

interface Seen {
  readonly t: Ns;
}
interface Flow {
  /** The kernel's socket address, or '' where the kernel gives none: reused only after CLOSED. */
  readonly socket: string;
  readonly local: Address;
  readonly remote: Address;
}

/** A transition of a full socket, from `sock:inet_sock_set_state`. */
export interface TransitionEvent extends Seen, Flow {
  readonly source: 'trace';
  readonly kind: 'transition';
  readonly cpu: number;
  readonly family: 4 | 6;
  readonly from: State;
  readonly to: State;
}
/** A segment event from `tcp:tcp_send_reset`, `tcp_receive_reset`, `tcp_retransmit_skb`, `tcp_retransmit_synack`. */
export interface SegmentEvent extends Seen, Flow {
  readonly source: 'trace';
  readonly kind: 'reset-sent' | 'reset-received' | 'retransmit';
  readonly cpu: number;
  /** Why, where this kernel says so. */
  readonly reason?: string;
}
/** A mini-socket's timer, from `timer:timer_start` (again: a restart) and `timer_expire_entry`. */
export interface MiniTimerEvent extends Seen {
  readonly source: 'trace';
  readonly kind: 'mini-timer-start' | 'mini-timer-expire';
  readonly cpu: number;
  readonly timer: string;
  /** `expires - now` in jiffies, on start. */
  readonly jiffies?: number;
}
/** A full socket left a mini-socket behind: its timer started on the CPU that closed the full socket, just before. */
export interface MiniSocketEvent extends Seen, Flow {
  readonly source: 'trace';
  readonly kind: 'mini-socket';
  readonly cpu: number;
  readonly timer: string;
  readonly jiffies?: number;
}
/** The kernel dropped trace events of one CPU before they were read: no chain of that time is proof of anything. */
export interface LostEvent extends Seen {
  readonly source: 'trace';
  readonly kind: 'lost';
  readonly cpu: number;
  /** How many, or 0 where the kernel does not say. */
  readonly count: number;
}
/** One `ss` of one namespace: between `t` and `until`. */
export interface SampleEvent extends Seen {
  /** `ss`, or the kernel itself by sock_diag(7). */
  readonly source: SamplerName;
  /** So many TIME-WAITs were counted by sockstat, and not looked at: there were too many. */
  readonly leftOut?: number;
  /** So many lines were not understood: that a socket is not among `sockets` does not mean that there was none. */
  readonly unread?: number;
  /** The look took so much CPU that the next one is not due for so many ms. */
  readonly restMs?: number;
  readonly kind: 'sample';
  readonly space: string;
  readonly until: Ns;
  readonly sockets: readonly SsSocket[];
}
/** A namespace's Tcp and TcpExt counters: `Tcp.ActiveOpens`. */
export interface CountersEvent extends Seen {
  readonly source: 'counters';
  readonly kind: 'counters';
  readonly space: string;
  readonly values: Readonly<Record<string, number>>;
}
/** An event that Node emitted on a peer's socket. */
export interface NodeEvent extends Seen {
  readonly source: 'peer';
  readonly kind: 'node';
  readonly peer: string;
  readonly endpoint: number;
  readonly event: string;
  readonly bytes?: number;
  readonly errno?: string;
  readonly syscall?: string;
  readonly hadError?: boolean;
}
/** A step that a peer took: began at `t`, held its thread for `ns`. */
export interface CallEvent extends Seen {
  readonly source: 'peer';
  readonly kind: 'call';
  readonly peer: string;
  readonly endpoint?: number;
  readonly verb: string;
  readonly ns: number;
  readonly bytes?: number;
  readonly errno?: string;
  readonly syscall?: string;
}
/** Longest event-loop stall a peer saw while it had this endpoint. */
export interface StallEvent extends Seen {
  readonly source: 'peer';
  readonly kind: 'stall';
  readonly peer: string;
  readonly ns: number;
}
/** When connect(2) was called for an end of a connection that was not established yet, and when it had returned. */
export interface Opening {
  readonly from: Ns;
  readonly until: Ns;
}
/**
 * Which peer's endpoint is which end of a connection: told when both are established; of one that was opened, when its SYN
 * was sent, and again, at the same `t`, when the other end is known. Of those with the same `client.opening` the last counts.
 * Of a socket that is connected to itself both ends are the same.
 */
export interface ConnectionEvent extends Seen {
  readonly source: 'harness';
  readonly kind: 'connection';
  readonly label: string;
  /** Facts of this label are those of the last such connection, and of none before it. */
  readonly again?: boolean;
  readonly client: {
    readonly peer: string;
    readonly endpoint: number;
    readonly local: Address;
    readonly opening?: Opening;
  };
  /** `endpoint` is null while no process has it: a request, or waiting in an accept queue. `opening`: it sent a SYN, too. */
  readonly server: {
    readonly peer: string;
    readonly endpoint: number | null;
    readonly local: Address;
    readonly opening?: Opening;
  };
}
/**
 * What lay where just before a peer's socket was closed, by the scenario or by net itself: read in the same turn of the event
 * loop. Not told of a close at a common moment, which reading would delay.
 */
export interface QueuesEvent extends Seen, Queues {
  readonly source: 'peer';
  readonly kind: 'queues';
  readonly peer: string;
  readonly endpoint: number;
  /** Bytes net had read from the kernel, for the application or for its own buffer. */
  readonly read: number;
}
/** A signal that the scenario sent to a peer has taken effect. */
export interface SignalEvent extends Seen {
  readonly source: 'harness';
  readonly kind: 'signal';
  readonly peer: string;
  readonly signal: string;
}
/** A state read through TCP_INFO on an open descriptor. */
export interface TcpInfoEvent extends Seen {
  readonly source: 'tcp_info';
  readonly kind: 'state';
  readonly peer: string;
  readonly endpoint: number;
  readonly state: State;
}
/** The scenario had the kernel destroy the socket with these addresses. */
export interface DestroyedEvent extends Seen {
  readonly source: 'harness';
  readonly kind: 'destroyed';
  readonly local: Address;
  readonly remote: Address;
}
/** The scenario ended; what follows is tear-down. */
export interface ScenarioEvent extends Seen {
  readonly source: 'harness';
  readonly kind: 'scenario-begins' | 'scenario-ends';
}

/** One thing that one observer or peer saw, at one time, on the one clock. */
export type Event =
  | TransitionEvent
  | SegmentEvent
  | MiniTimerEvent
  | MiniSocketEvent
  | LostEvent
  | SampleEvent
  | CountersEvent
  | NodeEvent
  | CallEvent
  | StallEvent
  | ConnectionEvent
  | TcpInfoEvent
  | DestroyedEvent
  | QueuesEvent
  | SignalEvent
  | WireEvent
  | DeedEvent
  | ScenarioEvent;

/** How well a step of a path is known: to the nanosecond, between two exact events, or between two samples. */
export type Evidence = 'exact' | 'bracketed' | 'sampled';

/** One state that an endpoint was in. */
export interface PathStep {
  readonly state: State;
  /** When it was entered, at the latest. */
  readonly at: Ns;
  /** When it was entered, at the earliest, where that differs. */
  readonly notBefore?: Ns;
  readonly evidence: Evidence;
  /** `node`: connect or accept succeeded. */
  readonly source: 'trace' | 'ss' | 'tcp_info' | 'node' | 'wire';
  /** The state was held by a mini-socket. */
  readonly mini?: true;
}
