import type { BehaviourDifference, Comparison, Flip } from './comparison.ts';
import { valuesOf } from './told.ts';

/**
 * Cells in which something differs that no known change of the kernel explains: they run once more before that is called a difference.
 * Odds of races are not among them: a race is repeated in any case.
 */
export function unexplainedCells({ differences, fates }: Pick<Comparison, 'differences' | 'fates'>): string[] {
  const unexplained = [...differences, ...fates].filter(({ known }) => known === undefined);
  return [...new Set(unexplained.map(({ cell }) => cell))];
}

type Placed = Pick<Flip, 'experiment' | 'cell' | 'fact'>;
const keyOf = ({ experiment, cell, fact = 'cell' }: Placed): string => JSON.stringify([experiment, cell, fact]);

/** What a run's cells did otherwise when they ran again, from the comparison of the two. */
function flipsOf(run: string, { differences, fates }: Comparison): Flip[] {
  const of = (difference: BehaviourDifference): Flip => {
    const { experiment, cell, fact } = difference;
    const [first = '', again = ''] = valuesOf(difference);
    return { experiment, cell, fact, run, first, again };
  };
  return [
    ...differences.map(of),
    ...fates.map(({ experiment, cell, fates: [first = '', again = ''] }) => ({ experiment, cell, run, first, again })),
  ];
}

/**
 * A comparison without what did not come out the same when `cells` ran again: that is no difference, but a flip of a run. `pairs`: the
 * comparison of each run with its second one, undefined where it has none.
 */
export function withoutFlips(
  comparison: Comparison,
  cells: readonly string[],
  pairs: readonly (Comparison | undefined)[],
): Comparison {
  const all = comparison.runs.flatMap(({ label }, index) => {
    const pair = pairs[index];
    return pair ? flipsOf(label, pair) : [];
  });
  const flipped = new Set(all.map(keyOf));
  // a cell that did not run is none of its facts
  const whole = new Set(all.filter(({ fact }) => fact === undefined).map((each) => keyOf(each)));
  const stands = (each: Placed): boolean =>
    !flipped.has(keyOf(each)) && !whole.has(keyOf({ experiment: each.experiment, cell: each.cell }));
  const differences = comparison.differences.filter(stands);
  const fates = comparison.fates.filter(stands);
  const gone = [
    ...comparison.differences.filter((each) => !differences.includes(each)),
    ...comparison.fates.filter((each) => !fates.includes(each)),
  ];
  const told = new Set(gone.map(keyOf));
  return {
    ...comparison,
    behaviour: comparison.behaviour - gone.length,
    ...(comparison.unexplained !== undefined && {
      unexplained: comparison.unexplained - gone.filter(({ known }) => known === undefined).length,
    }),
    differences,
    fates,
    again: { cells, flips: all.filter((each) => told.has(keyOf(each))) },
  };
}
