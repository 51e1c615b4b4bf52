import { formatElapsed, plural } from '../format.ts';
import { hang, styleOf } from './lines.ts';

/** An experiment as a list shows it. */
export interface ListedExperiment {
  readonly id: string;
  readonly question: string;
  readonly tags: readonly string[];
  /** Cells of the default matrix, and of the whole one. */
  readonly cells: number;
  readonly allCells: number;
  /** Expected seconds of the default matrix. */
  readonly seconds: number;
  /** It runs only where a pattern names it. */
  readonly whenNamed?: boolean;
}

interface Options {
  readonly color: boolean;
  /** Characters in a line. */
  readonly width: number;
}

/** Tags that a list shows where they fit: the first ones say most. */
const fewTags = 4;

/** A longer id has a line of its own. */
const longestId = 24;

/** Experiments under their headings, with question, tags, cells and time; each line fits into the terminal's width. */
export function listLines(
  groups: ReadonlyMap<string, readonly ListedExperiment[]>,
  { color, width }: Options,
): string[] {
  const style = styleOf(color);
  const ids = [...groups.values()].flat().map(({ id }) => id.length);
  const column = Math.min(longestId, Math.max(...ids), Math.floor(width / 3)) + 4;
  const indent = ' '.repeat(column);
  const lines = ({ id, question, tags, ...size }: ListedExperiment): string[] => {
    const isLong = id.length + 4 > column;
    const [head = '', ...more] = hang(isLong ? indent : `  ${id}`.padEnd(column), question, width);
    const titled = isLong ? [`  ${style('bold', id)}`, head] : [`  ${style('bold', id)}${head.slice(id.length + 2)}`];
    const details = hang(indent, detailsText(tags, size, width - column), width);
    return [...titled, ...more, ...details.map((line) => style('dim', line))];
  };
  return [...groups].flatMap(([title, rows]) => [title, ...rows.flatMap(lines), '']);
}

/** As many of the first tags as fit before the size. */
function detailsText(tags: readonly string[], size: Size, width: number): string {
  for (let count = fewTags; count > 0; count--) {
    const text = [...tags.slice(0, count), sizeText(size)].join(' · ');
    if (text.length <= width) return text;
  }
  return sizeText(size);
}

type Size = Omit<ListedExperiment, 'id' | 'question' | 'tags'>;
function sizeText({ cells, allCells, seconds, whenNamed }: Size): string {
  const others = allCells > cells ? ` (${allCells} with --all)` : '';
  return `${plural(cells, 'cell')}${others}${whenNamed ? ', run only by name' : ''} · ${formatElapsed(seconds)}`;
}
