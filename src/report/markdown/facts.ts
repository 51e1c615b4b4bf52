import { ofEach, whoseIs, withoutEnd } from '../../facts/roles.ts';
import type { CellRecord, ExperimentRecord } from '../../record/schema.ts';
import { distribution, formatCount, formatDistribution, formatFact, formatSpread, plural } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { type FactTable, factTable, withoutOpening } from '../model/fact-table.ts';
import { groupByFactors } from '../model/folding.ts';
import { type Outcome, type Outcomes, outcomesOf, type Place } from '../model/outcomes.ts';
import { boxesOf, boxWords } from '../which-cells.ts';
import { blocks, code, details, plain, table } from './text.ts';

/** A table that a reader takes in at once. */
const mostRows = 12;

/** What an experiment's cells came to. */
export interface MarkdownFacts {
  readonly table: FactTable;
  /** Where there are more cells than a table of them could show. */
  readonly outcomes: Outcomes | undefined;
}

/** An experiment's facts: by cell where these are few, by outcome where they are many or a race. */
export function gatherFacts(experiment: ExperimentRecord, cells: readonly CellGroup[], hz: number): MarkdownFacts {
  const facts = factTable(experiment, cells, hz);
  const isSmall = facts.rows.length <= mostRows && !(facts.facts.length > 1 && facts.rows.some(({ race }) => race));
  const outcomes = isSmall ? undefined : outcomesOf(experiment, facts.facts, cells, hz, mostRows);
  return { table: facts, outcomes };
}

/** The table that tells the story: a row for each cell, or for each outcome. */
export function markdownFacts(
  { table: facts, outcomes }: MarkdownFacts,
  experiment: ExperimentRecord,
  cells: readonly CellGroup[],
): string {
  if (facts.rows.length === 0) return 'No cell ran.';
  if (outcomes === undefined)
    return blocks(cellTable(facts, experiment), begins(facts, facts.facts), alike(facts), constants(facts));
  return blocks(
    outcomeTable(outcomes, facts, experiment, cells),
    markdownGrid(outcomes, facts, cells),
    begins(facts, outcomes.facts),
    constants(facts),
  );
}

/** Every cell with its outcome, to open on a click; empty where {@link markdownFacts} shows the cells. */
export function markdownCells({ table: facts, outcomes }: MarkdownFacts, experiment: ExperimentRecord): string {
  if (outcomes === undefined) return '';
  const rest = facts.facts.filter((fact) => !outcomes.facts.includes(fact));
  if (facts.rows.length === 1 && rest.length === 0) return '';
  const shown = rest.length === 0 ? '' : ` with ${rest.map(code).join(' and ')}`;
  const cells = facts.rows.reduce((total, row) => total + row.cells.length, 0);
  return details(
    `**All ${plural(cells, 'cell')}** by outcome${shown}`,
    blocks(cellTable(facts, experiment, outcomes), begins(facts, rest), alike(facts)),
  );
}

function outcomeTable(
  { facts, outcomes }: Outcomes,
  { openings }: FactTable,
  experiment: ExperimentRecord,
  cells: readonly CellGroup[],
): string {
  const ran = cells.filter((cell) => cell.ran.length > 0);
  const columns = columnsOf(facts, experiment.roles);
  const rows = outcomes.slice(0, mostRows).map((outcome) => {
    const say = (fact: string): string => plain(shownValue(outcome, fact, experiment, openings));
    const places = outcome.places.map((place) => placeWords(place, ran)).join('<br>');
    return [`**${outcome.letter}**`, places, ...columns.map((column) => columnText(column, say))];
  });
  const left = outcomes.length - rows.length;
  return blocks(
    table(['', 'results', ...columns.map(({ head }) => head)], rows),
    left > 0 && `${plural(left, 'other outcome')} ${left === 1 ? 'is' : 'are'} in the table of all cells.`,
  );
}

function shownValue(
  { records }: Outcome,
  fact: string,
  experiment: ExperimentRecord,
  openings: FactTable['openings'],
): string {
  const values = records.map((record) => factOf(record, fact));
  const numbers = values.filter((value) => typeof value === 'number');
  const declared = declaredFact(fact, experiment);
  if (numbers.length === 0) return formatFact(withoutOpening(values[0], fact, openings), declared);
  const some = numbers.length === values.length ? '' : ` in ${numbers.length} of ${values.length}`;
  return formatSpread(numbers, declared) + some;
}

