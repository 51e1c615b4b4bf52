import { closeSync, openSync, readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { childrenCpu, ownCpu } from '../../native/cpu.ts';
import { insideNamespace } from '../../native/namespaces.ts';
import type { CountersEvent, Ns, SampleEvent, SamplerName } from '../../record/event.ts';
import { changes, parseCounters, parseSockstat } from '../../tcp/counters.ts';
import type { ObserverTold } from '../protocol.ts';
import { looks } from './look.ts';
import { SampleSchedule } from './schedule.ts';

/** With more of them `ss` takes tens of ms, and its reader again: they are counted by sockstat, which takes 10 µs. */
const mostTimeWaits = 2000;
const timeWaitsHere = (): number => parseSockstat(readFileSync('/proc/thread-self/net/sockstat', 'utf8')).tw;

interface WatchedSpace {
  readonly name: string;
  readonly fd: number;
}

interface WatchedCell {
  spaces: readonly WatchedSpace[];
  /** Seconds of CPU that its samples took: to start `ss`, `ss` itself, and to read what it wrote. */
  cpu: number;
}

/** Looks at the sockets in the cells' namespaces: on its schedule, and soon when asked. */
export class Sampler {
  readonly #cells = new Map<number, WatchedCell>();
  readonly #schedule = new SampleSchedule();
  readonly #asked = new Map<number, (() => void)[]>();
  readonly #sampling = new Map<number, Promise<unknown>>();
  readonly #by: SamplerName;
  readonly #now: () => Ns;
  readonly #tell: (told: ObserverTold) => void;
  readonly #paced = new Map<number, NodeJS.Timeout>();
  #wake: (() => void) | undefined;
  #open = true;

  constructor(by: SamplerName, now: () => Ns, tell: (told: ObserverTold) => void) {
    this.#by = by;
    this.#now = now;
    this.#tell = tell;
  }

  watch(cell: number, spaces: readonly { name: string; path: string }[], samples: boolean): void {
    const opened = spaces.map(({ name, path }) => ({ name, fd: openSync(path, 'r') }));
    this.#cells.set(cell, { spaces: opened, cpu: 0 });
    if (!samples) return;
    this.#schedule.watch(cell, performance.now());
    this.#wake?.();
  }

  /** The seconds of CPU that its samples took. */
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
    await this.#sampling.get(cell)?.catch(() => undefined);
    for (const space of spaces) if (space.name === name) closeSync(space.fd);
  }

  /** Look so often from now on, first after half an interval, whatever others need; 0: as the schedule says. */
  pace(cell: number, perSecond: number): void {
    clearTimeout(this.#paced.get(cell));
    this.#paced.delete(cell);
    if (perSecond <= 0) return;
    const everyMs = 1000 / perSecond;
    const next = (ms: number): void => {
      const look = (): void => {
        next(everyMs);
        if (!this.#sampling.has(cell)) void this.#sample(cell);
      };
      this.#paced.set(cell, setTimeout(look, ms));
    };
    next(everyMs / 2);
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
    if (!this.#schedule.has(cell)) return Promise.resolve();
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
    const spent = watched.cpu;
    const sampling = Promise.all(spaces.map((space) => this.#sampleSpace(watched, space, unparsed)));
    this.#sampling.set(cell, sampling);
    const seen = await sampling.catch(messageOf);
    this.#sampling.delete(cell);
    if (typeof seen === 'string') {
      this.#tell({ cell, unanswered: seen });
      return answer();
    }
    watched.cpu += childrenCpu() - before;
    const restMs = this.#schedule.took(cell, performance.now(), (watched.cpu - spent) * 1000);
    const rests = restMs !== undefined && { restMs };
    // a namespace that went while ss was being started gives nothing
    const samples = seen.filter((sample) => sample !== undefined).map((sample) => ({ ...sample, ...rests }));
    this.#tell({ cell, seen: samples, unparsed });
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
    const timeWaits = metered(() => insideNamespace(fd, timeWaitsHere));
    const leaves = timeWaits > mostTimeWaits;
    const { sockets, unread: lines, problem } = await looks[this.#by](fd, !leaves, metered);
    if (problem !== '') {
      unparsed.push(`${this.#by} failed: ${problem}`);
      return undefined;
    }
    unparsed.push(...lines);
    return {
      t,
      until: this.#now(),
      source: this.#by,
      kind: 'sample',
      space: name,
      sockets,
      ...(leaves && { leftOut: timeWaits }),
    };
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
