import { ofEach, whoseIs, withoutEnd } from '../../facts/roles.ts';
import { formatCount, formatFact } from '../../facts/values.ts';
import type { CellRecord, ExperimentRecord } from '../../record/schema.ts';
import { distribution, formatDistribution, formatTogether, plural } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { isNamed, type Place, placeOf } from '../which-cells.ts';
import { type FactTable, factTable, type Openings, withoutOpening } from './fact-table.ts';
import { groupByFactors } from './folding.ts';
import { type Outcome, type Outcomes, outcomesOf } from './outcomes.ts';

type Value = string | number | boolean;

/** A table that a reader takes in at once. */
const mostRows = 12;

/** What an experiment's cells came to: by cell where these are few, by outcome where they are many or a race. */
export interface FactsView {
  /** The facts that the experiment shows, in order. */
  readonly facts: readonly string[];
  /** How many cells ran. */
  readonly cells: number;
  /** Where there are more cells than a table of them could show at once. */
  readonly outcomes?: OutcomesView;
  /** What results came to, however many cells there are: a grid has a mark for each. */
  readonly classes: readonly OutcomeClass[];
  readonly columns: readonly FactColumn[];
  readonly table: CellTable;
  /** Factors that made no difference to any shown fact, and so are no columns. */
  readonly folded: FactTable['folded'];
  /** Factors with one value in all cells. */
  readonly constant: FactTable['constant'];
}

/** How every result begins, which a table of these facts leaves out. */
export interface Opening {
  readonly fact: string;
  readonly words: readonly string[];
}

/** The cells, those together that differ in nothing shown. */
export interface CellTable {
  readonly factors: readonly string[];
  /** With outcomes, those alone that do not tell outcomes apart. */
  readonly facts: readonly (Head & { readonly isNumber: boolean })[];
  /** Some row stands for more results than cells. */
  readonly hasResults: boolean;
  readonly openings: readonly Opening[];
  readonly rows: readonly {
    readonly cells: readonly string[];
    readonly factors: readonly Value[];
    /** `A`, or `C 5/10, B 5/10`; absent without outcomes. */
    readonly outcome?: string;
    readonly values: readonly string[];
    /** How often they ran: `5`, `2 cells`, `2 cells × 5`, `9 in 2 cells`; of a race it is said that it is one. */
    readonly results: string;
  }[];
}

/** What a column is called: the fact's name, or its label where it has one. */
export interface Head {
  readonly name: string;
  readonly label?: string;
}

/** A column of a table: a fact, or the same fact of both ends. */
export interface FactColumn extends Head {
  /** One; or the client's and the server's, or those of each role. */
  readonly facts: readonly string[];
  /** Whose each of several is. */
  readonly whose: readonly string[];
}

/** What a column says: one text; or one for each end, or one for both where they say the same. */
export type Said = readonly { readonly whose?: string; readonly text: string }[];

/** The outcomes, each with where it was seen. */
export interface OutcomesView {
  /** The facts that tell outcomes apart. */
  readonly facts: readonly string[];
  readonly columns: readonly FactColumn[];
  readonly openings: readonly Opening[];
  readonly rows: readonly {
    readonly letter: string;
    readonly places: readonly Place[];
    readonly values: readonly Said[];
  }[];
  /** How many further outcomes only the table of all cells has. */
  readonly left: number;
  readonly grid?: Grid;
}

/** Results with equal facts, as a legend has them. */
export interface OutcomeClass {
  readonly letter: string;
  readonly results: number;
  readonly values: readonly Said[];
}

/** The outcomes' letters by the factor with the most values, down, and by the others, across. */
export interface Grid {
  readonly down: string;
  readonly across: readonly string[];
  /** A column's values of the factors across. */
  readonly columns: readonly (readonly Value[])[];
  /** Values that come to the same everywhere are one row; empty where no such cell ran. */
  readonly rows: readonly { readonly values: readonly Value[]; readonly letters: readonly string[] }[];
}

