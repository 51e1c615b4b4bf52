import type { CellRecord } from '../record/schema.ts';
import { boxesOf, boxWords } from './boxes.ts';
import { distribution, formatCount, formatDistribution, formatFact, plural } from './format.ts';
import type { CellGroup } from './gather.ts';
import { code } from './markdown-text.ts';
import type { Place } from './outcomes.ts';

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
