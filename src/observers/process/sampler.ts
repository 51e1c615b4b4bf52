import { closeSync, openSync, readFileSync } from 'node:fs';
import { childrenCpu, ownCpu } from '../../native/cpu.ts';
import { insideNamespace } from '../../native/namespaces.ts';
import type { CountersEvent, Ns, SampleEvent } from '../../record/event.ts';
import { changes, parseCounters } from '../counters/parse.ts';
import { parseSs } from '../ss/parse.ts';
import { SampleSchedule } from './schedule.ts';
import { startSs } from './ss.ts';

interface WatchedSpace {
  readonly name: string;
  readonly fd: number;
}

interface WatchedCell {
  spaces: readonly WatchedSpace[];
  /** Seconds of CPU that its samples took: to start `ss`, `ss` itself, and to read what it wrote. */
  cpu: number;
}

export interface Samples {
  readonly cell: number;
  readonly seen: readonly (SampleEvent | CountersEvent)[];
  readonly unparsed: readonly string[];
}

/** Runs `ss` in the cells' namespaces: on its schedule, and soon when asked. */
export class Sampler {
  readonly #cells = new Map<number, WatchedCell>();
  readonly #schedule = new SampleSchedule();
  readonly #asked = new Map<number, (() => void)[]>();
  readonly #sampling = new Map<number, Promise<unknown>>();
  readonly #now: () => Ns;
  readonly #tell: (samples: Samples) => void;
  #wake: (() => void) | undefined;
  #open = true;

  constructor(now: () => Ns, tell: (samples: Samples) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  watch(cell: number, spaces: readonly { name: string; path: string }[]): void {
    const opened = spaces.map(({ name, path }) => ({ name, fd: openSync(path, 'r') }));
    this.#cells.set(cell, { spaces: opened, cpu: 0 });
    this.#schedule.watch(cell, performance.now());
    this.#wake?.();
  }

  /** The seconds of CPU that its samples took. */
  unwatch(cell: number): number {
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
    await this.#sampling.get(cell);
    for (const space of spaces) if (space.name === name) closeSync(space.fd);
  }

  nudge(cell: number): void {
    this.#schedule.nudge(cell, performance.now());
    this.#wake?.();
  }

  close(): void {
    this.#open = false;
    for (const cell of [...this.#cells.keys()]) this.unwatch(cell);
    this.#wake?.();
  }

  /** Samples by the schedule until closed. */
  async run(): Promise<void> {
    while (this.#open) {
      const next = this.#schedule.next(performance.now());
      if ('cell' in next) await this.#sample(next.cell);
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

  /** Resolves when a sample that began after this call has been told. The budget holds for these, too. */
  sample(cell: number): Promise<void> {
    if (!this.#cells.has(cell)) return Promise.resolve();
    this.#schedule.ask(cell, performance.now());
    return new Promise((resolve) => {
      this.#asked.set(cell, [...(this.#asked.get(cell) ?? []), resolve]);
      this.#wake?.();
    });
  }

  /** Tells those who have asked for a sample of the cell until now, and nobody who asks later. */
  #answer(cell: number): () => void {
    const asked = this.#asked.get(cell) ?? [];
    this.#asked.delete(cell);
    return () => {
      for (const resolve of asked) resolve();
    };
  }

  /** One `ss` in each namespace of the cell. */
  async #sample(cell: number): Promise<void> {
    const watched = this.#cells.get(cell);
    if (!watched) return;
    const { spaces } = watched;
    this.#schedule.sampled(cell, performance.now(), spaces.length);
    const answer = this.#answer(cell);
    const unparsed: string[] = [];
    // one cell at a time is sampled, so that every child that ends meanwhile is its own
    const before = childrenCpu();
    const sampling = Promise.all(spaces.map((space) => this.#sampleSpace(watched, space, unparsed)));
    this.#sampling.set(cell, sampling);
    const seen = await sampling;
    this.#sampling.delete(cell);
    watched.cpu += childrenCpu() - before;
    // a namespace that went while ss was being started gives nothing
    this.#tell({ cell, seen: seen.filter((sample) => sample !== undefined), unparsed });
    answer();
  }

  async #sampleSpace(
    watched: WatchedCell,
    { name, fd }: WatchedSpace,
    unparsed: string[],
  ): Promise<SampleEvent | undefined> {
    const t = this.#now();
    const metered = <T>(work: () => T): T => {
      const before = ownCpu();
      const value = work();
      watched.cpu += ownCpu() - before;
      return value;
    };
    const ss = metered(() => insideNamespace(fd, startSs));
    const { stdout, problem } = await ss;
    if (problem !== '') {
      unparsed.push(`ss failed: ${problem}`);
      return undefined;
    }
    const { sockets, unread } = metered(() => parseSs(stdout));
    unparsed.push(...unread);
    return { t, until: this.#now(), source: 'ss', kind: 'sample', space: name, sockets };
  }

  /** Counters since the namespaces were made: they began with zeros. */
  counters(cell: number): void {
    const seen = (this.#cells.get(cell)?.spaces ?? []).map(({ name, fd }): CountersEvent => {
      const [snmp, netstat] = insideNamespace(fd, () => [
        readFileSync('/proc/thread-self/net/snmp', 'utf8'),
        readFileSync('/proc/thread-self/net/netstat', 'utf8'),
      ]);
      const values = changes({}, parseCounters(snmp ?? '', netstat ?? ''));
      return { t: this.#now(), source: 'counters', kind: 'counters', space: name, values };
    });
    this.#tell({ cell, seen, unparsed: [] });
  }
}