/** An experiment's facts, and its outcomes where it has so many cells that these are shown. */
export function factsOf(
  experiment: ExperimentRecord,
  cells: readonly CellGroup[],
  hz: number,
): { readonly view: FactsView; readonly outcomes: Outcomes; readonly isSmall: boolean } {
  const table = factTable(experiment, cells, hz);
  const isSmall = table.rows.length <= mostRows && !(table.facts.length > 1 && table.rows.some(({ race }) => race));
  const outcomes = outcomesOf(experiment, table.facts, cells, hz, mostRows);
  const columns = columnsOf(outcomes.facts, experiment);
  const told = isSmall ? undefined : outcomes;
  const view: FactsView = {
    facts: table.facts,
    cells: table.rows.reduce((total, row) => total + row.cells.length, 0),
    ...(told && { outcomes: outcomesView(told, table, experiment, cells) }),
    classes: outcomes.outcomes.map((outcome) => ({
      letter: outcome.letter,
      results: outcome.records.length,
      values: valuesIn(outcome, columns, experiment, table.openings),
    })),
    columns,
    table: cellTable(table, experiment, told),
    folded: table.folded,
    constant: table.constant,
  };
  return { view, outcomes, isSmall };
}

function cellTable(table: FactTable, experiment: ExperimentRecord, outcomes: Outcomes | undefined): CellTable {
  const columns = table.facts.flatMap((fact, index) => (outcomes?.facts.includes(fact) ? [] : [index]));
  const shown = columns.map((index) => table.facts[index] as string);
  return {
    factors: table.factors,
    facts: shown.map((name) => ({
      ...headOf(name, experiment),
      isNumber: declaredFact(name, experiment)?.type === 'number',
    })),
    hasResults: table.rows.some(({ cells, race, repeats }) => race || repeats > cells.length),
    openings: openingsIn(table, shown),
    rows: table.rows.map(({ factors, cells, values }) => ({
      cells: cells.map(({ id }) => id),
      factors,
      ...(outcomes && {
        outcome: lettersText(
          cells.flatMap(({ ran }) => ran),
          outcomes.letterOf,
        ),
      }),
      values: columns.map((index) => values[index] ?? ''),
      results: resultsText(cells),
    })),
  };
}

function resultsText(cells: readonly CellGroup[]): string {
  const times = cells.map(({ ran }) => ran.length);
  const all = times.reduce((total, each) => total + each, 0);
  const race = cells.some((cell) => cell.race) ? ' (race)' : '';
  if (cells.length === 1) return formatCount(all) + race;
  const each = new Set(times).size === 1 ? times[0] : undefined;
  if (each === undefined) return `${formatCount(all)} in ${plural(cells.length, 'cell')}${race}`;
  return `${plural(cells.length, 'cell')}${each === 1 ? '' : ` × ${formatCount(each)}`}${race}`;
}

/** The outcomes of some results: `A`, or `C 5/10, B 5/10`. */
function lettersText(records: readonly CellRecord[], letterOf: ReadonlyMap<CellRecord, string>): string {
  const shares = distribution(records.map((record) => letterOf.get(record)));
  return shares.length === 1 ? formatFact(shares[0]?.value) : formatDistribution(shares);
}

const openingsIn = ({ openings }: FactTable, facts: readonly string[]): Opening[] =>
  facts.flatMap((fact) => {
    const words = openings.get(fact);
    return words ? [{ fact, words }] : [];
  });

function outcomesView(
  outcomes: Outcomes,
  table: FactTable,
  experiment: ExperimentRecord,
  cells: readonly CellGroup[],
): OutcomesView {
  const ran = cells.filter((cell) => cell.ran.length > 0);
  const columns = columnsOf(outcomes.facts, experiment);
  const all = outcomes.outcomes.map((outcome) => ({
    letter: outcome.letter,
    places: outcome.places.map((place) => placeOf(place.cells, ran, place, table.factors)),
    values: valuesIn(outcome, columns, experiment, table.openings),
  }));
  const isPlaced = all.every(({ places }) => places.every(isNamed));
  const grid = isPlaced ? undefined : gridOf(outcomes, table, ran);
  return {
    facts: outcomes.facts,
    columns,
    openings: openingsIn(table, outcomes.facts),
    rows: all.slice(0, mostRows),
    left: Math.max(0, all.length - mostRows),
    ...(grid && { grid }),
  };
}

