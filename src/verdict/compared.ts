import { type AnyLoadDefinition, type Compared, type ComparedFact, cellId } from '../experiment/definition.ts';
import type { CellRecord, LoadComparison } from '../record/schema.ts';
import { againstPairs, alpha, confidence, margin, method } from '../stats/against.ts';
import { neighbourPairs, type Timed } from '../stats/neighbours.ts';
import type { Readable } from './facts.ts';

type Factors = CellRecord['factors'];

/** A result with its facts. */
interface Outcome {
  readonly cell: Factors;
  readonly repeat: number;
  readonly facts: Readable;
  readonly span?: Span;
}

/** When a result was made, ms since 1970. */
export interface Span {
  readonly began: number;
  readonly ended: number;
}

/** When a result was made, as its record says. */
export function spanOf({ startedAt, seconds }: Pick<CellRecord, 'startedAt' | 'seconds'>): Span {
  const began = Date.parse(startedAt);
  return { began, ended: began + seconds * 1000 };
}

/** What is compared of the cells of a load experiment. */
const factOf = ({ load }: AnyLoadDefinition): ComparedFact => load.compares ?? 'rate.perSecond';

/** Each cell against its baseline, and the results that took no part. */
export interface ComparedCells {
  readonly against: readonly Compared<Factors>[];
  readonly leftOut: readonly { readonly cell: string; readonly repeat: number }[];
  readonly pairing: NonNullable<LoadComparison['method']>['pairing'];
}

/**
 * What is compared of each cell of a load experiment, against its baseline just before and just after it; of results without a
 * time, repeat by repeat. All that have one baseline are corrected together.
 */
export function compared(definition: AnyLoadDefinition, outcomes: readonly Outcome[]): ComparedCells {
  const all = outcomes.map((outcome) => ({
    ...outcome,
    way: cellId(definition.id, outcome.cell),
    value: comparedIn(definition, outcome.facts),
  }));
  const leftOut = all.flatMap(({ way, repeat, value }) => (value === undefined ? [{ cell: way, repeat }] : []));
  const cells = new Map(all.map(({ way, cell }) => [way, cell]));
  const timed = all.flatMap(({ span, way, value }): Timed<string>[] => (span ? [{ way, value, ...span }] : []));
  const isTimed = timed.length === all.length;
  const pairsOf = (way: string, base: string) =>
    isTimed ? neighbourPairs(timed, way, base) : repeatPairs(all, way, base);
  const families = Map.groupBy(cells, ([, cell]) => baselineId(definition, cell));
  const found = [...families].flatMap(([base = '', family]) => {
    const baseline = cells.get(base);
    if (!baseline) return [];
    const arms = family.flatMap(([way, cell]) => {
      const pairs = way === base ? [] : pairsOf(way, base);
      return pairs.length > 0 ? [{ name: cell, pairs }] : [];
    });
    return againstPairs(arms).map(({ name, ...each }) => ({ ...each, cell: name, baseline }));
  });
  const order = [...cells.keys()];
  const at = ({ cell }: Compared<Factors>) => order.indexOf(cellId(definition.id, cell));
  return {
    against: found.toSorted((a, b) => at(a) - at(b)),
    leftOut,
    pairing: isTimed ? 'neighbours' : 'repeat',
  };
}

function repeatPairs(
  all: readonly { readonly way: string; readonly repeat: number; readonly value: number | undefined }[],
  way: string,
  base: string,
): (readonly [number, number])[] {
  const others = new Map(all.flatMap((each) => (each.way === base ? [[each.repeat, each.value] as const] : [])));
  return all.flatMap(({ way: own, repeat, value }) => {
    const other = others.get(repeat);
    return own === way && value !== undefined && other !== undefined ? [[other, value] as const] : [];
  });
}

function baselineId({ id, load: { baseline } }: AnyLoadDefinition, cell: Factors): string | undefined {
  const own: Factors | undefined = typeof baseline === 'function' ? baseline(cell) : baseline;
  return own && cellId(id, { ...cell, ...own });
}

/** undefined where the result is not to be compared, or the fact is not known. */
function comparedIn(definition: AnyLoadDefinition, facts: Readable): number | undefined {
  try {
    // biome-ignore lint/suspicious/noExplicitAny: its facts are those that it declares
    const value = (definition.load.counts?.(facts as any) ?? true) ? facts[factOf(definition)] : undefined;
    return typeof value === 'number' ? value : undefined;
  } catch {
    // a fact without a value, which whoever handed it out knows of
    return undefined;
  }
}

/** The comparison as the record of a run has it; undefined where nothing is compared. `ended`: why there are no more repeats. */
export function comparisonOf(
  definition: AnyLoadDefinition,
  outcomes: readonly Outcome[],
  ended?: LoadComparison['ended'],
): LoadComparison | undefined {
  if (definition.load.baseline === undefined || outcomes.length === 0) return undefined;
  const { against: all, leftOut, pairing } = compared(definition, outcomes);
  return {
    fact: factOf(definition),
    method: { pairing, ...method },
    margin,
    alpha,
    confidence,
    ...(ended && { ended }),
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
