import { setTimeout as sleep } from 'node:timers/promises';
import type { LingerlabError } from '../errors.ts';
import type { Loaded, Seen } from '../experiment/load.ts';
import type { Peer, StartOptions } from '../experiment/peer.ts';
import type { AnyStage } from '../experiment/stage.ts';
import type { Answer } from '../experiment/step.ts';
import type { Wire } from '../experiment/wire.ts';
import type { Sight } from '../facts/connections.ts';
import type { Crew } from '../load/crew.ts';
import { runLoad } from '../load/run.ts';
import { type Cast, Handles } from '../peers/handles.ts';
import { type PeerProcess, startPeer } from '../peers/process.ts';
import { until } from '../peers/until.ts';
import type { PlannedCell } from '../plan/cells.ts';
import type { CellEvents } from '../record/cell-events.ts';
import type { FactValue } from '../record/fact.ts';
import type { End } from '../tcp/states.ts';
import { makeWire } from '../wire/stage.ts';
import { instruments } from './instruments.ts';

/** What a scenario is played on, and what the harness does with it afterwards. */
export interface Playing extends AsyncDisposable {
  readonly stage: AnyStage;
  readonly notes: Readonly<Record<string, FactValue>>;
  /** What the cell's load came to. */
  readonly loaded: Loaded | undefined;
  /** Resolves when every peer that lives has told all it saw. */
  settle(): Promise<void>;
  /** What each peer wrote. */
  logs(): readonly { readonly peer: string; readonly text: string }[];
}

export interface StageOptions extends Cast {
  readonly origin: bigint;
  /** Told of each peer's pid as soon as it has one. */
  readonly spawned: (pid: number) => void;
  /** Told of the seconds of CPU that a peer had used when it was told to end. */
  readonly spent: (cpu: number) => void;
  readonly events: CellEvents;
  readonly sight: Sight;
  readonly signal: AbortSignal;
  readonly measures: ReadonlySet<string>;
  /** Whether the cell measures throughput. */
  readonly loads: boolean;
  /** What observers told of a load until now. */
  readonly seen: Readonly<Seen>;
  readonly planned: Pick<PlannedCell, 'experiment' | 'repeats' | 'seconds'>;
  readonly crew: Crew;
  readonly resting: <T>(wait: () => Promise<T>) => Promise<T>;
  /** Gives it away likewise; the cell goes on at once, whoever is at work. */
  readonly lend: (waiting: Promise<unknown>) => void;
  /** A peer ended though nobody stopped it. */
  readonly died: (error: LingerlabError) => void;
}

/**
 * How far ahead a common moment lies: two messages to two processes took 0.2 ms, up to 3 ms with both cores busy. It comes
 * before the sample that follows each step after 15 ms, whose `ss` would take one of two cores from a peer.
 */
const soonNs = 10_000_000;
/** A peer that is stopped or blocked does not answer; what it told before is in the record. */
const settleMs = 250;

/** Start the client and the server, and make the stage they play on. */
export async function makeStage(options: StageOptions): Promise<Playing> {
  const { lab, origin, observers, now, record, signal } = options;
  const handles = new Handles(options);
  await using scope = new AsyncDisposableStack();
  let started = 0;
  const processes: PeerProcess[] = [];
  const placed = new Map<PeerProcess, End>();
  const notes: Record<string, FactValue> = {};

  const start = async (name: string, where: End, uid?: number): Promise<Answer<Peer>> => {
    const index = started++;
    const process = await startPeer({
      name,
      index,
      space: lab.space(where),
      origin,
      until: signal,
      spawned: options.spawned,
      spent: options.spent,
      saw: record,
      died: options.died,
    });
    processes.push(kept.use(process));
    placed.set(process, where);
    const became = uid === undefined ? undefined : await process.ask('become', { uid });
    return became?.ok === false ? became : { ok: true, value: handles.peer(process, where), ns: became?.ns ?? 0 };
  };
  let kept = scope;
  const asUs = async (end: End) => {
    const started = await start(end, end);
    if (!started.ok) throw new TypeError('nobody asked for another user');
    return started.value;
  };
  // a load has processes of its own, and no others that take CPU
  const cast = options.loads ? undefined : await Promise.all([asUs('client'), asUs('server')]);
  const peer = (index: 0 | 1): Peer => {
    if (!cast) throw new TypeError('a cell that measures throughput has no peers: it has load()');
    return cast[index];
  };
  kept = scope.move();

  let wire: Wire | undefined;
  let asked = false;
  let loaded: Loaded | undefined;
  const stage: AnyStage = {
    get client() {
      return peer(0);
    },
    get server() {
      return peer(1);
    },
    start(name, chosen = 'client') {
      const { where = 'client', uid }: StartOptions = typeof chosen === 'string' ? { where: chosen } : chosen;
      return options.steps.take(`start ${name}${uid === undefined ? '' : ` as user ${uid}`}`, start(name, where, uid));
    },
    until: (endpoint, ...states) =>
      until(handles.placed(endpoint), states, {
        events: options.events.all,
        sight: options.sight,
        observers,
        now,
        record,
        signal,
        resting: options.resting,
      }),
    get wire() {
      if (!lab.wire) throw new TypeError("this cell has no wire: give the experiment network: 'wire'");
      wire ??= makeWire(lab.wire, options.steps);
      return wire;
    },
    ...instruments({
      ...options,
      events: options.events.all,
      peers: (where) => processes.filter((process) => placed.get(process) === where),
    }),
    load(load) {
      if (!options.loads)
        throw new TypeError('load: the experiment does not say that it measures throughput: `load: () => 10`');
      if (asked) throw new TypeError('load: once in a cell, whose facts are of it');
      asked = true;
      const { seen, planned, crew, died } = options;
      const stop = new AbortController();
      const loading = { lab, observers, seen, planned, crew, died, signal: AbortSignal.any([signal, stop.signal]) };
      const done = runLoad(load, loading).then((value): Answer<Loaded> => {
        loaded = value;
        return { ok: true, value, ns: 0 };
      });
      // nothing of it goes on behind a scenario that has thrown
      kept.defer(async () => {
        stop.abort();
        await done.catch(() => undefined);
      });
      return options.steps.take('load', done);
    },
    rest(seconds) {
      const over = sleep(seconds * 1000, undefined, { signal });
      options.lend(over);
      return over;
    },
    soon: () => ({ ns: now() + soonNs }),
    note(name, value) {
      if (name.startsWith('counters.')) throw new TypeError(`note: '${name}' is the kernel's to say`);
      if (!options.measures.has(name)) throw new TypeError(`note: '${name}' is not declared under measures`);
      notes[name] = value as FactValue;
    },
  };
  return {
    stage,
    notes,
    get loaded() {
      return loaded;
    },
    logs: () => processes.map((process) => ({ peer: process.name, text: process.log() })),
    async settle() {
      const told = processes.map((process) => process.ask('sync', {}, settleMs).catch(() => undefined));
      await Promise.all(told);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
