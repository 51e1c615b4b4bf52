import { type AnyLoadDefinition, type Compared, cellId } from '../experiment/definition.ts';
import type { CellRecord, LoadComparison } from '../record/schema.ts';
import { against, alpha, confidence, margin, method } from '../stats/against.ts';
import type { Readable } from './facts.ts';

type Factors = CellRecord['factors'];

/** A result with its facts. */
interface Outcome {
  readonly cell: Factors;
  readonly repeat: number;
  readonly facts: Readable;
}

/** What is compared of cells of loads. */
const fact = 'rate.perSecond';

/** Each cell against its baseline, and the results that took no part. */
export interface ComparedCells {
  readonly against: readonly Compared<Factors>[];
  readonly leftOut: readonly { readonly cell: string; readonly repeat: number }[];
}

/**
 * The rate of each cell of a load experiment against that of its baseline, repeat by repeat. All that have one baseline are
 * corrected together.
 */
export function compared(definition: AnyLoadDefinition, outcomes: readonly Outcome[]): ComparedCells {
  const ways = new Map<string, { readonly cell: Factors; readonly rates: Map<number, number> }>();
  const leftOut: { cell: string; repeat: number }[] = [];
  for (const { cell, repeat, facts } of outcomes) {
    const id = cellId(definition.id, cell);
    const way = ways.get(id) ?? { cell, rates: new Map<number, number>() };
    const rate = rateOf(definition, facts);
    if (rate === undefined) leftOut.push({ cell: id, repeat });
    else ways.set(id, { ...way, rates: way.rates.set(repeat, rate) });
  }
  const families = Map.groupBy(ways.values(), ({ cell }) => baselineId(definition, cell));
  const found = [...families].flatMap(([id, family]) => {
    const base = ways.get(id ?? '');
    if (!base) return [];
    const arms = family
      .filter((way) => way !== base && [...way.rates.keys()].some((repeat) => base.rates.has(repeat)))
      .map(({ cell, rates }) => ({ name: cell, values: rates }));
    return against(base.rates, arms).map(({ name, ...each }) => ({ ...each, cell: name, baseline: base.cell }));
  });
  const order = [...ways.keys()];
  const at = ({ cell }: Compared<Factors>) => order.indexOf(cellId(definition.id, cell));
  return { against: found.toSorted((a, b) => at(a) - at(b)), leftOut };
}

function baselineId({ id, load: { baseline } }: AnyLoadDefinition, cell: Factors): string | undefined {
  const own: Factors | undefined = typeof baseline === 'function' ? baseline(cell) : baseline;
  return own && cellId(id, { ...cell, ...own });
}

/** undefined where the result is not to be compared, or its rate is not known. */
function rateOf({ load }: AnyLoadDefinition, facts: Readable): number | undefined {
  try {
    // biome-ignore lint/suspicious/noExplicitAny: its facts are those that it declares
    const rate = (load.counts?.(facts as any) ?? true) ? facts[fact] : undefined;
    return typeof rate === 'number' ? rate : undefined;
  } catch {
    // a fact without a value, which whoever handed it out knows of
    return undefined;
  }
}

/** The comparison as the record of a run has it; undefined where nothing is compared. */
export function comparisonOf(definition: AnyLoadDefinition, outcomes: readonly Outcome[]): LoadComparison | undefined {
  if (definition.load.baseline === undefined || outcomes.length === 0) return undefined;
  const { against: all, leftOut } = compared(definition, outcomes);
  return {
    fact,
    method,
    margin,
    alpha,
    confidence,
    leftOut: leftOut.length,
    ...(leftOut.length > 0 && { out: [...leftOut] }),
    against: all.map(({ cell, baseline, low, high, ...each }) => ({
      cell: cellId(definition.id, cell),
      baseline: cellId(definition.id, baseline),
      ...each,
      ...(Number.isFinite(high) && { low, high }),
    })),
  };
}
