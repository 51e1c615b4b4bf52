import { LingerlabError } from '../errors.ts';
import type { Sight } from '../facts/connections.ts';
import type { Lab } from '../lab/lab.ts';
import { lockPorts, type Ports } from '../lab/ports.ts';
import { answerMs, whileAlive } from '../process/deadline.ts';
import type { VerbOf } from '../process/protocol.ts';
import { startWorker, type Worker } from '../process/worker.ts';
import type { Event, Ns, SamplerName } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import { plainText } from '../tcp/address-text.ts';
import type { ObserverArguments, ObserverTold, ObserverVerbs, Opened, TraceSight } from './protocol.ts';
import { type Beginning, Router, type Turn } from './router.ts';

/** The observers of one cell. */
export interface CellObservers extends AsyncDisposable {
  /** A port that the cell alone has; these addresses, too. Its trace events come to this cell from now on. */
  watchPort(port: number, addresses?: readonly string[]): void;
  /** An address beside those of the cell: what the cell's sockets do there is traced, each by its port. */
  watchAddress(address: string): void;
  /** Any other port, which the scenario names or the kernel chose: resolves when what happens there is traced. */
  follow(port: number): Promise<void>;
  /**
   * Takes a step by which a socket begins to listen, or to connect, at that address and port: what happens there is traced
   * before. Where cells can be told apart only by whose step it is, each waits until the other's socket has begun.
   */
  begins<T>(by: Beginning, at: Address, step: () => Promise<T>): Promise<T>;
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
  /** For how long at most the observer process has not run since then. */
  stood(since: Ns): Promise<Ns>;
}

/** The run's observer process: it owns the trace instance and starts `ss`. */
export interface Observers extends AsyncDisposable {
  /** Ports for the run's listeners: the trace records their connections, and no other run on this kernel uses them. */
  readonly ports: Ports;
  readonly trace: TraceSight;
  readonly sight: Sight;
  readonly reaped: readonly string[];
  /** Has the observer process kill a peer if the harness dies. */
  guard(pid: number): void;
  /** Seconds of CPU that the process and every `ss` that has ended have used. */
  cpu(): Promise<number>;
  watch(lab: Lab, told: CellWatch): Promise<CellObservers>;
}

/** Callbacks of a cell for its observers. */
export interface CellWatch {
  readonly saw: (event: Event) => void;
  /** Called with a line of `ss` that the parser does not understand. */
  readonly unparsed: (line: string) => void;
  /** Called when the cell can no longer be observed. */
  readonly failed: (error: LingerlabError) => void;
  /** Whether `ss` samples the cell; not if it will have more sockets than a reader needs. */
  readonly samples: boolean;
  /** Called once, at the end, with the seconds of CPU that the cell's samples took. */
  readonly sampled: (cpu: number) => void;
}

export interface ObserversOptions {
  readonly origin: bigint;
  readonly sampler?: SamplerName;
  /** Called when the process ends by itself or does not answer: no cell is observed any more. */
  readonly died: (error: LingerlabError) => void;
  /** Called when the process could not remove everything that it had made. */
  readonly unclean?: (error: LingerlabError) => void;
}

/** Time limit for removing the trace instance; this takes a few ms unless the machine is overloaded. */
const closeMs = 2000;
/** Runs of `ss` in a row that do not end, after which no cell can be observed. */
const mostUnanswered = 3;

const observerDied = (what: string): LingerlabError =>
  new LingerlabError('OBSERVER_DIED', `the observer process ${what}`, 'run again with --resume');

