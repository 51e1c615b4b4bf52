import { firstError, LingerlabError, messageOf } from '../errors.ts';
import type { AnyDefinition, AnyLoadDefinition, AnyScenarioDefinition } from '../experiment/definition.ts';
import type { Ports } from '../lab/ports.ts';
import type { Crew } from '../load/crew.ts';
import type { Observers } from '../observers/observers.ts';
import type { PeerCompany } from '../peers/process.ts';
import type { LoadCell, PlannedCell, ScenarioCell } from '../plan/cells.ts';
import { overridden } from '../plan/runnable.ts';
import type { Settings } from '../plan/settings.ts';
import { afterPatience, seconds } from '../process/deadline.ts';
import { ofExperiment } from '../process/experiment-code.ts';
import type { Stalls } from '../process/stalls.ts';
import type { CellEvents } from '../record/cell-events.ts';
import type { Reason } from '../record/reason.ts';
import type { CellRecord, Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import type { RunWriter } from '../record/writer.ts';
import { judgeCell } from '../verdict/claims.ts';
import { lackedCounters } from '../verdict/facts.ts';
import type { WireCompany } from '../wire/process.ts';
import type { CellMeter } from './cpu.ts';
import type { Room } from './room.ts';
import { scenarioMs } from './scenario.ts';
import type { Slot } from './slots.ts';

/** What the cells of a session share. */
export interface Session {
  readonly ports: Ports;
  readonly observers: Observers;
  /** Sysctls that the user asked for. */
  readonly asked: Settings['values'];
  readonly origin: bigint;
  readonly signal: AbortSignal;
  readonly writer: RunWriter;
  readonly crew: Crew;
  readonly company: PeerCompany;
  readonly wires: WireCompany;
  /** The counters that this kernel has: `TcpExt.TW`. */
  readonly counters: ReadonlySet<string>;
  /** Of the program itself. */
  readonly stalls: Stalls;
  readonly room: Room;
}

/** One (cell, repeat) that is to be played. */
export interface Work<P extends PlannedCell = PlannedCell, D extends AnyDefinition = AnyDefinition> extends Session {
  readonly planned: P;
  readonly definition: D;
  readonly repeat: number;
  /** Counts the run's cells; tells their addresses apart. */
  readonly serial: number;
  readonly slot: Slot;
  readonly meter: CellMeter;
}
export type ScenarioWork = Work<ScenarioCell, AnyScenarioDefinition>;
export type LoadWork = Work<LoadCell, AnyLoadDefinition>;

type Carried = 'ends' | 'segments' | 'incarnations' | 'asides' | 'odd' | 'late';
/** What a cell that was played came to. */
export type Played = Pick<CellRecord, 'facts' | 'unknown' | 'paths' | 'warnings'> & Pick<CellRecord, Carried>;

/** What was seen of a cell, whatever it came to: its ends' paths, and what its wire carried. */
export type Seen = Partial<Pick<Played, 'paths' | Exclude<Carried, 'odd'>>>;

/** Which cell a record is of. */
export const identity = (planned: PlannedCell, repeat: number) => ({
  id: planned.id,
  experiment: planned.experiment,
  factors: { ...planned.factors },
  repeat,
  ...(planned.kind === 'load'
    ? { race: false, load: true as const }
    : { race: planned.race, ...(planned.roles && { roles: planned.roles }) }),
});

/** What a record has of a cell that came to nothing. */
export const nothing = { facts: {}, unknown: {}, paths: {}, claims: [] };

/** A cell's log: its events, the lines of `ss` that were not understood, and warnings of what did not end with the cell. */
export interface Log {
  readonly events: CellEvents;
  readonly unparsed: string[];
  readonly left: Warning[];
}

/** To make a cell's lab and to clean up, most of which has a deadline of its own. */
const aroundMs = 60_000;

/**
 * The record of a (cell, repeat) that is played, its events saved. `flaws`: what its events are found to lack; `seen`: what there
 * is to draw of one that errored. Rejects only when the run is being interrupted.
 */
export async function recorded(
  work: Work,
  { events, unparsed, left }: Log,
  play: () => Promise<Played>,
  flaws: () => readonly Warning[],
  seen: () => Seen = () => ({}),
): Promise<CellRecord> {
  const { planned, repeat, writer, signal, asked, room } = work;
  const startedAt = new Date().toISOString();
  const began = performance.now();
  const endedAs = async (outcome: Played | { readonly error: unknown }): Promise<CellRecord> => {
    if (signal.aborted) throw signal.reason;
    const took = (performance.now() - began) / 1000;
    await writer.writeEvents(planned.id, repeat, events.all);
    const warnings = [
      ...overridden(planned.sysctls, asked),
      ...unparsed.map((line) => warn('ss-unparsed-line', line)),
      ...left,
      ...flaws(),
    ];
    const common = { ...identity(planned, repeat), startedAt, seconds: took };
    if ('error' in outcome)
      return {
        ...common,
        ...nothing,
        ...seen(),
        status: statusOf(outcome.error),
        reason: reasonOf(outcome.error),
        warnings,
      };
    // claims are an experiment's code; from a function of its own, as the scenario is called. A promise that is returned, not awaited,
    // would be looked at only in the microtasks behind a loop that does not end, and those are lost with it
    return await ofExperiment(async () => {
      await Promise.resolve();
      return judged(work, common, outcome, warnings);
    });
  };
  try {
    // a cell that is given up may go on playing: what it comes to later is no record
    return await endedAs(await within(scenarioMs(planned) + aroundMs, room.patience, play()));
  } catch (error) {
    return endedAs({ error: firstError(error) });
  }
}

/** A last deadline around all the others. */
async function within<T>(ms: number, patience: () => number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  using _timer = afterPatience(ms, patience, (passed) =>
    late.reject(new LingerlabError('CELL_DEADLINE', `the cell did not end within ${seconds(passed)}`, 'report this')),
  );
  return await Promise.race([work, late.promise]);
}

function judged(
  { definition, counters }: Work,
  common: ReturnType<typeof identity> & Pick<CellRecord, 'startedAt' | 'seconds'>,
  outcome: Played,
  warnings: readonly Warning[],
): CellRecord {
  const lacked = lackedCounters(definition.shows ?? [], counters);
  const facts = { ...outcome.facts, ...lacked.facts };
  const unknown = { ...outcome.unknown, ...lacked.unknown };
  const record = { ...common, ...outcome, facts, unknown };
  const claims = judgeCell(definition, { ...record, counters });
  return { ...record, status: 'ran', claims, warnings: [...outcome.warnings, ...warnings] };
}

/** A cell that asks for what this kernel does not have is no defect of the experiment. */
const statusOf = (error: unknown): 'unsupported' | 'errored' =>
  error instanceof LingerlabError && error.code === 'KERNEL_LACKS' ? 'unsupported' : 'errored';

function reasonOf(error: unknown): Reason {
  const message = messageOf(error);
  if (!(error instanceof LingerlabError)) return { message };
  const { code, remedy, at, step } = error;
  return { code, message, remedy, ...at, ...(step !== undefined && { step }) };
}
