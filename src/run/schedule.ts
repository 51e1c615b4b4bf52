import { LingerlabError } from '../errors.ts';
import type { AnyDefinition } from '../experiment/definition.ts';
import { isLoad, type PlannedCell } from '../plan/cells.ts';
import type { CellRecord } from '../record/schema.ts';
import { runCell } from './cell.ts';
import type { CpuMeter } from './cpu.ts';
import { runLoadCell } from './load-cell.ts';
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
 * Plays all tasks: first the quiet ones, one at a time, then the others, so many at work at once, then loads, one at a time. Nobody
 * else has begun while a quiet one is at work, so nobody can come back to work beside it. Resolves when each has finished or was
 * given up because of the signal.
 */
export async function playAll(tasks: readonly Task[], request: RunRequest, players: Players): Promise<void> {
  const play = playing(request, players);
  const isQuiet = ({ planned }: Task) => planned.kind === 'scenario' && planned.quiet;
  const loads = tasks.filter(({ planned }) => isLoad(planned));
  const alone = slots(1);
  await Promise.all(tasks.filter(isQuiet).map((task) => play(task, alone)));
  const working = slots(request.jobs);
  const others = tasks.filter((task) => !isLoad(task.planned) && !isQuiet(task));
  await Promise.all(others.map((task) => play(task, working)));
  await Promise.all(loads.map((task) => play(task, alone)));
}

/** Plays a task as soon as it has its slot. */
function playing(
  { selection, progress }: RunRequest,
  { meter: meters, fail, ...session }: Players,
): (task: Task, among: Slots) => Promise<void> {
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
    } catch (error) {
      if (!signal.aborted) fail(error);
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