/** The rows of a fact table; with outcomes, their letters in place of the facts that tell them apart. */
function cellTable(facts: FactTable, experiment: ExperimentRecord, outcomes?: Outcomes): string {
  const columns = facts.facts.flatMap((fact, index) => (outcomes?.facts.includes(fact) ? [] : [index]));
  const shown = columns.map((index) => facts.facts[index] as string);
  const withResults = facts.rows.some(({ cells, race, repeats }) => race || repeats > cells.length);
  const head = [
    ...facts.factors,
    ...(outcomes ? ['outcome'] : []),
    ...shown.map(code),
    ...(withResults ? ['results'] : []),
  ];
  const rows = facts.rows.map(({ factors, cells, values }) => [
    ...factors.map((value) => code(String(value))),
    ...(outcomes
      ? [
          lettersWords(
            cells.flatMap(({ ran }) => ran),
            outcomes.letterOf,
          ),
        ]
      : []),
    ...columns.map((index) => plain(values[index] ?? '')),
    ...(withResults ? [resultsWords(cells)] : []),
  ]);
  return table(head, rows, numericColumns(shown, experiment, facts.factors.length + (outcomes ? 1 : 0)));
}

const numericColumns = (facts: readonly string[], experiment: ExperimentRecord, before: number): number[] =>
  facts.flatMap((name, index) => (declaredFact(name, experiment)?.type === 'number' ? [index + before] : []));

/** The openings that a table of these facts leaves out. */
function begins({ openings }: FactTable, facts: readonly string[]): string {
  const said = facts.flatMap((fact) => {
    const words = openings.get(fact);
    return words ? [`${code(fact)} ${words.join(' → ')}`] : [];
  });
  return said.length === 0 ? '' : `Left out, since every result begins with it: ${listed(said)}.`;
}

function alike({ folded }: FactTable): string {
  const same = folded.map(({ factor, values }) => `${code(factor)} (${values.map(String).join(', ')})`);
  if (same.length === 0) return '';
  return `${listed(same)} made no difference to these facts, and ${same.length === 1 ? 'is' : 'are'} left out.`;
}

const constants = ({ constant }: FactTable): string =>
  constant.length === 0
    ? ''
    : `In all cells that ran: ${constant.map(({ factor, value }) => code(`${factor}=${value}`)).join(', ')}.`;

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** Wider, nobody sees it at once. */
const mostColumns = 12;

/**
 * The outcomes' letters by the factor with the most values, down, and by the others, across; values that come to the same
 * everywhere are one row. Empty where each outcome's cells have short names, or where it would be too wide.
 */
export function markdownGrid({ outcomes, letterOf }: Outcomes, facts: FactTable, cells: readonly CellGroup[]): string {
  const ran = cells.filter((cell) => cell.ran.length > 0);
  if (outcomes.every(({ places }) => places.every((place) => isNamed(place, ran)))) return '';
  const valuesOf = (factor: string) => new Set(ran.map(({ factors }) => factors[factor])).size;
  const [down, ...rest] = facts.factors.toSorted((a, b) => valuesOf(b) - valuesOf(a));
  const across = facts.factors.filter((factor) => rest.includes(factor));
  const columns = [...groupByFactors(ran, across).values()];
  if (down === undefined || across.length === 0 || columns.length > mostColumns) return '';
  const rows = [...groupByFactors(ran, [down]).values()].map((row) => ({
    value: code(String(row[0]?.factors[down])),
    letters: columns.map((column) => {
      const records = row.filter((cell) => column.includes(cell)).flatMap((cell) => cell.ran);
      return records.length === 0 ? '' : lettersWords(records, letterOf);
    }),
  }));
  const same = [...Map.groupBy(rows, ({ letters }) => letters.join('|')).values()];
  const head = columns.map((column) =>
    across.map((factor) => code(`${factor}=${column[0]?.factors[factor]}`)).join('<br>'),
  );
  return table(
    [`outcome by ${code(down)}`, ...head],
    same.map((alike) => [
      alike.map(({ value }) => value).join(', '),
      ...(alike[0]?.letters ?? []).map((letters) => plain(letters)),
    ]),
  );
}

