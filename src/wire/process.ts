import { LingerlabError } from '../errors.ts';
import { startWorker } from '../process/worker.ts';
import type { Address } from '../tcp/address.ts';
import type { ToldPacket, WireArguments, WireTold, WireVerb, WireVerbs } from './protocol.ts';

/** The wire's process as the harness sees it. Its disposal rejects with WIRE_DIED where it could not finish its capture. */
export interface WireProcess extends AsyncDisposable {
  readonly pid: number;
  /**
   * Rejects with WIRE_REFUSED where the wire cannot do it, with WIRE_DIED where it has ended. Waits for as long as the cell may
   * take, or as `deadlineMs` says.
   */
  ask<V extends WireVerb>(verb: V, ask: WireVerbs[V]['ask'], deadlineMs?: number): Promise<WireVerbs[V]['value']>;
  /** What the server's end knows an address of the client's end as: another one where the wire translates. */
  outside(inside: Address): Promise<Address>;
}

export interface WireOptions {
  readonly origin: bigint;
  /** Aborted when the cell is to end: then no step of the wire is waited for. */
  readonly until?: AbortSignal;
  readonly spawned?: (pid: number) => void;
  readonly saw?: (event: ToldPacket) => void;
  /** It ended though nobody stopped it. */
  readonly died?: (error: LingerlabError) => void;
}

/** To write what was captured. */
const closeMs = 2000;

/** Start the wire's process; it carries nothing before `open`. */
export async function startWire({ origin, until, spawned, saw, died }: WireOptions): Promise<WireProcess> {
  const argument: WireArguments = { parent: process.pid, originNs: String(origin) };
  let unclean: LingerlabError | undefined;
  const worker = await startWorker<WireVerbs, WireTold>({
    name: () => 'the wire',
    entry: 'wire/main',
    cleansUp: true,
    argument,
    ...(spawned && { spawned }),
    ...(until && { until }),
    told: ({ seen }) => {
      for (const event of seen) saw?.(event);
    },
    refused: (verb, message) =>
      new LingerlabError('WIRE_REFUSED', `wire ${verb}: ${message}`, 'correct this step of the scenario'),
    died: (how, log) =>
      new LingerlabError('WIRE_DIED', `the wire ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`, 'run again'),
    surprised: (error) => died?.(error),
    unclean: (error) => {
      unclean = error;
    },
  });
  let translates = false;
  return {
    pid: worker.pid,
    ask(verb, ask, deadlineMs) {
      translates ||= verb === 'translate';
      return worker.ask(verb, ask, deadlineMs);
    },
    // without a translation nobody is asked
    outside: async (inside) => (translates && (await worker.ask('outside', { inside })).outside) || inside,
    async [Symbol.asyncDispose]() {
      await worker.end(closeMs);
      // its capture may lack its end
      if (unclean) throw unclean;
    },
  };
}
