import { smallestStratifiedP } from '../stats/stratified.ts';
import { factKey } from './format.ts';
import { type CellGroup, factOf } from './gather.ts';
import { alpha } from './judge.ts';
import { testOdds } from './races.ts';

/**
 * Whether races that differ in nothing but some factors have the same odds, as far as tests that could show a difference
 * tell: in each group, cells of all the samples that `sampleOf` tells apart; all groups and facts together.
 */
export function racesAlike(
  groups: readonly (readonly CellGroup[])[],
  facts: readonly string[],
  sampleOf: (cell: CellGroup) => number,
): boolean {
  const strata = groups.map((group) => {
    const results = group.flatMap((cell) => cell.ran.map((record) => ({ sample: sampleOf(cell), record })));
    results.sort((a, b) => a.sample - b.sample);
    return { samples: results.map(({ sample }) => sample), records: results.map(({ record }) => record) };
  });
  const most = Math.max(0, ...strata.flatMap(({ samples }) => samples));
  const totals = strata.map(({ samples }) =>
    Array.from({ length: most + 1 }, (_, sample) => samples.filter((each) => each === sample).length),
  );
  if (smallestStratifiedP(totals) > alpha) return false;
  const asked = facts.map((fact) => {
    const numbers = new Map<string, number>();
    const numberOf = (key: string): number => {
      if (!numbers.has(key)) numbers.set(key, numbers.size);
      return numbers.get(key) ?? 0;
    };
    const question = strata.map(({ records }) => records.map((record) => numberOf(factKey(factOf(record, fact)))));
    return { question };
  });
  return testOdds(strata, asked).every(({ adjusted }) => adjusted > alpha);
}
