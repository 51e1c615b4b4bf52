import { partsOf } from '../../facts/roles.ts';
import type { Observed } from '../../facts/values.ts';
import type { ExperimentRecord } from '../../record/schema.ts';
import { formatRepeats } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { foldable, groupByFactors } from './folding.ts';

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
  const facts = shownFacts(experiment);
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
  return Object.keys(facts).filter((name) => {
    const { of, own } = partsOf(name);
    return of === 'cell' || own === 'timeWait.holder';
  });
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
      return formatRepeats(values, declaredFact(name, experiment), race, cells.length);
    }),
    repeats: records.length,
    race,
  };
}

/** The states of a connection that is being opened: what was asked is what comes after them. */
export const openingStates: ReadonlySet<string> = new Set(['SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED']);

/** How the connection was opened in every result, by fact that is a path: a table says it once. */
export type Openings = ReadonlyMap<string, readonly string[]>;

/** The openings of the experiment's facts that are sequences of words. A value is never its opening alone. */
export function openingsOf(
  experiment: ExperimentRecord,
  facts: readonly string[],
  cells: readonly CellGroup[],
): Openings {
  const records = cells.flatMap(({ ran }) => ran);
  const openings = facts
    .filter((fact) => declaredFact(fact, experiment)?.type === 'words')
    .map((fact) => [fact, commonOpening(records.map((record) => factOf(record, fact)))] as const);
  return new Map(openings.filter(([, words]) => words.length > 0));
}

/** The value as a table shows it that says its opening elsewhere. */
export function withoutOpening(value: Observed, fact: string, openings: Openings): Observed {
  const opening = openings.get(fact);
  const words = wordsOf(value);
  return opening && words.length > 0 ? words.slice(opening.length) : value;
}

const wordsOf = (value: Observed): string[] =>
  Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];

/** The opening states with which all these values begin, and none of them ends. */
export function commonOpening(values: readonly Observed[]): readonly string[] {
  const [first, ...others] = values.map(wordsOf).filter((words) => words.length > 0);
  if (first === undefined || others.length === 0) return [];
  const shortest = Math.min(first.length, ...others.map(({ length }) => length));
  const isOther = (word: string, index: number): boolean =>
    !openingStates.has(word) || others.some((words) => words[index] !== word);
  const parts = first.findIndex(isOther);
  return first.slice(0, Math.min(shortest - 1, parts === -1 ? shortest : parts));
}