/** A column of a table: a fact, or the same fact of both ends. */
export interface FactColumn {
  readonly head: string;
  /** One; or the client's and the server's, or those of each role. */
  readonly facts: readonly string[];
  /** Whose each of several is. */
  readonly whose: readonly string[];
}

/** Facts as columns in their order; what both ends have is one column, where the first of them is. */
export function columnsOf(facts: readonly string[], roles: readonly string[] = []): FactColumn[] {
  const isPaired = (fact: string): boolean => ofEach(fact, roles)?.every((each) => facts.includes(each)) ?? false;
  const columns = Map.groupBy(facts, (fact) => (isPaired(fact) ? (ofEach(fact, roles) ?? []).join() : fact));
  return [...columns.values()].map((own) => {
    const [fact = ''] = own;
    const both = own.length > 1 ? (ofEach(fact, roles) ?? own) : own;
    return {
      head: code(own.length > 1 ? withoutEnd(fact, roles) : fact),
      facts: both,
      whose: both.map((each) => ownerWords(whoseIs(each, roles) ?? '', roles)),
    };
  });
}

/** `client`, `closing end`. */
export const ownerWords = (owner: string, roles: readonly string[]): string =>
  roles.includes(owner) ? `${owner} end` : owner;

/** What a column says, given what each fact says: one line for each end, or one for both where they say the same. */
export function columnText({ facts, whose }: FactColumn, say: (fact: string) => string): string {
  const [first = '', ...others] = facts.map(say);
  if (others.length === 0) return first;
  const lines = others.every((other) => other === first)
    ? [`both ${first}`]
    : facts.map((_, index) => `${whose[index]} ${[first, ...others][index]}`);
  return lines.join('<br>');
}

/** More sets of factor values are no help to a reader: the cells are counted. */
const mostBoxes = 3;

/** Nor is a selector that fills four lines of a column. */
const mostCharacters = 120;

/** How often some cells ran: `5`, `2 cells`, `2 cells × 5`, `9 in 2 cells`; of a race it is said that it is one. */
export function resultsWords(cells: readonly CellGroup[]): string {
  const times = cells.map(({ ran }) => ran.length);
  const all = times.reduce((total, each) => total + each, 0);
  const race = cells.some((cell) => cell.race) ? ' (race)' : '';
  if (cells.length === 1) return formatCount(all) + race;
  const each = new Set(times).size === 1 ? times[0] : undefined;
  if (each === undefined) return `${formatCount(all)} in ${plural(cells.length, 'cell')}${race}`;
  return `${plural(cells.length, 'cell')}${each === 1 ? '' : ` × ${formatCount(each)}`}${race}`;
}

/** How often an outcome was seen and where: all 48 with `closes=client`; 26 of 60 with `closes=both` `data=idle`. */
export function placeWords({ cells, results, of, varies }: Place, all: readonly CellGroup[]): string {
  const count = varies ? `${formatCount(results)} of ${formatCount(of)}` : `all ${formatCount(of)}`;
  if (cells.length === all.length) return count;
  const where = cellsWords(cells, all);
  // cells that no short words name are counted; a grid or the table of all cells has each
  if (where === undefined) return `${count} in ${formatCount(cells.length)} of the ${plural(all.length, 'cell')}`;
  return results === 1 && of === 1 ? where : `${count} with ${where}`;
}

/** Whether short words name the cells of a place. */
export const isNamed = ({ cells }: Place, all: readonly CellGroup[]): boolean =>
  cells.length === all.length || cellsWords(cells, all) !== undefined;

function cellsWords(cells: readonly CellGroup[], all: readonly CellGroup[]): string | undefined {
  const boxes = boxesOf(cells, all, mostBoxes)?.map(boxWords);
  if (boxes === undefined || boxes.flat().join(' ').length > mostCharacters) return undefined;
  return boxes.map((words) => words.map(code).join(' ')).join(' or ');
}

/** The outcomes of some results: `A`, or `C 5/10, B 5/10`. */
export function lettersWords(records: readonly CellRecord[], letterOf: ReadonlyMap<CellRecord, string>): string {
  const shares = distribution(records.map((record) => letterOf.get(record)));
  return shares.length === 1 ? formatFact(shares[0]?.value) : formatDistribution(shares);
}
