import { rm, writeFile } from 'node:fs/promises';
import { LingerlabError, messageOf } from '../errors.ts';
import type { AnyDefinition } from '../experiment/definition.ts';
import { type Derived, derive } from '../facts/derive.ts';
import { unsound } from '../facts/soundness.ts';
import { makeLab } from '../lab/lab.ts';
import type { Ports } from '../lab/ports.ts';
import { countingEvents } from '../load/counting.ts';
import type { Crew } from '../load/crew.ts';
import { loadFindings } from '../load/facts.ts';
import { clockSince } from '../native/clock.ts';
import { cpuOf } from '../native/cpu.ts';
import type { Observers } from '../observers/observers.ts';
import { makeSteps } from '../peers/step.ts';
import type { PlannedCell } from '../plan/cells.ts';
import { answerMs } from '../process/deadline.ts';
import { ofExperiment } from '../process/experiment-code.ts';
import { cellEvents } from '../record/cell-events.ts';
import type { Event } from '../record/event.ts';
import type { CellRecord, OddPackets, Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import type { RunWriter } from '../record/writer.ts';
import { judgeCell } from '../verdict/claims.ts';
import { oddPackets, wireWarnings } from '../wire/statistics.ts';
import type { CellMeter } from './cpu.ts';
import { playScenario, scenarioMs } from './scenario.ts';
import type { Slot } from './slots.ts';
import { makeStage } from './stage.ts';

export interface CellWork {
  readonly planned: PlannedCell;
  readonly definition: AnyDefinition;
  readonly repeat: number;
  /** Counts the run's cells; tells their addresses apart. */
  readonly serial: number;
  readonly ports: Ports;
  readonly observers: Observers;
  readonly origin: bigint;
  readonly slot: Slot;
  readonly signal: AbortSignal;
  readonly writer: RunWriter;
  readonly meter: CellMeter;
  readonly crew: Crew;
}

/** To make a cell's lab and to clean up, each part of which has a deadline of its own. */
const aroundMs = 60_000;

/** One (cell, repeat): lab, observers, scenario, record, facts, verdicts. Rejects only when the run is being interrupted. */
export async function runCell(work: CellWork): Promise<CellRecord> {
  const { planned, repeat, writer, signal } = work;
  const startedAt = new Date().toISOString();
  const began = performance.now();
  const events = cellEvents();
  const unparsed: string[] = [];
  const endedAs = async (outcome: Played | { readonly error: unknown }): Promise<CellRecord> => {
    if (signal.aborted) throw signal.reason;
    const seconds = (performance.now() - began) / 1000;
    await writer.writeEvents(planned.id, repeat, events.all);
    const warnings = [...unparsed.map((line) => warn('ss-unparsed-line', line)), ...soundness(work, events.all)];
    // claims are an experiment's code; from a function of its own, as the scenario is called. A promise that is returned, not awaited,
    // would be looked at only in the microtasks behind a loop that does not end, and those are lost with it
    return await ofExperiment(async () => {
      await Promise.resolve();
      return recordOf(work, outcome, { startedAt, seconds }, warnings);
    });
  };
  try {
    const playing = play(work, events, (line) => unparsed.push(line));
    return await endedAs(await within(scenarioMs(planned) + aroundMs, playing));
  } catch (error) {
    return endedAs({ error: firstError(error) });
  }
}

/** A last deadline around all the others. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const error = new LingerlabError('CELL_DEADLINE', `the cell did not end within ${ms / 1000} s`, 'report this');
  const timer = setTimeout(() => late.reject(error), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function recordOf(
  work: CellWork,
  outcome: Played | { readonly error: unknown },
  took: Pick<CellRecord, 'startedAt' | 'seconds'>,
  warnings: Warning[],
): CellRecord {
  const { planned, repeat } = work;
  const common = {
    id: planned.id,
    experiment: planned.experiment,
    factors: { ...planned.factors },
    repeat,
    race: planned.race,
    ...(planned.load && { load: true as const }),
    ...(planned.roles && { roles: planned.roles }),
    ...took,
  };
  const nothing = { facts: {}, unknown: {}, paths: {}, claims: [] };
  if ('error' in outcome) {
    return { ...common, ...nothing, status: 'errored', reason: reasonOf(outcome.error), warnings };
  }
  const { facts, unknown, paths, segments, incarnations, asides } = outcome.derived;
  const carried = segments.length > 0 && {
    segments,
    ...(incarnations.length > 0 && { incarnations }),
    ...(asides.length > 0 && { asides }),
  };
  const odd = outcome.odd && { odd: outcome.odd };
  const record = {
    ...common,
    facts: { ...facts, ...outcome.notes },
    unknown,
    paths,
    ...carried,
    ...odd,
  };
  const claims = judgeCell(work.definition, record);
  return { ...record, status: 'ran', claims, warnings: [...outcome.derived.warnings, ...warnings] };
}

/** Every packet is told until a scenario sends very many: then those that open, close, reset, or that a rule decides. */
const told = { telling: 'all', tellAllUpTo: 2000 } as const;

interface Played {
  readonly derived: Derived;
  readonly notes: CellRecord['facts'];
  readonly odd?: OddPackets;
}

/** Without the trace there are no chains to be sound; nor are a load's connections traced. */
const soundness = ({ observers, planned }: CellWork, events: readonly Event[]): Warning[] =>
  observers.sight.transitions && !planned.load ? unsound(events) : [];

/** A failing clean-up must not hide the error that came first. */
function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error;
}

