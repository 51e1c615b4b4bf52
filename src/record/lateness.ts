import { z } from 'zod';

const ms = z.number();

/**
 * How late a cell's own processes were: for each the longest time in which it did not run though it should have, ms. What a
 * call of its own explains is none: one that blocks as SO_LINGER says, a signal of the scenario's that stops it.
 */
export const lateness = z.object({
  harnessMs: ms.describe('of the program itself, which takes the steps'),
  observersMs: ms.describe('of the process that observes, or how long its longest look at the sockets took'),
  peersMs: z.record(z.string(), ms).describe("by the peer's name"),
  wireMs: ms.exactOptional().describe('of the wire, or for how long packets waited before it; absent: no wire'),
});
export type Lateness = z.infer<typeof lateness>;

export const lateProcess = z.object({
  process: z.enum(['harness', 'observers', 'wire', 'peer']),
  peer: z.string().exactOptional().describe('its name'),
  ms,
});
/** A process, and how late it was. */
export type LateProcess = z.infer<typeof lateProcess>;

/** Each of them. */
export const processesOf = ({ harnessMs, observersMs, peersMs, wireMs }: Lateness): LateProcess[] => [
  ...(wireMs === undefined ? [] : [{ process: 'wire' as const, ms: wireMs }]),
  ...Object.entries(peersMs).map(([peer, each]) => ({ process: 'peer' as const, peer, ms: each })),
  { process: 'harness', ms: harnessMs },
  { process: 'observers', ms: observersMs },
];

/** The latest of these. */
export const latestOf = (all: readonly LateProcess[]): LateProcess | undefined =>
  all.reduce<LateProcess | undefined>((latest, each) => (latest && latest.ms >= each.ms ? latest : each), undefined);

/**
 * Who stands still for so long may have changed what the kernels did, ms; each time is of include/net/tcp.h. Behind a wire the
 * ends see another network: TCP_DELACK_MIN is the shortest time after which one sends by itself what it would have sent with
 * something else. A peer that is late, or a step that the harness takes late, gives a kernel time to send again what it would
 * not have: TCP_RTO_MIN. Observers take no part.
 */
const changesAfterMs = {
  wire: 40,
  peer: 200,
  harness: 200,
  observers: Number.POSITIVE_INFINITY,
} as const satisfies Record<LateProcess['process'], number>;

/** The process that was late enough to have changed what the kernels did, the latest of several; undefined: none was. */
export const changedBy = (late: Lateness | undefined): LateProcess | undefined =>
  late && latestOf(processesOf(late).filter(({ process, ms }) => ms >= changesAfterMs[process]));
