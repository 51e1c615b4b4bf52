import { LingerlabError } from '../errors.ts';
import { startWorker, type Worker } from '../process/worker.ts';
import type { DeedEvent, WireEvent } from '../record/sighting.ts';
import type { WireArguments, WireReply, WireTold, WireVerb, WireVerbs } from './protocol.ts';

/** The wire's process as the harness sees it. */
export interface WireProcess extends AsyncDisposable {
  readonly pid: number;
  /** Rejects with WIRE_REFUSED where the wire cannot do it, with WIRE_DIED where it has ended. */
  ask<V extends WireVerb>(verb: V, ask: WireVerbs[V]['ask']): Promise<WireVerbs[V]['value']>;
}

export interface WireOptions {
  readonly origin: bigint;
  readonly spawned?: (pid: number) => void;
  readonly saw?: (event: WireEvent | DeedEvent) => void;
  /** It ended though nobody stopped it. */
  readonly died?: (error: LingerlabError) => void;
}

const closeMs = 2000;

/** Start the wire's process; it carries nothing before `open`. */
export async function startWire({ origin, spawned, saw, died }: WireOptions): Promise<WireProcess> {
  const argument: WireArguments = { parent: process.pid, originNs: String(origin) };
  const worker: Worker<WireReply> = await startWorker<WireReply, WireTold>({
    entry: 'wire/main',
    argument,
    ...(spawned && { spawned }),
    told: ({ seen }) => {
      for (const event of seen) saw?.(event);
    },
    died: (how, log) =>
      new LingerlabError('WIRE_DIED', `the wire ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`, 'run again'),
    surprised: (error) => died?.(error),
  });
  return {
    pid: worker.pid,
    async ask(verb, ask) {
      const reply = await worker.ask(verb, ask);
      if ('error' in reply) throw new LingerlabError('WIRE_REFUSED', `wire ${verb}: ${reply.error}`, 'mend the step');
      return reply.value as never;
    },
    async [Symbol.asyncDispose]() {
      worker.expectEnd();
      const late = setTimeout(() => worker.signal('SIGKILL'), closeMs);
      void worker.ask('close', {}).catch(() => undefined);
      await worker.ended;
      clearTimeout(late);
    },
  };
}
