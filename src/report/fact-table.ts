import type { Declaration } from '../facts/kinds.ts';
import type { ExperimentRecord } from '../record/schema.ts';
import { formatRepeats } from './format.ts';
import { type CellGroup, declaredFact, factOf } from './gather.ts';
import { alpha, isUnstable, judge, type Sample, sampleOf } from './judge.ts';

type Value = string | number | boolean;

/** An experiment's cells by the facts that it shows. */
export interface FactTable {
  /** Factors that are columns: they vary, and make a difference to a shown fact. */
  readonly factors: readonly string[];
  readonly facts: readonly string[];
  readonly rows: readonly FactRow[];
  /** Factors that made no difference to any shown fact, and so are no columns. */
  readonly folded: readonly { readonly factor: string; readonly values: readonly Value[] }[];
  /** Factors with one value in all cells. */
  readonly constant: readonly { readonly factor: string; readonly value: Value }[];
}

export interface FactRow {
  readonly factors: readonly Value[];
  readonly cells: readonly CellGroup[];
  /** Texts, one for each fact. */
  readonly values: readonly string[];
  /** How often these cells ran. */
  readonly repeats: number;
  readonly race: boolean;
}

/** The table of an experiment's cells that ran. */
export function factTable(experiment: ExperimentRecord, all: readonly CellGroup[], hz: number): FactTable {
  const cells = all.filter(({ ran }) => ran.length > 0);
  const facts = shownFacts(experiment);
  const valuesOf = (factor: string): Value[] => [...new Set(cells.flatMap(({ factors }) => factors[factor] ?? []))];
  const names = Object.keys(experiment.factors);
  const constant = names.filter((factor) => valuesOf(factor).length === 1);
  const folded = foldable(
    names.filter((factor) => valuesOf(factor).length > 1),
    cells,
    facts,
    experiment,
    hz,
  );
  const factors = names.filter((factor) => valuesOf(factor).length > 1 && !folded.includes(factor));
  const rows = [...groupByFactors(cells, factors).values()].map((group) => rowOf(group, factors, facts, experiment));
  return {
    factors,
    facts,
    rows,
    folded: folded.map((factor) => ({ factor, values: valuesOf(factor) })),
    constant: constant.map((factor) => ({ factor, value: valuesOf(factor)[0] as Value })),
  };
}

/** The facts an experiment declares to show; where it declares none, its own and TIME-WAIT's holder. */
export function shownFacts({ shows, facts }: ExperimentRecord): string[] {
  if (shows.length > 0) return shows;
  return Object.keys(facts).filter(
    (name) => !/(^|\.)(client|server|timeWait)\./.test(name) || /timeWait\.holder$/.test(name),
  );
}

function groupByFactors(cells: readonly CellGroup[], factors: readonly string[]): Map<string, CellGroup[]> {
  return Map.groupBy(cells, (cell) => JSON.stringify(factors.map((factor) => cell.factors[factor] ?? null)));
}

function rowOf(
  cells: readonly CellGroup[],
  factors: readonly string[],
  facts: readonly string[],
  experiment: ExperimentRecord,
): FactRow {
  const records = cells.flatMap(({ ran }) => ran);
  const race = cells.some((cell) => cell.race);
  return {
    factors: factors.map((factor) => cells[0]?.factors[factor] ?? '–'),
    cells,
    values: facts.map((name) =>
      formatRepeats(
        records.map((cell) => factOf(cell, name)),
        declaredFact(name, experiment),
        race,
      ),
    ),
    repeats: records.length,
    race,
  };
}

/**
 * Factors that make no difference: some cells differ in nothing but them, and all that do have the same shown facts by
 * the facts' own comparison. What too few repeats cannot tell apart is not the same.
 */
function foldable(
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
    const same = (name: string): boolean =>
      groups.every((group) => sameIn(group, name, declaredFact(name, experiment), hz));
    if (facts.every(same)) folded.push(factor);
  }
  return folded;
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