const valuesIn = (
  outcome: Outcome,
  columns: readonly FactColumn[],
  experiment: ExperimentRecord,
  openings: Openings,
): Said[] => columns.map((column) => saidIn(column, (fact) => shownValue(outcome, fact, experiment, openings)));

function shownValue({ records }: Outcome, fact: string, experiment: ExperimentRecord, openings: Openings): string {
  const values = records.map((record) => factOf(record, fact));
  const numbers = values.filter((value) => typeof value === 'number');
  const declared = declaredFact(fact, experiment);
  if (numbers.length === 0) return formatFact(withoutOpening(values[0], fact, openings), declared);
  const some = numbers.length === values.length ? '' : ` in ${numbers.length} of ${values.length}`;
  return formatTogether(numbers, declared) + some;
}

/** What a fact's column is called. */
export function headOf(name: string, experiment: ExperimentRecord): Head {
  const label = declaredFact(name, experiment)?.label;
  return { name, ...(label !== undefined && { label }) };
}

/** Facts as columns in their order; what both ends have is one column, where the first of them is. */
export function columnsOf(facts: readonly string[], experiment: ExperimentRecord): FactColumn[] {
  const { roles = [] } = experiment;
  const isPaired = (fact: string): boolean => ofEach(fact, roles)?.every((each) => facts.includes(each)) ?? false;
  const columns = Map.groupBy(facts, (fact) => (isPaired(fact) ? (ofEach(fact, roles) ?? []).join() : fact));
  return [...columns.values()].map((own) => {
    const [fact = ''] = own;
    const both = own.length > 1 ? (ofEach(fact, roles) ?? own) : own;
    return {
      ...(own.length > 1 ? { name: withoutEnd(fact, roles) } : headOf(fact, experiment)),
      facts: both,
      whose: both.map((each) => ownerText(whoseIs(each, roles) ?? '', roles)),
    };
  });
}

/** `client`, `closing end`. */
export const ownerText = (owner: string, roles: readonly string[]): string =>
  roles.includes(owner) ? `${owner} end` : owner;

/** What a column says, given what each fact says. */
export function saidIn({ facts, whose }: FactColumn, say: (fact: string) => string): Said {
  const [first = '', ...others] = facts.map(say);
  if (others.length === 0) return [{ text: first }];
  if (others.every((other) => other === first)) return [{ whose: 'both', text: first }];
  return [first, ...others].map((text, index) => ({ whose: whose[index] ?? '', text }));
}

/** Wider, nobody sees it at once. */
const mostColumns = 12;

/** Undefined where it would be too wide. */
function gridOf({ letterOf }: Outcomes, { factors }: FactTable, ran: readonly CellGroup[]): Grid | undefined {
  const valuesOf = (factor: string) => new Set(ran.map((cell) => cell.factors[factor])).size;
  const [down, ...rest] = factors.toSorted((a, b) => valuesOf(b) - valuesOf(a));
  const across = factors.filter((factor) => rest.includes(factor));
  const columns = [...groupByFactors(ran, across).values()];
  if (down === undefined || across.length === 0 || columns.length > mostColumns) return undefined;
  const valueIn = (cell: CellGroup | undefined, factor: string): Value => cell?.factors[factor] ?? '';
  const rows = [...groupByFactors(ran, [down]).values()].map((row) => ({
    value: valueIn(row[0], down),
    letters: columns.map((column) => {
      const records = row.filter((cell) => column.includes(cell)).flatMap((cell) => cell.ran);
      return records.length === 0 ? '' : lettersText(records, letterOf);
    }),
  }));
  const same = [...Map.groupBy(rows, ({ letters }) => letters.join('|')).values()];
  return {
    down,
    across,
    columns: columns.map(([first]) => across.map((factor) => valueIn(first, factor))),
    rows: same.map((alike) => ({ values: alike.map(({ value }) => value), letters: alike[0]?.letters ?? [] })),
  };
}
