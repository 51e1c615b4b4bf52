import { z } from 'zod';
import {
  type LoadOptions,
  loadClosers,
  loadCloses,
  loadDrivers,
  loadSockets,
  loadSources,
} from '../experiment/load.ts';

const defaults = {
  closer: 'client',
  by: 'destroy',
  inFlight: 32,
  driver: 'loop',
  sockets: 'net',
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
  closer: z.enum(loadClosers),
  by: z.enum(loadCloses),
  inFlight: whole(1, 10_000),
  driver: z.enum(loadDrivers),
  sockets: z.enum(loadSockets),
  perSecond: z.number().positive().max(1_000_000).optional(),
  requests: whole(1, 1_000_000),
  requestBytes: whole(1, 100_000_000),
  responseBytes: whole(1, 100_000_000),
  seconds: z.number().min(0.05).max(3600),
  warmUpSeconds: z.number().min(0).max(3600),
  servers: whole(1, 16),
  source: z.enum(loadSources),
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
    throw new TypeError(
      "load: driver: 'tinybench' needs connections that are closed after one request, and no perSecond; use 'loop' for others",
    );
  if (driver === 'tinybench' && source !== 'unbound')
    throw new TypeError("load: driver: 'tinybench' needs source: 'unbound'");
  if (closer === 'neither' && perSecond !== undefined)
    throw new TypeError('load: perSecond needs connections that are closed');
  if (driver === 'tinybench' && (options.inFlight ?? 1) !== 1)
    throw new TypeError("load: driver: 'tinybench' needs inFlight: 1");
  if (plan.sockets === 'libc') checkLibc(plan);
  return (driver === 'tinybench' ? { ...plan, inFlight: 1 } : plan) as LoadPlan;
}

/** Ways to close that are one call of close(2). */
const closedAtOnce: readonly unknown[] = ['destroy', 'linger-0', 'linger-1'];

function checkLibc({ closer, by, driver, requests, perSecond, source }: z.infer<typeof allowed>): void {
  if (closer !== 'client' || !closedAtOnce.includes(by) || requests > 1)
    throw new TypeError(
      "load: sockets: 'libc' needs a client that closes after one request by destroy, linger-0 or linger-1",
    );
  if (driver !== 'loop' || perSecond !== undefined || source !== 'unbound')
    throw new TypeError("load: sockets: 'libc' needs driver: 'loop', source: 'unbound' and no perSecond");
}
