import type { FindingRecord } from '../../record/schema.ts';
import type { CellGroup } from '../gather.ts';
import { type Which, whichOf } from '../which-cells.ts';

/** The results that a finding rests on. */
export interface Rests {
  readonly results: number;
  /** Of how many results that ran. */
  readonly of: number;
  readonly parts: readonly {
    readonly where: Which;
    /** Which repeats of these cells; absent: all. */
    readonly repeats?: readonly number[];
  }[];
}

/** There is room for so many sets of factor values where a list is asked for. */
const mostSets = 6;

/** Which results a finding rests on: cells of which all repeats count together, then those of which the same ones do. */
export function restsOf({ cells: rests }: FindingRecord, cells: readonly CellGroup[]): Rests {
  const ran = cells.filter((cell) => cell.ran.length > 0);
  const own = rests.flatMap(({ id, repeats }) => {
    const cell = ran.find((each) => each.id === id);
    if (!cell) return [];
    const isWhole = cell.ran.every(({ repeat }) => repeats.includes(repeat));
    return [{ cell, results: repeats.length, ...(!isWhole && { repeats }) }];
  });
  const parts = [...Map.groupBy(own, ({ repeats }) => JSON.stringify(repeats ?? 'all')).values()];
  return {
    results: own.reduce((sum, { results }) => sum + results, 0),
    of: ran.reduce((sum, each) => sum + each.ran.length, 0),
    parts: parts
      .toSorted((a, b) => Number(a[0]?.repeats !== undefined) - Number(b[0]?.repeats !== undefined))
      .map((same) => {
        const repeats = same[0]?.repeats;
        const where = whichOf(
          same.map(({ cell }) => cell),
          ran,
          mostSets,
        );
        return { where, ...(repeats && { repeats }) };
      }),
  };
}
