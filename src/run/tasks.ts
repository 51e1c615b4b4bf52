import { isLoad, type PlannedCell } from '../plan/cells.ts';

/** A cell to be played, for the how-manieth time. */
export interface Task {
  readonly planned: PlannedCell;
  readonly repeat: number;
}

const isQuiet = (cell: PlannedCell): boolean => cell.kind === 'scenario' && cell.quiet;

/**
 * Every repeat of these cells, in their order. Quiet ones, whose repeats tell how a race goes, and loads take turns: a burst of
 * load on the machine must not hit all of one. Loads do so within their experiment, and each time another begins: what comes
 * first, or behind one that leaves the machine at work, is not always the same.
 */
export function tasksOf(cells: readonly PlannedCell[]): Task[] {
  const quiet = inTurns(cells.filter(isQuiet));
  const loads = [...Map.groupBy(cells.filter(isLoad), ({ experiment }) => experiment).values()];
  const turns = loads.flatMap((own) => inTurns(own, (repeat) => repeat - 1));
  return cells.flatMap((planned) =>
    Array.from({ length: planned.repeats }, (_, index) => {
      if (isLoad(planned)) return turns.shift() as Task;
      return planned.quiet ? (quiet.shift() as Task) : { planned, repeat: index + 1 };
    }),
  );
}

/** The first repeat of each, then the second of each; each time the first `skipped` of them come last. */
function inTurns(cells: readonly PlannedCell[], skipped: (repeat: number) => number = () => 0): Task[] {
  const most = Math.max(0, ...cells.map(({ repeats }) => repeats));
  return Array.from({ length: most }, (_, index) => index + 1).flatMap((repeat) => {
    const those = cells.filter(({ repeats }) => repeats >= repeat);
    const first = skipped(repeat) % those.length;
    return [...those.slice(first), ...those.slice(0, first)].map((planned) => ({ planned, repeat }));
  });
}
