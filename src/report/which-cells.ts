import { boxesOf, boxWords } from './boxes.ts';
import { formatCount } from './format.ts';

interface Placed {
  readonly id: string;
  readonly factors: Readonly<Record<string, string | number | boolean>>;
}

/** How a name is shown: in Markdown as code, in a terminal as it is. */
type Mark = (text: string) => string;

/** More than so many sets of factor values are no help to a reader. */
const mostBoxes = 2;

/**
 * Cells of one experiment in words: `all 12 cells`, `all 4 cells with closes=client,server linger=zero` where these are
 * just the cells with those factor values, or their ids, at most `most` of them, `and 3 more`.
 */
export function whichCells(chosen: readonly Placed[], all: readonly Placed[], mark: Mark, most = 4): string {
  const [only] = chosen;
  if (only === undefined) return 'no cell';
  if (chosen.length === 1) return mark(only.id);
  const every = chosen.length === 2 ? 'both cells' : `all ${formatCount(chosen.length)} cells`;
  if (chosen.length === all.length) return every;
  const boxes = boxesOf(chosen, all, mostBoxes);
  if (boxes) return `${every} with ${boxes.map((box) => boxWords(box).map(mark).join(' ')).join(' or ')}`;
  return someOf(
    chosen.map(({ id }) => id),
    mark,
    most,
  );
}

/** `a, b and 3 more`. */
export function someOf(names: readonly string[], mark: Mark, most = 4): string {
  const shown = names.length <= most + 1 ? names : names.slice(0, most);
  const more = names.length - shown.length;
  return shown.map((name) => mark(name)).join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
}
