import { z } from 'zod';
import type { End } from '../tcp/states.ts';

/**
 * How the end that closes first does it. `half-close`: the client ends its side behind the request and then reads; of the server,
 * which has nothing left to read, the same as `end`.
 */
export type LoadClose = 'end' | 'destroy' | 'half-close' | 'linger-0' | 'linger-1' | 'resetAndDestroy';

/** What connections are opened, and how they are closed. */
export interface LoadOptions {
  /** The end that closes first; `neither`: connections are kept, and requests follow one another. Default `client`. */
  readonly closer?: End | 'neither';
  /** Default `destroy`. */
  readonly by?: LoadClose;
  /** Connections at once; with `perSecond`, the most at once; of tinybench always one. Default 32. */
  readonly inFlight?: number;
  /** What counts and times: our own loop with Node's histogram, or tinybench, closed loop. Default `loop`. */
  readonly driver?: 'loop' | 'tinybench';
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
  readonly source?: 'unbound' | 'bound' | 'bound-late';
  /** Who watches meanwhile: nobody, the sampler so many times a second, or the tracepoints. Default nobody. */
  readonly watched?: number | 'trace';
  /**
   * Addresses of the server, taken in turn: each has all of the client's ports. Default 10. connect(2) goes on by up to 16 ports at a
   * time, and comes round after some 3,000 connections to an address: where the server closes first it does not know that these
   * ports still have a TIME-WAIT there, and its SYN ends that (`timeWait.each` is less than 1).
   */
  readonly addresses?: number;
}

const defaults = {
  closer: 'client',
  by: 'destroy',
  inFlight: 32,
  driver: 'loop',
  requestBytes: 1,
  responseBytes: 1,
  requests: 1,
  warmUpSeconds: 0.15,
  servers: 1,
  source: 'unbound',
  // enough for 10 s at 28,000 connections a second: each has 28,232 ports of the default range
  addresses: 10,
} as const satisfies Partial<LoadOptions>;

/** A load with nothing left to say. */
export type LoadPlan = Readonly<
  Pick<LoadOptions, 'perSecond' | 'watched'> & Required<Omit<LoadOptions, 'perSecond' | 'watched'>>
>;

const whole = (least: number, most: number) => z.number().int().min(least).max(most);
/** What each option may be; bounds are those of what one process, or one namespace, can have. */
const allowed = z.strictObject({
  closer: z.enum(['client', 'server', 'neither']),
  by: z.enum(['end', 'destroy', 'half-close', 'linger-0', 'linger-1', 'resetAndDestroy']),
  inFlight: whole(1, 10_000),
  driver: z.enum(['loop', 'tinybench']),
  perSecond: z.number().positive().max(1_000_000).optional(),
  requests: whole(1, 1_000_000),
  requestBytes: whole(1, 100_000_000),
  responseBytes: whole(1, 100_000_000),
  seconds: z.number().min(0.05).max(3600),
  warmUpSeconds: z.number().min(0).max(3600),
  servers: whole(1, 16),
  source: z.enum(['unbound', 'bound', 'bound-late']),
  watched: z.union([z.number().positive().max(1000), z.literal('trace')]).optional(),
  addresses: whole(1, 250),
});

/** Throws TypeError for an option that cannot be, or not together with another. */
export function planOf(options: LoadOptions): LoadPlan {
  // what is undefined was not said
  const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const { data: plan, error } = allowed.safeParse({ ...defaults, ...said });
  if (error) {
    const [issue] = error.issues;
    throw new TypeError(`load: ${issue?.path.join('.') ?? ''}${issue?.path.length ? ': ' : ''}${issue?.message}`);
  }
  const { driver, closer, requests, perSecond, source } = plan;
  if (driver === 'tinybench' && (closer === 'neither' || requests > 1 || perSecond !== undefined))
    throw new TypeError('load: tinybench times connections of one request that are closed, one after the other');
  if (driver === 'tinybench' && source !== 'unbound')
    throw new TypeError('load: tinybench binds no address of its own');
  if (closer === 'neither' && perSecond !== undefined)
    throw new TypeError('load: kept connections are not due by a schedule');
  if (driver === 'tinybench' && (options.inFlight ?? 1) !== 1)
    throw new TypeError('load: tinybench times one connection after the other: inFlight 1');
  return (driver === 'tinybench' ? { ...plan, inFlight: 1 } : plan) as LoadPlan;
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
