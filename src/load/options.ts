import type { End } from '../facts/states.ts';

/** How the end that closes first does it. `half-close`: the client ends its side behind the request and then reads. */
export type LoadClose = 'end' | 'destroy' | 'half-close' | 'linger-0' | 'linger-1' | 'resetAndDestroy';

/** What connections are opened, and how they are closed. */
export interface LoadOptions {
  /** The end that closes first; `neither`: connections are kept, and requests follow one another. */
  readonly closer: End | 'neither';
  readonly by: LoadClose;
  /** Connections at once; with `perSecond`, the most at once. */
  readonly inFlight: number;
  /**
   * What counts and times: our own loop with Node's histogram, or tinybench, one connection at a time. Default `loop`.
   */
  readonly driver?: 'loop' | 'tinybench';
  /** Open loop: a connection is due every so often, whatever became of those before. Absent: closed loop. */
  readonly perSecond?: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Seconds that are measured; before them comes the warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Processes that listen on the port, with SO_REUSEPORT where there are several. */
  readonly servers: number;
  /**
   * The client binds its address before connect(2): `bound` takes a port that no other of its connections has, `bound-late` leaves
   * the port to connect(2), IP_BIND_ADDRESS_NO_PORT of ip(7). Default `unbound`.
   */
  readonly source?: 'unbound' | 'bound' | 'bound-late';
  /** Who watches meanwhile: nobody, `ss` so many times a second, or the tracepoints. Default nobody. */
  readonly watched?: number | 'trace';
  /** Addresses of the server, taken in turn: each has all of the client's ports. */
  readonly addresses: number;
}

/** Latencies in µs: from when a connection was begun, or was due, until it was over for the client. */
export interface Latency {
  readonly p50Us: number;
  readonly p75Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** A tenth of a second of the window. */
export interface Interval {
  readonly perSecond: number;
  readonly p50Us: number;
}

/** What the client saw in the window. */
export interface Driven {
  readonly seconds: number;
  /** Connections, or requests on those that are kept, that were over in the window. */
  readonly finished: number;
  /** Connections that were over before, in the warm-up. */
  readonly before: number;
  /** Those that failed in it, by errno. */
  readonly failed: Readonly<Record<string, number>>;
  /** Of an open loop: due while the most were at once, and so not begun. */
  readonly notBegun: number;
  readonly latency: Latency;
  /** In order; a last one that is not whole is left out. */
  readonly intervals: readonly Interval[];
}