const reasonOf = (error: unknown): string =>
  error instanceof LingerlabError ? `${error.code}: ${error.message}` : messageOf(error);

async function play(
  work: CellWork,
  events: ReturnType<typeof cellEvents>,
  unparsed: (line: string) => void,
): Promise<Played> {
  const { planned, repeat, observers, origin, slot, definition, writer, meter } = work;
  const now = clockSince(origin);
  const { seen, add: count } = countingEvents(events);
  const record = planned.load ? count : (event: Event) => events.add(event);
  await using scope = new AsyncDisposableStack();
  const failure = new AbortController();
  const fail = (error: LingerlabError) => failure.abort(error);
  const signal = AbortSignal.any([work.signal, failure.signal]);
  const capture = writer.capture(planned.id, repeat);
  // hundreds of thousands of packets, of which nothing is asked but what they cost
  if (planned.load) scope.defer(() => rm(capture, { force: true }));
  const wire = {
    origin,
    mtu: planned.mtu,
    settings: { capture, ...(planned.load ? ({ telling: 'none' } as const) : told) },
    spawned: (pid: number) => observers.guard(pid),
    saw: record,
    died: fail,
    until: signal,
  };
  const wired = planned.network === 'wire' && { wire };
  const lab = scope.use(await makeLab({ ...planned, ...wired, ports: work.ports, serial: work.serial }));
  scope.defer(() => lab.wire && meter.peer(cpuOf(lab.wire.pid) ?? 0));
  const watching = scope.use(
    await observers.watch(lab, { saw: record, unparsed, failed: fail, sampled: meter.samples, samples: !planned.load }),
  );
  // once the peers are gone: until every socket is, so that the trace has each chain's end
  scope.defer(async () => {
    await lab.empty();
    await watching.flush();
  });
  const steps = makeSteps((step) => slot.lend(step));
  const playing = scope.use(
    await makeStage({
      lab,
      steps,
      observers: watching,
      sight: observers.sight,
      events,
      origin,
      now,
      record,
      signal,
      spawned: (pid) => observers.guard(pid),
      spent: meter.peer,
      labels: definition.connections ?? [],
      measures: new Set(Object.keys(definition.measures ?? {})),
      loads: planned.load,
      seen,
      planned,
      crew: work.crew,
      resting: (wait) => slot.while(wait),
      lend: (waiting) => slot.lend(waiting),
      died: fail,
    }),
  );
  scope.defer(async () => {
    for (const { peer, text } of playing.logs())
      if (text) await writeFile(writer.peerLog(planned.id, repeat, peer), text);
  });
  record({ t: now(), source: 'harness', kind: 'scenario-begins' });
  const end = { planned, steps, failure, signal };
  await playScenario(() => Promise.try(() => definition.scenario(playing.stage, planned.factors)), end);
  steps.check();
  await playing.settle();
  watching.nudge();
  await watching.sample();
  // it may have failed for this cell
  signal.throwIfAborted();
  await watching.counters();
  await lab.wire?.ask('flush', {}, answerMs);
  const statistics = await lab.wire?.ask('statistics', {}, answerMs);
  // under load it falls behind: that is what it costs
  const ofWire = statistics && !planned.load ? wireWarnings(statistics) : [];
  const odd = statistics && oddPackets(statistics);
  record({ t: now(), source: 'harness', kind: 'scenario-ends' });
  // what happened until then is in the record before facts are derived: from the folder, later, they come out the same
  await watching.flush();
  const derived = derive(events.all, observers.sight);
  const warnings = [...derived.warnings, ...ofWire];
  const findings = playing.loaded && loadFindings(playing.loaded);
  return {
    derived: { ...derived, warnings, ...findings },
    notes: playing.notes as CellRecord['facts'],
    ...(odd && { odd }),
  };
}
