import type { PlannedCell } from '../plan/cells.ts';
import { shownIn } from '../report/compare/known.ts';

/** Cells that a slow machine leaves out, and why. */
export interface LeftOut {
  readonly cells: number;
  readonly why: string;
}

/** What runs where the user does not say: cells that tell kernels apart. */
export interface Profile {
  readonly cells: readonly PlannedCell[];
  readonly leftOut: readonly LeftOut[];
}

/** To send more than so many bytes is a question of speed, and takes minutes. */
const mostBytes = 1_000_000;

const isLoad = (cell: PlannedCell): boolean => cell.kind === 'load';
const isRace = (cell: PlannedCell): boolean => cell.kind === 'scenario' && cell.race;
const isLarge = ({ factors: { bytes } }: PlannedCell): boolean => typeof bytes === 'number' && bytes > mostBytes;

const reasons: readonly (readonly [is: (cell: PlannedCell) => boolean, why: string])[] = [
  [isLoad, 'loads: rates under emulation say nothing of a kernel'],
  [isRace, 'races: their odds move with the speed of a machine'],
  [isLarge, 'transfers of megabytes: they ask how fast the machine is'],
];

/**
 * Of the cells of `run --quick` those that are the same on any machine, without loads, races and large transfers; of these the ones in
 * which known changes of the kernel show, and one of each other experiment. A cell takes some 3 s of CPU under emulation: so few that six
 * kernels take about 20 minutes on two processors.
 */
export function slowProfile(quick: readonly PlannedCell[]): Profile {
  const why = (cell: PlannedCell): string | undefined => reasons.find(([is]) => is(cell))?.[1];
  const alike = Map.groupBy(
    quick.filter((cell) => why(cell) === undefined),
    ({ experiment }) => experiment,
  );
  const chosen = new Set([...alike.values()].flatMap((cells) => chosenOf(cells)));
  const cells = quick.filter((cell) => chosen.has(cell));
  const left = Map.groupBy(
    quick.filter((cell) => !chosen.has(cell)),
    (cell) =>
      why(cell) ?? 'other cells of the same experiments, in which no known change shows: `-- --quick` runs them, too',
  );
  const order = [...reasons.map(([, text]) => text), ...left.keys()];
  return {
    cells,
    leftOut: [...new Set(order)].flatMap((text) => {
      const count = left.get(text)?.length ?? 0;
      return count > 0 ? [{ cells: count, why: text }] : [];
    }),
  };
}

/** The first cell of an experiment for each known change that shows in certain cells of it. */
const telling = (cells: readonly PlannedCell[]): PlannedCell[] =>
  shownIn(cells[0]?.experiment ?? '').flatMap(
    (factors) =>
      cells.find((cell) =>
        Object.entries(factors).every(([name, values]) => values.some((value) => value === cell.factors[name])),
      ) ?? [],
  );

/** Those that tell kernels apart, else the one that has the fewest factor values in common with the first. */
function chosenOf(cells: readonly PlannedCell[]): PlannedCell[] {
  const known = telling(cells);
  if (known.length > 0) return known;
  const usual = Object.entries(cells[0]?.factors ?? {});
  const inCommon = ({ factors }: PlannedCell): number =>
    usual.filter(([name, value]) => factors[name] === value).length;
  return cells.toSorted((a, b) => inCommon(a) - inCommon(b)).slice(0, 1);
}
