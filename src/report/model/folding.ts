import { factKey } from '../../facts/values.ts';
import type { Declaration } from '../../record/fact.ts';
import type { ExperimentRecord } from '../../record/schema.ts';
import { smallestStratifiedP } from '../../stats/stratified.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { alpha, isUnstable, judge, type Sample, sampleOf, testOdds } from './judge.ts';

/** Cells that have the same values of these factors, together. */
export function groupByFactors(cells: readonly CellGroup[], factors: readonly string[]): Map<string, CellGroup[]> {
  return Map.groupBy(cells, (cell) => JSON.stringify(factors.map((factor) => cell.factors[factor] ?? null)));
}

/**
 * Factors that make no difference: some cells differ in nothing but them, and all that do have the same shown facts by
 * the facts' own comparison. What too few repeats cannot tell apart is not the same.
 */
export function foldable(
  varying: readonly string[],
  cells: readonly CellGroup[],
  facts: readonly string[],
  experiment: ExperimentRecord,
  hz: number,
): string[] {
  const folded: string[] = [];
  if (facts.length === 0) return folded;
  for (const factor of varying) {
    const alone = groupByFactors(
      cells,
      varying.filter((other) => other !== factor),
    ).values();
    if (![...alone].some((group) => group.length > 1)) continue;
    const rest = varying.filter((other) => other !== factor && !folded.includes(other));
    const groups = [...groupByFactors(cells, rest).values()].filter((group) => group.length > 1);
    if (allSame(groups, [factor, ...folded], facts, experiment, hz)) folded.push(factor);
  }
  return folded;
}

/** Whether cells of each group, which differ in these factors alone, have the same facts. */
function allSame(
  groups: readonly (readonly CellGroup[])[],
  factors: readonly string[],
  facts: readonly string[],
  experiment: ExperimentRecord,
  hz: number,
): boolean {
  const racing = groups.filter((group) => group.some(({ race }) => race));
  if (racing.some((group) => group.some(({ race }) => !race))) return false;
  const compared = facts.map((name) => ({ name, declared: declaredFact(name, experiment) }));
  const areRaces = ({ declared }: (typeof compared)[number], group: readonly CellGroup[]): boolean =>
    declared?.compare === 'race' || (declared?.compare === 'exact' && racing.includes(group));
  const steady = compared.every((fact) =>
    groups.every((group) => areRaces(fact, group) || sameIn(group, fact.name, fact.declared, hz)),
  );
  if (!steady) return false;
  const samples = [...groupByFactors(groups.flat(), factors).keys()];
  const sampleOf = (cell: CellGroup): number =>
    samples.indexOf([...groupByFactors([cell], factors).keys()][0] as string);
  const raced = (some: readonly (readonly CellGroup[])[], compare: Declaration['compare']): boolean => {
    const names = compared.flatMap(({ name, declared }) => (declared?.compare === compare ? [name] : []));
    return some.length === 0 || names.length === 0 || racesAlike(some, names, sampleOf);
  };
  return raced(racing, 'exact') && raced(groups, 'race');
}

function sameIn(cells: readonly CellGroup[], name: string, declared: Declaration | undefined, hz: number): boolean {
  const values = cells.map(({ ran }) => ran.map((cell) => factOf(cell, name)));
  const observed = values.map((each) => each.filter((value) => value !== null));
  if (observed.every((known) => known.length === 0)) return true;
  if (!declared || observed.some((known, index) => known.length < (values[index]?.length ?? 0))) return false;
  const samples = cells.map((cell, index) => sampleOf(values[index] ?? [], hz, cell.race));
  if (samples.some((sample) => isUnstable(declared, sample))) return false;
  return indistinguishable(declared, samples);
}

/** Not told apart by a test that could have, all pairs being tested where only pairs can be. */
function indistinguishable(declared: Declaration, samples: readonly Sample[]): boolean {
  const sets = declared.compare === 'measurement' ? pairs(samples) : [samples];
  return sets.every((set) => {
    const judged = judge(declared, set);
    return judged.kind === 'same' || (judged.kind === 'tested' && judged.p * sets.length > alpha);
  });
}

const pairs = <T>(items: readonly T[]): [T, T][] =>
  items.flatMap((a, index) => items.slice(index + 1).map((b): [T, T] => [a, b]));

/**
 * Returns whether races that differ only in some factors have the same odds, by tests that could show a difference. Each group
 * has cells of all the samples that `sampleOf` distinguishes; the tests are corrected over all groups and facts.
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
