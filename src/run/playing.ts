import { LingerlabError } from '../errors.ts';
import { type Lab, makeLab } from '../lab/lab.ts';
import { clockSince } from '../native/clock.ts';
import type { CellObservers } from '../observers/observers.ts';
import { makeSteps, type Steps } from '../peers/step.ts';
import { isLoad } from '../plan/cells.ts';
import { answerMs } from '../process/deadline.ts';
import type { Event, Ns } from '../record/event.ts';
import type { Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import type { WireStatistics } from '../record/wire-statistics.ts';
import type { Stood } from './lateness.ts';
import { playScenario } from './scenario.ts';
import type { Work } from './work.ts';

/** What a cell of either kind is played with. */
export interface Playing extends AsyncDisposable {
  readonly lab: Lab;
  readonly watching: CellObservers;
  readonly steps: Steps;
  readonly now: () => Ns;
  readonly record: (event: Event) => void;
  /** Ends the scenario: the run's signal, or a failure of this cell. */
  readonly signal: AbortSignal;
  readonly failure: AbortController;
}

/** How a cell is watched. */
export interface Watching {
  readonly record: (event: Event) => void;
  readonly unparsed: (line: string) => void;
  /** Called with what does not end with the cell. */
  readonly warned: (warning: Warning) => void;
  /** Whether the sampler samples by its schedule. */
  readonly samples: boolean;
  /** Packets that the wire reports. */
  readonly telling: { readonly telling: 'all' | 'none'; readonly tellAllUpTo?: number };
}

/** Makes the lab of a cell, with its observers. */
export async function makePlaying(
  work: Work,
  { record, unparsed, warned, samples, telling }: Watching,
): Promise<Playing> {
  const { planned, repeat, observers, origin, writer, meter, wires } = work;
  await using scope = new AsyncDisposableStack();
  const failure = new AbortController();
  const fail = (error: Error) => failure.abort(error);
  const signal = AbortSignal.any([work.signal, failure.signal]);
  const wire = {
    origin,
    mtu: planned.mtu,
    settings: { capture: writer.capture(planned.id, repeat), ...telling },
    saw: record,
    died: fail,
    until: signal,
    spent: meter.peer,
    wires,
    // how a race or a load goes depends on what its processes have run before
    fresh: isLoad(planned) || planned.race,
  };
  const wired = planned.network === 'wire' && { wire };
  const lab = scope.use(
    await makeLab({ ...planned, ...wired, asked: work.asked, ports: work.ports, serial: work.serial }),
  );
  const watching = scope.use(
    await observers.watch(lab, { saw: record, unparsed, failed: fail, sampled: meter.samples, samples }),
  );
  // once the peers are gone: until every socket is, so that the trace has each chain's end
  scope.defer(async () => {
    for (const { inode, sockets } of await lab.empty())
      warned(
        warn(
          'namespace-kept',
          `the network namespace ${inode} is kept by ${sockets} of its sockets, which did not end`,
        ),
      );
    await watching.flush();
  });
  const owned = scope.move();
  return {
    lab,
    watching,
    record,
    failure,
    now: clockSince(origin),
    steps: makeSteps((step) => work.slot.lend(step)),
    signal,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The processes of a scenario beside the wire. */
export interface PlayedBy {
  /** Resolves when the processes have reported all their events. */
  readonly settle: () => Promise<void>;
  /** Returns the names of the processes that do not answer. */
  readonly silent: () => Promise<readonly string[]>;
}

/** Time in which a process must answer to count as running: on an overloaded machine it is slow, and not stopped. */
const stillMs = 1000;

async function silentWire({ lab }: Playing): Promise<LingerlabError | undefined> {
  try {
    await lab.wire?.ask('flush', {}, stillMs);
  } catch (error) {
    return error instanceof LingerlabError ? error : undefined;
  }
  return undefined;
}

/**
 * Plays a scenario. Resolves when what happened until its end is in the record, with what the wire counted and how long the
 * harness and the observers stood still.
 */
export async function play(
  { planned, stalls, room }: Work,
  playing: Playing,
  scenario: () => Promise<void>,
  { settle, silent: silentPeers }: PlayedBy,
): Promise<{ readonly statistics: WireStatistics | undefined; readonly stood: Stood }> {
  const { lab, watching, steps, now, record } = playing;
  const began = now();
  record({ t: began, source: 'harness', kind: 'scenario-begins' });
  const silent = async () => {
    const [error, peers] = await Promise.all([silentWire(playing), silentPeers()]);
    return { ...(error && { error }), peers };
  };
  let statistics: WireStatistics | undefined;
  try {
    await playScenario(() => Promise.try(scenario), { ...playing, planned, patience: room.patience, silent });
    steps.check();
    await settle();
    watching.nudge();
    await watching.sample();
    // it may have failed for this cell
    playing.signal.throwIfAborted();
    await watching.counters();
    await lab.wire?.ask('flush', {}, answerMs);
    statistics = await lab.wire?.ask('statistics', {}, answerMs);
  } finally {
    // what follows is tear-down, of a cell that errored, too
    record({ t: now(), source: 'harness', kind: 'scenario-ends' });
  }
  // before facts are derived: from the folder, later, they come out the same
  await watching.flush();
  const observersNs = await watching.stood(began);
  return { statistics, stood: { harnessNs: stalls.longest(began), observersNs } };
}
