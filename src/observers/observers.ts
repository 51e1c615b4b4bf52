import { LingerlabError } from '../errors.ts';
import type { Sight } from '../facts/connections.ts';
import type { Lab } from '../lab/lab.ts';
import type { Ports } from '../lab/ports.ts';
import { startWorker } from '../process/worker.ts';
import type { Event, SamplerName } from '../record/event.ts';
import { ends } from '../tcp/states.ts';
import type {
  ObserverArguments,
  ObserverReply,
  ObserverTold,
  ObserverVerb,
  ObserverVerbs,
  Opened,
  TraceSight,
} from './protocol.ts';
import { Router } from './router.ts';

/** The observers of one cell. */
export interface CellObservers extends AsyncDisposable {
  /** A port of the cell, at its addresses and at these: its trace events come to this cell from now on. */
  watchPort(port: number, addresses?: readonly string[]): void;
  /** A step was taken: look soon. */
  nudge(): void;
  /** Resolves when a sample taken after this call is in the record. */
  sample(): Promise<void>;
  /** So many samples a second from now on; 0: none but those of the schedule. */
  pace(perSecond: number): Promise<void>;
  counters(): Promise<void>;
  /** Resolves when the observers hold this namespace of the cell no more. */
  leave(space: string): Promise<void>;
  /** Resolves when every trace event of before is in the record. */
  flush(): Promise<void>;
}

/** The run's observer process: it owns the trace instance and starts `ss`. */
export interface Observers extends AsyncDisposable {
  readonly trace: TraceSight;
  readonly sight: Sight;
  readonly reaped: readonly string[];
  /** Have a peer killed when the harness is. */
  guard(pid: number): void;
  /** Seconds of CPU that the process and every `ss` that has ended have used. */
  cpu(): Promise<number>;
  watch(lab: Lab, told: CellWatch): Promise<CellObservers>;
}

/** What a cell is told by its observers. */
export interface CellWatch {
  readonly saw: (event: Event) => void;
  /** A line of `ss` that was not understood. */
  readonly unparsed: (line: string) => void;
  /** Whether `ss` is to look at all: not where there will be more sockets than anyone reads. */
  readonly samples: boolean;
  /** Told once, at the end: the seconds of CPU that the cell's samples took. */
  readonly sampled: (cpu: number) => void;
}

const closeMs = 2000;

/** Start the observer process; rejects with OBSERVER_DIED when it cannot be started. `died`: it ended by itself. */
export async function startObservers(
  ports: Pick<Ports, 'from' | 'to'>,
  origin: bigint,
  died: (error: LingerlabError) => void,
  sampler: SamplerName = 'ss',
): Promise<Observers> {
  const cells = new Map<number, CellWatch>();
  const router = new Router();
  const argument: ObserverArguments = { parent: process.pid, originNs: String(origin), sampler };
  const worker = await startWorker<ObserverReply, ObserverTold>({
    entry: 'observers/process/main',
    argument,
    told(message) {
      if ('traced' in message) for (const event of message.traced) router.route(event);
      else {
        const cell = cells.get(message.cell);
        for (const event of message.seen) cell?.saw(event);
        for (const line of message.unparsed) cell?.unparsed(line);
      }
    },
    died: (how, log) =>
      new LingerlabError(
        'OBSERVER_DIED',
        `the observer process ended: ${how}${log && `; it wrote: ${log}`}`,
        'run again with --resume',
      ),
    surprised: died,
  });
  let closed = false;
  const ask = async <V extends ObserverVerb>(
    verb: V,
    rest: ObserverVerbs[V]['ask'],
  ): Promise<ObserverVerbs[V]['value']> => {
    const reply = await worker.ask(verb, rest);
    if ('error' in reply) throw new LingerlabError('OBSERVER_DIED', reply.error, 'lingerlab doctor tells more');
    return reply.value as ObserverVerbs[V]['value'];
  };

  const opened: Opened = await ask('open', { ports: { from: ports.from, to: ports.to } });
  let nextCell = 1;
  return {
    trace: opened.trace,
    sight: opened.trace,
    reaped: opened.reaped,
    guard: (pid) => void ask('guard', { pid }).catch(() => undefined),
    cpu: () => ask('cpu', {}),
    async watch(lab, told) {
      const cell = nextCell++;
      const { saw, sampled, samples } = told;
      cells.set(cell, told);
      const own = ownAddresses(lab);
      await ask('watch', { cell, samples, spaces: lab.spaces.map(({ name, path }) => ({ name, path })) });
      return {
        watchPort: (port, addresses = []) =>
          router.add(port, (address) => own.has(address) || addresses.includes(address), saw),
        nudge: () => void ask('nudge', { cell }).catch(() => undefined),
        sample: () => ask('sample', { cell }),
        pace: (perSecond) => ask('pace', { cell, perSecond }),
        counters: () => ask('counters', { cell }),
        leave: (space) => ask('leave', { cell, space }),
        flush: () => ask('flush', {}),
        async [Symbol.asyncDispose]() {
          await ask('unwatch', { cell }).then(sampled, () => undefined);
          router.remove(saw);
          cells.delete(cell);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      worker.expectEnd();
      const late = setTimeout(() => worker.signal('SIGKILL'), closeMs);
      void worker.ask('close', {}).catch(() => undefined);
      await worker.ended;
      clearTimeout(late);
    },
  };
}

/** At which the cell's sockets can be, those of its listeners at least; a listener on every address has none. */
function ownAddresses(lab: Lab): ReadonlySet<string> {
  const families = [4, 6] as const;
  const own = ends.flatMap((end) =>
    families.flatMap((family) => [lab.address(end, family), lab.otherAddress(end, family)]),
  );
  return new Set([...own, '0.0.0.0', '::']);
}
