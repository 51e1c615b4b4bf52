import type { LoadValues } from '../facts/load.ts';
import { ends } from '../tcp/states.ts';

/**
 * How the end that closes first does it. `half-close`: the client ends its side behind the request and then reads; of the server,
 * which has nothing left to read, the same as `end`.
 */
export const loadCloses = ['end', 'destroy', 'half-close', 'linger-0', 'linger-1', 'resetAndDestroy'] as const;
export type LoadClose = (typeof loadCloses)[number];
/** The end that closes first; `neither`: connections are kept, and requests follow one another. */
export const loadClosers = [...ends, 'neither'] as const;
/** What counts and times: our own loop with Node's histogram, or tinybench. */
export const loadDrivers = ['loop', 'tinybench'] as const;
/**
 * What makes and closes the connections of both ends: Node's net, or system calls alone, from JavaScript and through epoll(7), with
 * nothing of net or libuv for each connection.
 */
export const loadSockets = ['net', 'libc'] as const;
/** How the client binds its address before connect(2). */
export const loadSources = ['unbound', 'bound', 'bound-late'] as const;

/** What connections are opened, and how they are closed. */
export interface LoadOptions {
  /** Default `client`. */
  readonly closer?: (typeof loadClosers)[number];
  /** Default `destroy`. */
  readonly by?: LoadClose;
  /** Connections at once; with `perSecond`, the most at once; of tinybench always one. Default 32. */
  readonly inFlight?: number;
  /** Default `loop`; tinybench is a closed loop. */
  readonly driver?: (typeof loadDrivers)[number];
  /** Default `net`. With `libc` the client closes each connection by close(2) after one request: `destroy`, `linger-0`, `linger-1`. */
  readonly sockets?: (typeof loadSockets)[number];
  /**
   * Open loop: a connection is due every so often, whatever became of those before; while as many as may be are at once, what is due
   * waits, and its latency counts. Absent: closed loop.
   */
  readonly perSecond?: number;
  /** Default 1, likewise of the response. */
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  /** Requests on each connection, one after the other. Default 1. */
  readonly requests?: number;
  /** Seconds that are measured. */
  readonly seconds: number;
  /** Before them; default 0.15: the processes are warm, but the namespace is new. */
  readonly warmUpSeconds?: number;
  /** Processes that listen on the port, with SO_REUSEPORT where there are several. Default 1. */
  readonly servers?: number;
  /**
   * The client binds its address before connect(2): `bound` takes a port that no other of its connections has, `bound-late` leaves
   * the port to connect(2), IP_BIND_ADDRESS_NO_PORT of ip(7). Default `unbound`.
   */
  readonly source?: (typeof loadSources)[number];
  /** Who watches meanwhile: nobody, the sampler so many times a second, or the tracepoints. Default nobody. */
  readonly watched?: number | 'trace';
  /**
   * Addresses of the server, taken in turn: each has all of the client's ports. Default 10. connect(2) goes on by up to 16 ports at a
   * time, and comes round after some 3,000 connections to an address: where the server closes first it does not know that these
   * ports still have a TIME-WAIT there, and its SYN ends that (`timeWait.each` is less than 1).
   */
  readonly addresses?: number;
}

/** Latencies in µs: from when a connection was begun, or was due, or its next request was sent, until that was over for the client. */
export interface Latency {
  readonly p50Us: number;
  readonly p75Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** A part of the window: 50 ms where it is under half a second, 100 ms otherwise. */
export interface Interval {
  readonly perSecond: number;
  readonly p50Us: number;
}

/** What the client saw in the window. */
export interface Driven {
  readonly seconds: number;
  /** Requests that were over in the window: a connection's last when the connection is over for the client. */
  readonly finished: number;
  /** Connections that were. */
  readonly closed: number;
  /** And in the warm-up. */
  readonly before: number;
  /** Connections that were over from the first to the last, warm-up and tail included. */
  readonly ever: number;
  /** Those that failed in it, by errno. */
  readonly failed: Readonly<Record<string, number>>;
  readonly latency: Latency;
  /** Of an open loop: how long behind its time half of what was due was begun, µs. It is part of their latency. */
  readonly lateUs: number;
  /** In order; a last one that is not whole is left out. */
  readonly intervals: readonly Interval[];
}

/** Seconds of CPU until now. */
export interface Usage {
  readonly client: number;
  readonly servers: number;
  /** Of the whole machine, in softirqs: proc_stat(5). In steps of 10 ms. */
  readonly softirq: number;
  /** Of all its CPUs, idle or waiting for I/O. In steps of 10 ms. */
  readonly idle: number;
  /** Of all its CPUs, whoever used them, a hypervisor included. In steps of 10 ms. */
  readonly busy: number;
}

/** The process, or the part of the machine, that was CPU-bound. */
export type Saturated = LoadValues['cpu.saturated'];

/** Share of the machine's CPU above which other programs disturb a load; below it, accounting in steps of 10 ms hides them. */
export const othersMost = 0.15;

/** What a load came to. */
export interface Loaded extends Driven {
  readonly driver: (typeof loadDrivers)[number];
  readonly perSecond: number;
  /** In the window. */
  readonly used: Usage;
  /** Of what each used, the share that the kernel did in its name. */
  readonly systemShare: { readonly client: number; readonly servers: number };
  /** Page faults in the window that needed no disk. */
  readonly faults: { readonly client: number; readonly servers: number };
  readonly saturated: Saturated;
  /** Of the machine. */
  readonly othersShare: number;
  /** How many TIME-WAITs there were when all connections were over. */
  readonly timeWaitLeft: number;
  /** TIME-WAIT of both ends, since the window began. */
  readonly timeWait: readonly { readonly seconds: number; readonly count: number }[];
  /** Memory of a socket in TIME-WAIT; absent if the kernel does not report it. */
  readonly bytesPerTimeWait?: number;
  /** By how much each that the kernel has changed in the window, both namespaces together: `TcpExt.TWRecycled`. */
  readonly counters: Readonly<Record<string, number>>;
  readonly seen: Seen;
}

/** Counts of what observers recorded since the cell began: looks of the sampler, events of tracepoints, events that the kernel dropped. */
export interface Seen {
  readonly samples: number;
  readonly traced: number;
  readonly lost: number;
}
