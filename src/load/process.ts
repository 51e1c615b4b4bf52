import { LingerlabError } from '../errors.ts';
import { cpuOf } from '../native/cpu.ts';
import { startWorker } from '../process/worker.ts';
import type { Mark } from './mark.ts';
import type { LoadVerb, LoadVerbs } from './protocol.ts';

/** A process of the load as the harness sees it. */
export interface LoadProcess {
  readonly pid: number;
  /** Rejects with LOAD_DIED where the process ends first or cannot do it, with NO_ANSWER after 10 s or as `deadlineMs` says. */
  ask<V extends LoadVerb>(verb: V, ask: LoadVerbs[V]['ask'], deadlineMs?: number): Promise<LoadVerbs[V]['value']>;
  /** At once, whatever it is doing; resolves when it has ended. */
  end(): Promise<void>;
}

export interface LoadProcessOptions {
  readonly spawned: (pid: number) => void;
  /** Called when the process has ended, with the seconds of CPU that it used. */
  readonly spent: (cpu: number) => void;
  /** Called when the window begins and when it ends. */
  readonly told: (told: Mark) => void;
  /** Called when the process ends though the harness did not stop it. */
  readonly died: (error: LingerlabError) => void;
}

export const loadDied = (what: string): LingerlabError =>
  new LingerlabError('LOAD_DIED', `a process of the load ${what}`, 'run again');

/** Nothing in it asks for the context that Node would carry along through every callback: 1.5 % of the rate. */
const leaner = ['--no-async-context-frame'];
/**
 * V8 collects on the process's own thread. With helper threads a connection costs about a tenth more CPU on a busy machine (2 to 19 % in
 * four interleaved series): client and server leave no CPU for helpers, and the thread that collects waits for them.
 */
const engine = ['--single-threaded-gc'];

/** Start a process of the load. */
export async function startLoadProcess(options: LoadProcessOptions): Promise<LoadProcess> {
  const { spawned, spent, told } = options;
  const worker = await startWorker<LoadVerbs, Mark>({
    name: () => 'a process of the load',
    entry: 'load/main',
    argument: { parent: process.pid },
    options: leaner,
    engine,
    spawned,
    told,
    refused: (verb, message) => loadDied(`could not ${verb}: ${message}`),
    died: (how, log) => loadDied(`ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`),
    surprised: options.died,
  });
  return {
    pid: worker.pid,
    ask: (verb, ask, deadlineMs) => worker.ask(verb, ask, deadlineMs),
    end() {
      spent(cpuOf(worker.pid) ?? 0);
      return worker.end();
    },
  };
}
