import { formatCount } from '../facts/values.ts';
import { plural } from './format.ts';

type Value = string | number | boolean;

interface Placed {
  readonly factors: Readonly<Record<string, Value>>;
}

/** A cell by its factors. */
export interface Named extends Placed {
  readonly id: string;
}

/** How a name is shown: in Markdown as code, in a terminal as it is. */
export type Mark = (text: string) => string;

/** Some cells of an experiment, as few words as name them. */
export interface Which {
  readonly ids: readonly string[];
  /** How many cells there are to choose from. */
  readonly of: number;
  /** The factor values that just these cells have, as one set or more; absent where few sets do not name them. */
  readonly sets?: readonly (readonly string[])[];
}

/** More than so many sets of factor values are no help to a reader. */
const mostBoxes = 2;

/** Some cells among all of their experiment, in at most so many sets. */
export function whichOf(chosen: readonly Named[], all: readonly Named[], most = mostBoxes): Which {
  const isPart = chosen.length > 1 && chosen.length < all.length;
  const sets = isPart ? boxesOf(chosen, all, most)?.map(boxWords) : undefined;
  return { ids: chosen.map(({ id }) => id), of: all.length, ...(sets && { sets }) };
}

/**
 * Cells of one experiment in words: `all 12 cells`, `all 4 cells with closes=client,server linger=zero` where these are
 * just the cells with those factor values, or their ids, at most `most` of them, `and 3 more`.
 */
export function whichText({ ids, of, sets }: Which, mark: Mark, most = 4): string {
  const [only] = ids;
  if (only === undefined) return 'no cell';
  if (ids.length === 1) return mark(only);
  const every = ids.length === 2 ? 'both cells' : `all ${formatCount(ids.length)} cells`;
  if (ids.length === of) return every;
  return sets ? `${every} with ${setsText(sets, mark)}` : someOf(ids, mark, most);
}

const setsText = (sets: readonly (readonly string[])[], mark: Mark): string =>
  sets.map((words) => words.map(mark).join(' ')).join(' or ');

/** Where some results were seen. */
export interface Place {
  /** How many results, of how many that its cells have. */
  readonly results: number;
  readonly of: number;
  /** Its cells come to different outcomes from repeat to repeat. */
  readonly varies: boolean;
  readonly cells: number;
  /** How many cells there are to choose from. */
  readonly among: number;
  /** The factor values that just its cells have; absent where it takes too many words to name them. */
  readonly sets?: readonly (readonly string[])[];
}

/** A selector that fills four lines of a column is no help to a reader. */
const mostCharacters = 120;
/** In a table there is room for more sets. */
const mostPlaces = 3;

/** Where so many results of some cells were seen. */
export function placeOf(
  chosen: readonly Named[],
  all: readonly Named[],
  { results, of, varies }: Pick<Place, 'results' | 'of' | 'varies'>,
): Place {
  const sets = chosen.length < all.length ? boxesOf(chosen, all, mostPlaces)?.map(boxWords) : undefined;
  const isShort = sets !== undefined && sets.flat().join(' ').length <= mostCharacters;
  return { results, of, varies, cells: chosen.length, among: all.length, ...(isShort && { sets }) };
}

/** Whether short words name the cells of a place. */
export const isNamed = ({ cells, among, sets }: Place): boolean => cells === among || sets !== undefined;

/** How often something was seen and where: all 48 with `closes=client`; 26 of 60 with `closes=both` `data=idle`. */
export function placeText({ results, of, varies, cells, among, sets }: Place, mark: Mark): string {
  const count = varies ? `${formatCount(results)} of ${formatCount(of)}` : `all ${formatCount(of)}`;
  if (cells === among) return count;
  // cells that no short words name are counted; a grid or the table of all cells has each
  if (sets === undefined) return `${count} in ${formatCount(cells)} of the ${plural(among, 'cell')}`;
  return results === 1 && of === 1 ? setsText(sets, mark) : `${count} with ${setsText(sets, mark)}`;
}

/** `a, b and 3 more`. */
export function someOf(names: readonly string[], mark: Mark, most = 4): string {
  const shown = names.length <= most + 1 ? names : names.slice(0, most);
  const more = names.length - shown.length;
  return shown.map((name) => mark(name)).join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
}

/** Factor values that cells have: one of these for each named factor, any for the others. */
export type Box = ReadonlyMap<string, readonly Value[]>;

/**
 * Some cells as the fewest boxes that this greedy way finds: each box holds no other cell of `all`. Undefined where more
 * than `most` are needed.
 */
export function boxesOf<T extends Placed>(chosen: readonly T[], all: readonly T[], most: number): Box[] | undefined {
  const wanted = new Set(chosen);
  const left = new Set(chosen);
  const boxes: Box[] = [];
  while (left.size > 0) {
    if (boxes.length === most) return undefined;
    const [seed] = left as Set<T> & Iterable<T>;
    const names = namesOf(all);
    const grown = [names, names.toReversed()].map((order) => grow(seed as T, order, all, wanted));
    const [box] = grown.sort((a, b) => covered(b, left) - covered(a, left)) as [Box, ...Box[]];
    for (const cell of left) if (isIn(cell, box)) left.delete(cell);
    boxes.push(told(box, all));
  }
  return boxes;
}

/** `closes=client,server`, as `--where` takes it; none for a box without bounds. */
export const boxWords = (box: Box): string[] => [...box].map(([name, values]) => `${name}=${values.join(',')}`);

const namesOf = (cells: readonly Placed[]): string[] => [
  ...new Set(cells.flatMap(({ factors }) => Object.keys(factors))),
];

const valuesOf = (name: string, cells: readonly Placed[]): Value[] => [
  ...new Set(cells.flatMap(({ factors }) => factors[name] ?? [])),
];

const isIn = ({ factors }: Placed, box: Box): boolean =>
  [...box].every(([name, values]) => values.some((value) => value === factors[name]));

const covered = (box: Box, cells: Iterable<Placed>): number => [...cells].filter((cell) => isIn(cell, box)).length;

/** The seed's own box, widened value by value as long as it holds wanted cells only. */
function grow<T extends Placed>(seed: T, order: readonly string[], all: readonly T[], wanted: ReadonlySet<T>): Box {
  const box = new Map(Object.entries(seed.factors).map(([name, value]) => [name, [value] as readonly Value[]]));
  for (const name of order) {
    for (const value of valuesOf(name, all)) {
      const before = box.get(name);
      if (before === undefined || before.includes(value)) continue;
      box.set(name, [...before, value]);
      if (all.some((cell) => isIn(cell, box) && !wanted.has(cell))) box.set(name, before);
    }
  }
  return box;
}

/** Without the factors and values that exclude no cell. */
function told(box: Box, all: readonly Placed[]): Box {
  const inside = all.filter((cell) => isIn(cell, box));
  const bounds = new Map(box);
  for (const name of box.keys()) {
    const without = new Map(bounds);
    without.delete(name);
    if (covered(without, all) === inside.length) bounds.delete(name);
  }
  return new Map(
    [...bounds.keys()].map((name) => [
      name,
      valuesOf(name, all).filter((value) => valuesOf(name, inside).includes(value)),
    ]),
  );
}
