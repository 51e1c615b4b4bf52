import { cellKey } from '../../record/layout.ts';
import type { CellRecord, LoadComparison } from '../../record/schema.ts';
import { neighbourPairs } from '../../stats/neighbours.ts';
import { spanOf } from '../../verdict/compared.ts';
import { factOf } from '../gather.ts';

/** What a run compared of its loads; one that compared nothing is compared by the rate. */
export const comparedFact = (load: Pick<LoadComparison, 'fact'> | undefined): string => load?.fact ?? 'rate.perSecond';

/** A load's results that take no part in its comparison, by their keys. */
export const leftOutOf = (load: Pick<LoadComparison, 'out'> | undefined): ReadonlySet<string> =>
  new Set(load?.out?.map(({ cell, repeat }) => cellKey(cell, repeat)));

/**
 * A fact of one way relative to another's, pair by pair, as the run paired its results; `ways`: the records of all. Without `fact`,
 * what is compared.
 */
export function ratiosOf(
  own: readonly CellRecord[],
  baseline: readonly CellRecord[],
  ways: readonly (readonly CellRecord[])[],
  load: LoadComparison | undefined,
  fact = comparedFact(load),
): number[] {
  const out = leftOutOf(load);
  if (load?.method?.pairing !== 'neighbours') {
    const of = new Map(baseline.map((record) => [record.repeat, factOf(record, fact)]));
    return own.flatMap((record) => {
      const [value, base] = [factOf(record, fact), of.get(record.repeat)];
      return typeof value === 'number' && typeof base === 'number' && base > 0 ? [value / base] : [];
    });
  }
  const valueIn = (record: CellRecord): number | undefined => {
    const value = factOf(record, fact);
    return typeof value === 'number' && !out.has(cellKey(record.id, record.repeat)) ? value : undefined;
  };
  const timed = ways.flatMap((way) => way.map((record) => ({ way, value: valueIn(record), ...spanOf(record) })));
  return neighbourPairs(timed, own, baseline).map(([base, value]) => value / base);
}
