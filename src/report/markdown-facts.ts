import type { ExperimentRecord } from '../record/schema.ts';
import { columnsOf, columnText } from './fact-columns.ts';
import { type FactTable, factTable } from './fact-table.ts';
import { formatFact, formatSpread, plural } from './format.ts';
import { type CellGroup, declaredFact, factOf } from './gather.ts';
import { markdownGrid } from './markdown-grid.ts';
import { blocks, code, details, plain, table } from './markdown-text.ts';
import { withoutOpening } from './openings.ts';
import { type Outcome, type Outcomes, outcomesOf } from './outcomes.ts';
import { lettersWords, placeWords, resultsWords } from './results-words.ts';

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
