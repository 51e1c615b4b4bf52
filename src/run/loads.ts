import { isLoad, type LoadCell } from '../plan/cells.ts';
import type { CellRecord, LoadComparison } from '../record/schema.ts';
import type { Task } from './tasks.ts';

/** The load of a repeat. */
type LoadTask = Task & { readonly planned: LoadCell };

/** Why an experiment's loads were repeated no more. */
export type Ended = NonNullable<LoadComparison['ended']>;

/** What {@link playLoads} plays with. */
export interface LoadPlayers {
  /** Plays a repeat; its record, undefined where the run is being interrupted. */
  readonly play: (task: Task) => Promise<CellRecord | undefined>;
  /** A repeat is not needed. */
  readonly drop: (task: Task) => void;
  /** Whether the ratio of this cell is known well enough, by the results so far of all cells of its experiment. */
  readonly isNarrow: (cell: LoadCell, results: readonly CellRecord[]) => boolean;
  /** What earlier sessions of the run have of these cells. */
  readonly before: readonly CellRecord[];
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** An interval of fewer pairs says little of its own width. */
export const fewestPairs = 8;

/**
 * Plays loads, one at a time: experiment by experiment, and a baseline before and after each repeat of a cell that is compared with
 * it; one baseline stands between two of them. Where the experiment says when it has repeats enough, the others are dropped; each cell
 * has the fewest pairs, whatever time that takes.
 * Returns by experiment why there are no more.
 */
export async function playLoads(tasks: readonly Task[], players: LoadPlayers): Promise<ReadonlyMap<string, Ended>> {
  const loads = tasks.filter((task): task is LoadTask => isLoad(task.planned));
  const ended = new Map<string, Ended>();
  for (const [experiment, own] of Map.groupBy(loads, ({ planned }) => planned.experiment)) {
    const why = await playExperiment(experiment, own, players);
    if (why && !players.signal.aborted) ended.set(experiment, why);
  }
  return ended;
}

async function playExperiment(
  experiment: string,
  tasks: readonly LoadTask[],
  { play, drop, isNarrow, before, now, signal }: LoadPlayers,
): Promise<Ended | undefined> {
  const results = before.filter((record) => record.experiment === experiment);
  const baselines = new Set(tasks.map(({ planned }) => planned.baseline));
  const pools = Map.groupBy(
    tasks.filter(({ planned }) => baselines.has(planned.id)),
    ({ planned }) => planned.id,
  );
  const began = now();
  const narrow = new Set<string>();
  let last: string | undefined;
  let isLate = false;

  async function playOne(task: LoadTask): Promise<void> {
    last = task.planned.id;
    const record = await play(task);
    if (record) results.push(record);
  }

  /** Plays the baseline's next repeat; not where it was what was played last. */
  async function playBaseline(id: string | undefined): Promise<void> {
    if (id === undefined || last === id || signal.aborted) return;
    const next = pools.get(id)?.shift();
    if (next) await playOne(next);
  }

  function isNeeded(cell: LoadCell): boolean {
    const { id, until } = cell;
    if (!until) return true;
    isLate ||= now() - began > until.seconds * 1000;
    const done = results.filter((record) => record.id === id && record.status === 'ran').length;
    // of many cells each has its pairs, however long that takes
    if (done < fewestPairs) return true;
    if (isLate) return false;
    if (!narrow.has(id) && isNarrow(cell, results)) narrow.add(id);
    return !narrow.has(id);
  }

  const ways = tasks.filter(({ planned }) => !baselines.has(planned.id));
  for (const task of ways) {
    if (signal.aborted) break;
    if (!isNeeded(task.planned)) drop(task);
    else {
      await playBaseline(task.planned.baseline);
      await playOne(task);
      await playBaseline(task.planned.baseline);
    }
  }
  for (const pool of pools.values()) for (const task of pool) drop(task);
  const until = ways.find(({ planned }) => planned.until)?.planned.until;
  return until && { ...endedBy(ways, narrow, isLate), ...until };
}

function endedBy(ways: readonly LoadTask[], narrow: ReadonlySet<string>, isLate: boolean): Pick<Ended, 'by'> {
  if (ways.every(({ planned }) => narrow.has(planned.id))) return { by: 'narrow' };
  return { by: isLate ? 'time' : 'repeats' };
}
