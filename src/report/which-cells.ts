import { formatCount } from './format.ts';

interface Placed {
  readonly id: string;
  readonly factors: Readonly<Record<string, string | number | boolean>>;
}

/** How a name is shown: in Markdown as code, in a terminal as it is. */
type Mark = (text: string) => string;

/**
 * Cells of one experiment in words: `all 12 cells`, `all 4 cells with linger=zero` where these are just the cells with
 * those factor values, or their ids, at most `most` of them, `and 3 more`.
 */
export function whichCells(chosen: readonly Placed[], all: readonly Placed[], mark: Mark, most = 4): string {
  const [only] = chosen;
  if (only === undefined) return 'no cell';
  if (chosen.length === 1) return mark(only.id);
  const every = chosen.length === 2 ? 'both cells' : `all ${formatCount(chosen.length)} cells`;
  if (chosen.length === all.length) return every;
  const common = commonFactors(chosen, all);
  if (common) return `${every} with ${common.map((pair) => mark(pair)).join(' and ')}`;
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

/** The fewest factor values that these cells have and no other cell has together; undefined where there are none. */
function commonFactors(chosen: readonly Placed[], all: readonly Placed[]): string[] | undefined {
  const [first] = chosen as readonly [Placed];
  const matching = (pairs: readonly (readonly [string, unknown])[]): number =>
    all.filter(({ factors }) => pairs.every(([name, value]) => factors[name] === value)).length;
  let pairs = Object.entries(first.factors).filter(([name, value]) =>
    chosen.every(({ factors }) => factors[name] === value),
  );
  if (matching(pairs) !== chosen.length) return undefined;
  for (const pair of pairs) {
    const fewer = pairs.filter((other) => other !== pair);
    if (matching(fewer) === chosen.length) pairs = fewer;
  }
  return pairs.map(([name, value]) => `${name}=${value}`);
}
