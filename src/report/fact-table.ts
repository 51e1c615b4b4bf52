import type { ExperimentRecord } from '../record/schema.ts';
import { foldable, groupByFactors } from './folding.ts';
import { formatRepeats } from './format.ts';
import { type CellGroup, declaredFact, factOf } from './gather.ts';
import { type Openings, openingsOf, withoutOpening } from './openings.ts';

type Value = string | number | boolean;

/** An experiment's cells by the facts that it shows. */
export interface FactTable {
  /** Factors that are columns: they vary, and make a difference to a shown fact. */
  readonly factors: readonly string[];
  readonly facts: readonly string[];
  readonly rows: readonly FactRow[];
  /** What the texts leave out: every result begins with it. */
  readonly openings: Openings;
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
  const facts = withOptions(shownFacts(experiment), cells);
  const openings = openingsOf(experiment, facts, cells);
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
  const rows = [...groupByFactors(cells, factors).values()].map((group) =>
    rowOf(group, factors, facts, experiment, openings),
  );
  return {
    factors,
    facts,
    rows,
    openings,
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

/** The facts, with the options that scenarios set where a cell set one. */
function withOptions(facts: readonly string[], cells: readonly CellGroup[]): string[] {
  const names = new Set(cells.flatMap(({ ran }) => ran.flatMap((cell) => Object.keys(cell.facts))));
  const options = [...names].filter((name) => /(^|\.)(client|server)\.options$/.test(name) && !facts.includes(name));
  return [...facts, ...options];
}

function rowOf(
  cells: readonly CellGroup[],
  factors: readonly string[],
  facts: readonly string[],
  experiment: ExperimentRecord,
  openings: Openings,
): FactRow {
  const records = cells.flatMap(({ ran }) => ran);
  const race = cells.some((cell) => cell.race);
  return {
    factors: factors.map((factor) => cells[0]?.factors[factor] ?? '–'),
    cells,
    values: facts.map((name) => {
      const values = records.map((cell) => withoutOpening(factOf(cell, name), name, openings));
      return formatRepeats(values, declaredFact(name, experiment), race);
    }),
    repeats: records.length,
    race,
  };
}
