import { plural } from '../format.ts';
import type { CellTable, FactsView, Grid, Opening, OutcomesView, Said } from '../model/facts.ts';
import { placeText } from '../which-cells.ts';
import { blocks, code, plain, table } from './text.ts';

/** Renders the main table of an experiment: a row for each cell, or for each outcome. */
export function markdownFacts(facts: FactsView): string {
  const { cells, outcomes, table: own } = facts;
  if (cells === 0) return 'No cell ran.';
  if (outcomes === undefined) return blocks(cellTable(own), begins(own.openings), alike(facts), constants(facts));
  return blocks(
    outcomeTable(outcomes),
    outcomes.grid && markdownGrid(outcomes.grid),
    begins(outcomes.openings),
    constants(facts),
  );
}

/** Every cell with its outcome; empty where {@link markdownFacts} shows the cells. */
export function markdownCells(facts: FactsView): string {
  if (!hasCells(facts)) return '';
  const { cells, table: own } = facts;
  const shown = own.facts.length === 0 ? '' : ` with ${own.facts.map(({ name }) => code(name)).join(' and ')}`;
  return blocks(
    '## Every cell',
    `All ${plural(cells, 'cell')} by outcome${shown}:`,
    cellTable(own),
    begins(own.openings),
    alike(facts),
  );
}

/** Whether there are more cells than {@link markdownFacts} shows. */
export const hasCells = ({ outcomes, table: own }: FactsView): boolean =>
  outcomes !== undefined && !(own.rows.length === 1 && own.facts.length === 0);

function outcomeTable({ columns, rows, left }: OutcomesView): string {
  const lines = rows.map(({ letter, places, values }) => [
    `**${letter}**`,
    places.map((place) => placeText(place, code)).join('<br>'),
    ...values.map(saidText),
  ]);
  const heads = columns.map(({ name }) => code(name));
  return blocks(
    table(['', 'results', ...heads], lines),
    left > 0 && `${plural(left, 'other outcome')} ${left === 1 ? 'is' : 'are'} in the table of all cells.`,
  );
}

/** A line for each end. */
export const saidText = (said: Said): string =>
  said.map(({ whose, text }) => (whose === undefined ? '' : `${whose} `) + plain(text)).join('<br>');

function cellTable({ factors, facts, hasResults, rows }: CellTable): string {
  const withOutcomes = rows.some(({ outcome }) => outcome !== undefined);
  const head = [
    ...factors,
    ...(withOutcomes ? ['outcome'] : []),
    ...facts.map(({ name }) => code(name)),
    ...(hasResults ? ['results'] : []),
  ];
  const lines = rows.map(({ factors: own, outcome, values, results }) => [
    ...own.map((value) => code(String(value))),
    ...(outcome === undefined ? [] : [outcome]),
    ...values.map(plain),
    ...(hasResults ? [results] : []),
  ]);
  const before = factors.length + (withOutcomes ? 1 : 0);
  return table(
    head,
    lines,
    facts.flatMap(({ isNumber }, index) => (isNumber ? [index + before] : [])),
  );
}

/** The openings that a table leaves out. */
function begins(openings: readonly Opening[]): string {
  const said = openings.map(({ fact, words }) => `${code(fact)} ${words.join(' → ')}`);
  return said.length === 0 ? '' : `Left out, since every result begins with it: ${listed(said)}.`;
}

function alike({ folded }: FactsView): string {
  const same = folded.map(({ factor, values }) => `${code(factor)} (${values.map(String).join(', ')})`);
  if (same.length === 0) return '';
  return `${listed(same)} ${same.length === 1 ? 'changes none of these facts, and is' : 'change none of these facts, and are'} left out.`;
}

const constants = ({ constant }: FactsView): string =>
  constant.length === 0
    ? ''
    : `In all cells that ran: ${constant.map(({ factor, value }) => code(`${factor}=${value}`)).join(', ')}.`;

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** The outcomes' letters by factor values, down and across. */
export function markdownGrid({ down, across, columns, rows }: Grid): string {
  const head = columns.map((values) => values.map((value, index) => code(`${across[index]}=${value}`)).join('<br>'));
  return table(
    [`outcome by ${code(down)}`, ...head],
    rows.map(({ values, letters }) => [values.map((value) => code(String(value))).join(', '), ...letters.map(plain)]),
  );
}
