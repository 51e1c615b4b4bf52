import { closeSync, openSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { childrenCpu, ownCpu } from '../../native/cpu.ts';
import type { Event } from '../../record/event.ts';
import type { Metered, Observer, OpenObserver, RunContext, Turn, WatchedSpace } from '../observer.ts';
import type { ObserverTold, Opened } from '../protocol.ts';
import { SampleSchedule } from './schedule.ts';

interface WatchedCell {
  spaces: readonly WatchedSpace[];
  /** Seconds of CPU that its looks took: to start `ss`, `ss` itself, and to read what it wrote. */
  cpu: number;
  /** How many warnings its looks may still give. */
  complaints: number;
}

/** Of a cell: where no line can be read, thousands would say the same. How many is in each sample. */
const mostComplaints = 5;

/** How often events are drained: the trace's buffers hold 100 ms of 60,000 events a second. A look at them costs 0.2 ms of CPU. */
const drainEveryMs = 10;

/** All observers of the run at work: looks at the cells' namespaces on its schedule, and soon when asked. */
export class Observing {
  readonly #observers: readonly OpenObserver[];
  readonly #tell: (told: ObserverTold) => void;
  readonly #cells = new Map<number, WatchedCell>();
  readonly #schedule: SampleSchedule;
  readonly #asked = new Map<number, (() => void)[]>();
  readonly #looking = new Map<number, Promise<unknown>>();
  readonly #paced = new Map<number, NodeJS.Timeout>();
  readonly #draining: NodeJS.Timeout;
  #wake: (() => void) | undefined;
  #open = true;

  /** undefined where another run of this kernel has the ports. */
  static open(
    observers: readonly Observer[],
    run: RunContext,
    tell: (told: ObserverTold) => void,
  ): Observing | undefined {
    const opened: OpenObserver[] = [];
    for (const observer of observers) {
      const one = observer.open(run);
      if (!one) {
        for (const other of opened) other.close?.();
        return undefined;
      }
      opened.push(one);
    }
    return new Observing(opened, tell);
  }

  private constructor(observers: readonly OpenObserver[], tell: (told: ObserverTold) => void) {
    this.#observers = observers;
    this.#tell = tell;
    const { trace } = this.opened;
    this.#schedule = new SampleSchedule(trace?.transitions && trace.miniTimers);
    this.#draining = setInterval(() => this.flush(), drainEveryMs);
    void this.#run();
  }

  /** What the observers report of themselves. */
  get opened(): Opened {
    return Object.assign({}, ...this.#observers.map(({ opened }) => opened)) as Opened;
  }

  /** Ports to watch beside the run's block: of before no others any more. */
  follow(ports: readonly number[]): void {
    for (const observer of this.#observers) observer.follow?.(ports);
  }

  /** `looks`: whether to look at its namespaces unless a pace is set. */
  watch(cell: number, spaces: readonly { readonly name: string; readonly path: string }[], looks: boolean): void {
    const opened = spaces.map(({ name, path }) => ({ name, fd: openSync(path, 'r') }));
    this.#cells.set(cell, { spaces: opened, cpu: 0, complaints: mostComplaints });
    if (!looks) return;
    this.#schedule.watch(cell, performance.now());
    this.#wake?.();
  }

  /** Returns the seconds of CPU that its looks took. */
  unwatch(cell: number): number {
    this.pace(cell, 0);
    const { spaces = [], cpu = 0 } = this.#cells.get(cell) ?? {};
    for (const { fd } of spaces) closeSync(fd);
    this.#cells.delete(cell);
    this.#schedule.unwatch(cell);
    this.#answer(cell)();
    return cpu;
  }

  /** Resolves when nothing of this process holds the namespace any more. */
  async leave(cell: number, name: string): Promise<void> {
    const watched = this.#cells.get(cell);
    if (!watched) return;
    const { spaces } = watched;
    watched.spaces = spaces.filter((space) => space.name !== name);
    // ss that was started in it before
    await this.#looking.get(cell)?.catch(() => undefined);
    for (const space of spaces) if (space.name === name) closeSync(space.fd);
  }

  /** Looks so often from now on, first after half an interval, whatever others need; 0: as the schedule says. */
  pace(cell: number, perSecond: number): void {
    clearTimeout(this.#paced.get(cell));
    this.#paced.delete(cell);
    if (perSecond <= 0) return;
    const everyMs = 1000 / perSecond;
    const next = (ms: number): void => {
      const look = (): void => {
        next(everyMs);
        if (!this.#looking.has(cell)) void this.#look(cell);
      };
      this.#paced.set(cell, setTimeout(look, ms));
    };
    next(everyMs / 2);
  }

  nudge(cell: number): void {
    this.#schedule.nudge(cell, performance.now());
    this.#wake?.();
  }

  /** Resolves when the events of a look that began after this call have been reported. The budget applies to these looks, too. */
  look(cell: number): Promise<void> {
    if (!this.#schedule.has(cell)) return Promise.resolve();
    this.#schedule.ask(cell, performance.now());
    return new Promise((resolve) => {
      this.#asked.set(cell, [...(this.#asked.get(cell) ?? []), resolve]);
      this.#wake?.();
    });
  }

  /** Reports the counters of the cell's namespaces. */
  total(cell: number): void {
    const { spaces = [] } = this.#cells.get(cell) ?? {};
    const seen = spaces.flatMap((space) => this.#observers.flatMap((observer) => observer.total?.(space) ?? []));
    this.#tell({ cell, seen, unparsed: [] });
  }

  /** Reports all events so far that need no look. */
  flush(): void {
    const traced = this.#observers.flatMap((observer) => observer.drain?.() ?? []);
    if (traced.length > 0) this.#tell({ traced });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#draining);
    for (const cell of [...this.#cells.keys()]) this.unwatch(cell);
    this.#wake?.();
    for (const observer of this.#observers) observer.close?.();
  }

  /** Looks by the schedule until closed. */
  async #run(): Promise<void> {
    while (this.#open) {
      const next = this.#schedule.next(performance.now());
      if ('cell' in next) await this.#look(next.cell);
      else await this.#sleep(next.waitMs);
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Answers those who have asked for a look at the cell until now, and nobody who asks later. */
  #answer(cell: number): () => void {
    const asked = this.#asked.get(cell) ?? [];
    this.#asked.delete(cell);
    return () => {
      for (const resolve of asked) resolve();
    };
  }

  /** Every observer that looks, in each namespace of the cell. */
  async #look(cell: number): Promise<void> {
    const watched = this.#cells.get(cell);
    if (!watched) return;
    const { spaces } = watched;
    this.#schedule.sampled(cell, performance.now(), spaces.length);
    const answer = this.#answer(cell);
    const unparsed: string[] = [];
    const metered: Metered = (work) => {
      const before = ownCpu();
      const value = work();
      watched.cpu += ownCpu() - before;
      return value;
    };
    // one cell at a time is looked at, so that every child that ends meanwhile is its own
    const before = childrenCpu();
    const spent = watched.cpu;
    const complain = (text: string): void => {
      if (watched.complaints-- > 0) unparsed.push(text);
    };
    const turns = spaces.map((space): Turn => ({ space, metered, complain }));
    const looking = Promise.all(
      turns.flatMap((turn) => this.#observers.flatMap((observer) => observer.look?.(turn) ?? [])),
    );
    this.#looking.set(cell, looking);
    const seen = await looking.then((found) => found.flat(), messageOf);
    this.#looking.delete(cell);
    if (typeof seen === 'string') {
      this.#tell({ cell, unanswered: seen });
      return answer();
    }
    watched.cpu += childrenCpu() - before;
    const restMs = this.#schedule.took(cell, performance.now(), (watched.cpu - spent) * 1000);
    const rests = (event: Event): Event =>
      restMs !== undefined && event.kind === 'sample' ? { ...event, restMs } : event;
    this.#tell({ cell, seen: seen.map(rests), unparsed });
    answer();
  }
}
