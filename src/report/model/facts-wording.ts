import { plural } from '../format.ts';
import type { Mark } from '../which-cells.ts';
import type { FactsView, Opening } from './facts.ts';

/** Whether there are more cells than the table of outcomes shows. */
export const hasCells = ({ outcomes, table: own }: FactsView): boolean =>
  outcomes !== undefined && !(own.rows.length === 1 && own.facts.length === 0);

/** The openings that a table leaves out; empty where there is none. */
export function openingsText(openings: readonly Opening[], mark: Mark): string {
  const said = openings.map(({ fact, words }) => `${mark(fact)} ${words.join(' → ')}`);
  return said.length === 0 ? '' : `Left out, since every path that was seen begins with it: ${listed(said)}.`;
}

/** Factors that changed nothing, and are no columns. */
export function foldedText({ folded }: Pick<FactsView, 'folded'>, mark: Mark): string {
  const same = folded.map(({ factor, values }) => `${mark(factor)} (${values.map(String).join(', ')})`);
  if (same.length === 0) return '';
  return `${listed(same)} ${same.length === 1 ? 'changes none of these facts, and is' : 'change none of these facts, and are'} left out.`;
}

/** Factors that had one value. */
export const constantText = ({ constant }: Pick<FactsView, 'constant'>, mark: Mark): string =>
  constant.length === 0
    ? ''
    : `In all cells that ran: ${constant.map(({ factor, value }) => mark(`${factor}=${value}`)).join(', ')}.`;

/** Outcomes that only the table of all cells has. */
export const leftText = (left: number): string =>
  left > 0 ? `${plural(left, 'other outcome')} ${left === 1 ? 'is' : 'are'} in the table of all cells.` : '';

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
