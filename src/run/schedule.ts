import { LingerlabError } from '../errors.ts';
import { type AnyDefinition, cellId } from '../experiment/definition.ts';
import { isLoad, type LoadCell, type PlannedCell } from '../plan/cells.ts';
import type { CellRecord } from '../record/schema.ts';
import { isWithin, repeatsNeeded } from '../stats/against.ts';
import { compared } from '../verdict/compared.ts';
import { outcomesOf, ranOf } from '../verdict/outcomes.ts';
import { runCell } from './cell.ts';
import type { CpuMeter } from './cpu.ts';
import { runLoadCell } from './load-cell.ts';
import { type Ended, playLoads } from './loads.ts';
import { earlyOf } from './order.ts';
import type { RunRequest } from './request.ts';
import { type Slot, type Slots, slots } from './slots.ts';
import type { Task } from './tasks.ts';
import type { Session, Work } from './work.ts';

/** What a run plays its cells with. */
export interface Players extends Session {
  readonly meter: CpuMeter;
  /** The run cannot go on: the others at work are stopped, and what finished is saved. */
  readonly fail: (error: unknown) => void;
}

/**
 * Plays all tasks: first the quiet ones, one at a time, then the others, at most so many at work at once, then loads, one at a time.
 * Those that wait out TIME-WAIT begin before the quiet ones, by the same slot: they only wait meanwhile, as a rule for longer than the
 * quiet ones take. Nobody else has begun while a quiet one is at work. Resolves when each has finished, was not
 * needed or was given up because of the signal; by experiment, why its loads were repeated no more. `before`: what earlier sessions
 * of the run have.
 */
export async function playAll(
  tasks: readonly Task[],
  request: RunRequest,
  players: Players,
  before: readonly CellRecord[],
): Promise<ReadonlyMap<string, Ended>> {
  const play = playing(request, players);
  const isQuiet = ({ planned }: Task) => planned.kind === 'scenario' && planned.quiet;
  const alone = slots(() => 1);
  const early = new Set(earlyOf(tasks, ({ planned }) => planned));
  const waiting = [...early].map((task) => play(task, alone));
  await Promise.all(tasks.filter(isQuiet).map((task) => play(task, alone)));
  const working = slots(() => players.room.jobs(request.jobs));
  const others = tasks.filter((task) => !isLoad(task.planned) && !isQuiet(task) && !early.has(task));
  await Promise.all([...waiting, ...others.map((task) => play(task, working))]);
  return playLoads(tasks, {
    play: (task) => play(task, alone),
    drop: ({ planned }) => request.progress.cellDropped(planned.id),
    isNarrow: narrowness(request, players),
    before,
    now: () => performance.now(),
    signal: players.signal,
  });
}

/** Whether a cell has pairs enough to show a difference, and the interval of its ratio is as narrow as its experiment asks. */
function narrowness({ selection }: RunRequest, { counters }: Players) {
  const definitions = new Map(selection.experiments.map(({ definition }) => [definition.id, definition]));
  return ({ id, experiment, until }: LoadCell, results: readonly CellRecord[]): boolean => {
    const definition = definitions.get(experiment);
    if (definition?.kind !== 'load' || !until) return false;
    const judged = results.map((record) => ({ ...record, counters }));
    const { outcomes } = outcomesOf(definition, ranOf(definition, judged));
    const { against } = compared(definition, outcomes);
    const found = against.find(({ cell }) => cellId(experiment, cell) === id);
    // of fewer pairs, no difference among so many ways is significant
    return found !== undefined && found.pairs >= repeatsNeeded(against.length) && isWithin(found, until.within);
  };
}

/** Plays a task as soon as it has its slot. */
function playing(
  { selection, progress }: RunRequest,
  { meter: meters, fail, ...session }: Players,
): (task: Task, among: Slots) => Promise<CellRecord | undefined> {
  const { signal, writer } = session;
  const definitions = new Map(selection.experiments.map(({ definition }) => [definition.id, definition]));
  let serial = 0;
  return async ({ planned, repeat }, among) => {
    try {
      using slot = await among.acquire(signal);
      progress.cellStarted(planned.id);
      const waits = () => progress.cellWaiting(planned.id, planned.seconds);
      const meter = meters.cell({ wired: planned.network === 'wire', load: isLoad(planned) });
      const record = await runEither(planned, definitions.get(planned.experiment), {
        ...session,
        repeat,
        serial: ++serial,
        slot: tellingSlot(slot, isAlone(planned), waits),
        meter,
      });
      meter.finished(record.seconds);
      await writer.appendCell(record);
      progress.cellFinished(record);
      return record;
    } catch (error) {
      if (!signal.aborted) fail(error);
      return undefined;
    }
  };
}

function runEither(
  planned: PlannedCell,
  definition: AnyDefinition | undefined,
  work: Omit<Work, 'planned' | 'definition'>,
): Promise<CellRecord> {
  if (planned.kind === 'load' && definition?.kind === 'load') return runLoadCell({ ...work, planned, definition });
  if (planned.kind === 'scenario' && definition?.kind === 'scenario') return runCell({ ...work, planned, definition });
  throw new LingerlabError('UNKNOWN_EXPERIMENT', planned.experiment, 'report this');
}

const isAlone = (planned: PlannedCell): boolean => isLoad(planned) || planned.quiet;

/** The slot, telling whenever it is given back for a while. One that is had alone is not lent: it would come back beside another. */
const tellingSlot = (slot: Slot, alone: boolean, waits: () => void): Slot => ({
  release: () => slot.release(),
  lend: (waiting) => (alone ? undefined : slot.lend(waiting)),
  [Symbol.dispose]: () => slot.release(),
  while(waiting) {
    waits();
    return slot.while(waiting);
  },
});