/** Start the observer process on a free block of ports; rejects with OBSERVER_DIED, NO_ANSWER or NO_PORTS where it cannot be. */
export async function startObservers({ origin, sampler = 'ss', died, unclean }: ObserversOptions): Promise<Observers> {
  await using made = new AsyncDisposableStack();
  const cells = new Map<number, CellWatch>();
  const router = new Router();
  let unanswered = 0;
  let lost: LingerlabError | undefined;
  const lose = (error: LingerlabError): void => {
    if (lost) return;
    lost = error;
    died(error);
  };
  const told = (message: ObserverTold): void => {
    if ('traced' in message) {
      for (const event of message.traced) router.route(event);
      return;
    }
    const cell = cells.get(message.cell);
    if ('unanswered' in message) {
      const error = new LingerlabError(
        'NO_ANSWER',
        message.unanswered,
        'run that command yourself to see why it does not end',
      );
      cell?.failed(error);
      if (++unanswered >= mostUnanswered) lose(error);
      return;
    }
    if (message.seen.some(({ kind }) => kind === 'sample')) unanswered = 0;
    for (const event of message.seen) cell?.saw(event);
    for (const line of message.unparsed) cell?.unparsed(line);
  };
  const left = (error: LingerlabError): void => {
    // what one leaves that does not answer, another removes
    if (!lost) unclean?.(error);
  };
  const worker = await startObserver({ parent: process.pid, originNs: String(origin), sampler }, told, lose, left);
  const opened: { instance?: string } = {};
  made.defer(async () => {
    await worker.end(closeMs);
    // it could not remove it
    if (lost && opened.instance) await reap().catch(() => undefined);
  });
  /** Where it does not answer once, nobody asks it again: each would wait as long. */
  const ask = async <V extends VerbOf<ObserverVerbs>>(
    verb: V,
    rest: ObserverVerbs[V]['ask'],
  ): Promise<ObserverVerbs[V]['value']> => {
    if (lost) throw lost;
    try {
      return await worker.ask(verb, rest);
    } catch (error) {
      if (error instanceof LingerlabError && error.code === 'NO_ANSWER') lose(error);
      throw error;
    }
  };

  /**
   * Looks at cells follow each other, and where `ss` is slow one may come late: it is waited for as long as the process answers
   * other requests.
   */
  const sample = async (cell: number): Promise<void> => {
    if (lost) throw lost;
    const stop = new AbortController();
    try {
      await whileAlive(worker.ask('sample', { cell }, stop.signal), answerMs, () => ask('cpu', {}));
    } finally {
      stop.abort();
    }
  };

  const { ports, trace, reaped } = await openOnFreePorts(ask);
  made.defer(() => ports[Symbol.dispose]());
  opened.instance = trace.instance;
  const kept = made.move();
  let nextCell = 1;
  /** Ports beside the run's block that the observers were asked to trace; each is asked for once, however many name it. */
  let asked: { readonly ports: ReadonlySet<number>; readonly done: Promise<unknown> } = {
    ports: new Set(),
    done: Promise.resolve(),
  };
  const traced = async (port: number): Promise<void> => {
    if (port >= ports.from && port < ports.to) return;
    if (!asked.ports.has(port)) {
      const all = router.named.filter((each) => each < ports.from || each >= ports.to);
      asked = { ports: new Set(all), done: ask('trace', { ports: all }) };
    }
    await asked.done;
  };
  return {
    ports,
    trace,
    sight: trace,
    reaped,
    guard: (pid) => void ask('guard', { pid }).catch(() => undefined),
    cpu: () => ask('cpu', {}),
    async watch(lab, told) {
      const cell = nextCell++;
      const { saw, sampled, samples } = told;
      cells.set(cell, told);
      router.add(saw, lab.addresses);
      const follow = async (port: number): Promise<void> => {
        // which one the kernel chooses is not known yet
        if (port === 0 || router.hasPort(saw, port)) return;
        router.addNamed(saw, port);
        if (trace.transitions) await traced(port);
      };
      /** A step that began no socket, since the kernel refused it, ends when nothing of before is still on its way here. */
      const endTurn = (turn: Turn, step: Promise<unknown>): Promise<void> =>
        Promise.race([turn.begun, step.then(() => ask('flush', {}))])
          .catch(() => undefined)
          .then(turn.end);
      await ask('watch', { cell, samples, spaces: lab.spaces.map(({ name, path }) => ({ name, path })) });
      return {
        watchPort(port, addresses = []) {
          router.add(saw, addresses);
          router.addPort(saw, port);
        },
        watchAddress: (address) => router.addPlace(saw, plainText(address)),
        follow,
        async begins(by, of, step) {
          const at = { address: plainText(of.address), port: of.port };
          await follow(at.port);
          if (!trace.transitions || !router.needsTurn(at)) return step();
          const turn = await router.turn(saw, at.port, by);
          const taken = step();
          void endTurn(turn, taken);
          return taken;
        },
        nudge: () => void ask('nudge', { cell }).catch(() => undefined),
        sample: () => sample(cell),
        pace: (perSecond) => ask('pace', { cell, perSecond }),
        counters: () => ask('counters', { cell }),
        leave: (space) => ask('leave', { cell, space }),
        flush: () => ask('flush', {}),
        stood: (since) => ask('stood', { since }),
        async [Symbol.asyncDispose]() {
          await ask('unwatch', { cell }).then(sampled, () => undefined);
          router.remove(saw);
          cells.delete(cell);
        },
      };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const startObserver = (
  argument: ObserverArguments,
  told: (told: ObserverTold) => void,
  surprised: (error: LingerlabError) => void,
  unclean: (error: LingerlabError) => void,
): Promise<Worker<ObserverVerbs>> =>
  startWorker<ObserverVerbs, ObserverTold>({
    name: () => 'the observer process',
    entry: 'observers/process/main',
    cleansUp: true,
    argument,
    told,
    refused: (verb, message) => observerDied(`could not ${verb}: ${message}`),
    died: (how, log) => observerDied(`ended: ${how}${log && `; it wrote: ${log}`}`),
    surprised,
    unclean,
  });

/** Have another process remove what one left that could not. */
async function reap(): Promise<void> {
  const nobody = (): void => undefined;
  const worker = await startObserver({ parent: process.pid, originNs: '0', sampler: 'ss' }, nobody, nobody, nobody);
  try {
    await worker.ask('reap', {});
  } finally {
    await worker.end(closeMs);
  }
}

/**
 * The first block of ports that no run of this kernel has. Runs that share /tmp lock a file there; among those that can trace, and
 * whose events could be taken for each other's, the trace instance itself is the lock.
 */
async function openOnFreePorts(
  ask: (verb: 'open', rest: ObserverVerbs['open']['ask']) => Promise<ObserverVerbs['open']['value']>,
): Promise<Opened & { readonly ports: Ports }> {
  const taken = new Set<number>();
  for (;;) {
    const ports = lockPorts(taken);
    try {
      const opened = await ask('open', { ports: { from: ports.from, to: ports.to } });
      if (!('taken' in opened)) return { ...opened, ports };
    } catch (error) {
      ports[Symbol.dispose]();
      throw error;
    }
    ports[Symbol.dispose]();
    taken.add(ports.block);
  }
}
