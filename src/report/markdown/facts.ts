import { plural } from '../format.ts';
import type { CellTable, FactsView, Grid, Head, OutcomesView, Said } from '../model/facts.ts';
import { constantText, foldedText, hasCells, leftText, openingsText } from '../model/facts-wording.ts';
import { placeText } from '../which-cells.ts';
import { blocks, code, plain, table } from './text.ts';

/** Renders the main table of an experiment: a row for each cell, or for each outcome. */
export function markdownFacts(facts: FactsView): string {
  const { cells, outcomes, table: own } = facts;
  if (cells === 0) return 'No cell ran.';
  if (outcomes === undefined)
    return blocks(cellTable(own), openingsText(own.openings, code), foldedText(facts, code), constantText(facts, code));
  return blocks(
    outcomeTable(outcomes),
    outcomes.grid && markdownGrid(outcomes.grid),
    outcomes.grid && foldedText(facts, code),
    openingsText(outcomes.openings, code),
    constantText(facts, code),
  );
}

/** Every cell with its outcome; empty where {@link markdownFacts} shows the cells. */
export function markdownCells(facts: FactsView): string {
  if (!hasCells(facts)) return '';
  const { cells, table: own } = facts;
  const shown = own.facts.length === 0 ? '' : ` with ${own.facts.map(headText).join(' and ')}`;
  return blocks(
    '## Every cell',
    `All ${plural(cells, 'cell')} by outcome${shown}:`,
    cellTable(own),
    openingsText(own.openings, code),
    foldedText(facts, code),
  );
}

function outcomeTable({ columns, rows, left }: OutcomesView): string {
  const lines = rows.map(({ letter, places, values }) => [
    `**${letter}**`,
    places.map((place) => placeText(place, code)).join('<br>'),
    ...values.map(saidText),
  ]);
  return blocks(table(['', 'results', ...columns.map(headText)], lines), leftText(left));
}

/** What a column is called: a name is code, a label is words. */
export const headText = ({ name, label }: Head): string => (label === undefined ? code(name) : plain(label));

/** A line for each end. */
export const saidText = (said: Said): string =>
  said.map(({ whose, text }) => (whose === undefined ? '' : `${whose} `) + plain(text)).join('<br>');

function cellTable({ factors, facts, hasResults, rows }: CellTable): string {
  const withOutcomes = rows.some(({ outcome }) => outcome !== undefined);
  const head = [
    ...factors,
    ...(withOutcomes ? ['outcome'] : []),
    ...facts.map(headText),
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

/** The outcomes' letters by factor values, down and across. */
export function markdownGrid({ down, across, columns, rows }: Grid): string {
  const head = columns.map((values) => values.map((value, index) => code(`${across[index]}=${value}`)).join('<br>'));
  return table(
    [`outcome by ${code(down)}`, ...head],
    rows.map(({ values, letters }) => [values.map((value) => code(String(value))).join(', '), ...letters.map(plain)]),
  );
}
