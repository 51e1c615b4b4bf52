import { LingerlabError } from '../errors.ts';
import { cpuOf } from '../native/cpu.ts';
import { startWorker } from '../process/worker.ts';
import type { LoadArguments, LoadReply, LoadTold, LoadVerb, LoadVerbs } from './protocol.ts';

/** A process of the load as the harness sees it. */
export interface LoadProcess {
  readonly pid: number;
  /** Rejects with LOAD_DIED where the process ends first or cannot do it. */
  ask<V extends LoadVerb>(verb: V, ask: LoadVerbs[V]['ask']): Promise<LoadVerbs[V]['value']>;
  /** At once, whatever it is doing; resolves when it has ended. */
  end(): Promise<void>;
}

export interface LoadProcessOptions {
  readonly spawned: (pid: number) => void;
  /** Told of the seconds of CPU that it had used when it was ended. */
  readonly spent: (cpu: number) => void;
  /** Told when the window begins and ends. */
  readonly told: (told: LoadTold) => void;
  /** It ended though nobody stopped it. */
  readonly died: (error: LingerlabError) => void;
}

export const loadDied = (what: string): LingerlabError =>
  new LingerlabError('LOAD_DIED', `a process of the load ${what}`, 'run again');

/** Nothing in it asks for the context that Node would carry along through every callback: 1.5 % of the rate. */
const leaner = ['--no-async-context-frame'];

/** Start a process of the load. */
export async function startLoadProcess(options: LoadProcessOptions): Promise<LoadProcess> {
  const { spawned, spent, told } = options;
  const argument: LoadArguments = { parent: process.pid };
  const worker = await startWorker<LoadReply, LoadTold>({
    entry: 'load/main',
    argument,
    options: leaner,
    spawned,
    told,
    died: (how, log) => loadDied(`ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`),
    surprised: options.died,
  });
  return {
    pid: worker.pid,
    async ask(verb, ask) {
      const reply = await worker.ask(verb, { ask });
      if ('error' in reply) throw loadDied(`could not ${verb}: ${reply.error}`);
      return reply.value as never;
    },
    async end() {
      worker.expectEnd();
      spent(cpuOf(worker.pid) ?? 0);
      worker.signal('SIGKILL');
      await worker.ended;
    },
  };
}
