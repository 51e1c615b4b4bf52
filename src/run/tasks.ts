import { isLoad, type LoadCell, type PlannedCell } from '../plan/cells.ts';

/** A cell to be played, with the number of the repeat, from 1. */
export interface Task {
  readonly planned: PlannedCell;
  readonly repeat: number;
}

const isQuiet = (cell: PlannedCell): boolean => cell.kind === 'scenario' && cell.quiet;

/**
 * Returns every repeat of these cells, in order. The repeats of quiet cells and of loads take turns, so that a burst of other work
 * on the machine does not hit all repeats of one cell. Loads take turns within their experiment, those that have one baseline
 * among each other, and each round begins with another cell, so that no cell always runs first, or always behind the same one.
 * The repeats of a baseline come last: {@link playLoads} plays them between the others.
 */
export function tasksOf(cells: readonly PlannedCell[]): Task[] {
  const quiet = inTurns(cells.filter(isQuiet));
  const loads = [...Map.groupBy(cells.filter(isLoad), ({ experiment }) => experiment).values()];
  const turns = loads.flatMap(loadTurns);
  return cells.flatMap((planned) =>
    Array.from({ length: planned.repeats }, (_, index) => {
      if (isLoad(planned)) return turns.shift() as Task;
      return planned.quiet ? (quiet.shift() as Task) : { planned, repeat: index + 1 };
    }),
  );
}

function loadTurns(cells: readonly LoadCell[]): Task[] {
  const baselines = new Set(cells.map(({ baseline }) => baseline));
  const others = cells.filter(({ id }) => !baselines.has(id));
  const families = [...Map.groupBy(others, ({ baseline }) => baseline).values()];
  return [
    ...families.flatMap((own) => inTurns(own, (repeat) => repeat - 1)),
    ...cells
      .filter(({ id }) => baselines.has(id))
      .flatMap((planned) => Array.from({ length: planned.repeats }, (_, index) => ({ planned, repeat: index + 1 }))),
  ];
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
