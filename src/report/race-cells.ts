import type { Stratum } from '../stats/stratified.ts';
import type { factOf } from './gather.ts';
import { alpha } from './judge.ts';
import type { MatchedCell } from './match.ts';
import { oddsP, type RacingFact } from './races.ts';

/** The results of a cell: each run's after those of the runs before it. */
export interface Results extends Stratum {
  readonly cell: MatchedCell;
  readonly records: readonly Parameters<typeof factOf>[0][];
}
/** How many different outcomes some results of a fact have. */
export const kinds = (outcomes: readonly number[]): number => new Set(outcomes.filter((each) => each >= 0)).size;

/** A p-value above which nothing at all points to a difference. */
const noHint = 0.5;

/**
 * The cells in which the odds differ: of those that come to outcomes which vary within a cell, the ones with the factor value that alone shows it,
 * where nothing in the others hints at it; all of them where no value does.
 */
export function cellsOfOdds({ question }: RacingFact, strata: readonly Results[]): number[] {
  const varying = new Set(question.filter((outcomes) => kinds(outcomes) > 1).flat());
  const all = strata.flatMap((_, index) =>
    question[index]?.some((outcome) => outcome >= 0 && varying.has(outcome)) ? [index] : [],
  );
  const parts = partsOf(all, strata).filter((part) => part.length < all.length);
  const shown = parts.flatMap((part) => {
    const others = all.filter((cell) => !part.includes(cell));
    const [p, rest] = [part, others].map((cells) => oddsP(strata, question, cells)) as [number, number];
    return p * parts.length <= alpha && rest > noHint ? [{ part, p }] : [];
  });
  return shown.sort((a, b) => a.p - b.p)[0]?.part ?? all;
}

/** The cells with each single factor value. */
function partsOf(cells: readonly number[], strata: readonly Results[]): number[][] {
  const pairs = cells.flatMap((cell) =>
    Object.entries(strata[cell]?.cell.factors ?? {}).map(([name, value]) => ({
      key: JSON.stringify([name, value]),
      cell,
    })),
  );
  return [...Map.groupBy(pairs, ({ key }) => key).values()].map((same) => same.map(({ cell }) => cell));
}
