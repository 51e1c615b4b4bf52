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

/** Where so many results of some cells were seen, named by these factors if they suffice. */
export function placeOf(
  chosen: readonly Named[],
  all: readonly Named[],
  { results, of, varies }: Pick<Place, 'results' | 'of' | 'varies'>,
  factors?: readonly string[],
): Place {
  const setsBy = (isBrief: boolean) => boxesOf(chosen, all, mostPlaces, { factors, isBrief })?.map(boxWords);
  const isShort = (sets: readonly string[][] | undefined): boolean =>
    sets !== undefined && sets.flat().join(' ').length <= mostCharacters;
  const sets = chosen.length < all.length ? [false, true].map(setsBy).find(isShort) : undefined;
  return { results, of, varies, cells: chosen.length, among: all.length, ...(sets && { sets }) };
}

/** Whether short words name the cells of a place. */
export const isNamed = ({ cells, among, sets }: Place): boolean => cells === among || sets !== undefined;

/** How often something was seen and where: all 48 with `closes=client`; 26 of 60 with `closes=both` `data=idle`; 19 of the 57 cells. */
export function placeText({ results, of, varies, cells, among, sets }: Place, mark: Mark): string {
  const count = varies ? `${formatCount(results)} of ${formatCount(of)}` : of === 2 ? 'both' : `all ${formatCount(of)}`;
  if (cells === among) return count;
  // cells that no short words name are counted; a grid or the table of all cells has each
  if (sets === undefined)
    return `${formatCount(cells)} of the ${plural(among, 'cell')}${varies ? `, in ${count} results` : ''}`;
  return results === 1 && of === 1 ? setsText(sets, mark) : `${count} with ${setsText(sets, mark)}`;
}

/** `a, b and 3 more`, or what they are: `a, b and 3 more cells`. */
export function someOf(names: readonly string[], mark: Mark, most = 4, what = ''): string {
  const shown = names.length <= most + 1 ? names : names.slice(0, most);
  const more = names.length - shown.length;
  if (more === 0) return shown.map((name) => mark(name)).join(', ');
  return `${shown.map((name) => mark(name)).join(', ')} and ${what === '' ? `${formatCount(more)} more` : plural(more, `more ${what}`)}`;
}

/** Factor values that cells have: one of these for each named factor, any for the others. */
export type Box = ReadonlyMap<string, readonly Value[]>;

/** What boxes may have. */
interface BoxOptions {
  /** The only factors that boxes have, unless some cells inside and outside differ in others alone. */
  readonly factors?: readonly string[] | undefined;
  /** Where several factors would do, a box has the one declared first, not all of them. */
  readonly isBrief?: boolean;
}

/**
 * Some cells as the fewest boxes that this greedy way finds: each box holds no other cell of `all`. Undefined where more
 * than `most` are needed. Where several factors would do, a box has them all: which of them decides is not known.
 */
export function boxesOf<T extends Placed>(
  chosen: readonly T[],
  all: readonly T[],
  most: number,
  { factors, isBrief = false }: BoxOptions = {},
): Box[] | undefined {
  const wanted = new Set(chosen);
  const left = new Set(chosen);
  const outside = all.filter((cell) => !wanted.has(cell));
  const names = factors && isApart(chosen, outside, factors) ? factors : namesOf(all);
  const values = new Map(names.map((name) => [name, valuesOf(name, all)]));
  const boxes: Box[] = [];
  while (left.size > 0) {
    if (boxes.length === most) return undefined;
    const [seed] = left as Set<T> & Iterable<T>;
    // a factor that is widened last keeps its bounds: the last declared is widened first
    const grown = [names.toReversed(), names].map((order) => grow(seed as T, order, values, outside));
    const [box] = grown.sort((a, b) => covered(b, left) - covered(a, left)) as [Box, ...Box[]];
    for (const cell of left) if (isIn(cell, box)) left.delete(cell);
    boxes.push(told(box, all, isBrief));
  }
  // a later box may hold all that an earlier one has
  for (const box of [...boxes]) {
    const others = boxes.filter((other) => other !== box);
    const isSpare = chosen.every((cell) => !isIn(cell, box) || others.some((other) => isIn(cell, other)));
    if (isSpare) boxes.splice(boxes.indexOf(box), 1);
  }
  return boxes;
}

/** `closes=client,server`, as `--where` takes it; none for a box without bounds. */
export const boxWords = (box: Box): string[] => [...box].map(([name, values]) => `${name}=${values.join(',')}`);

/** Whether no cell of the one kind has all these factors in common with one of the other. */
function isApart(some: readonly Placed[], others: readonly Placed[], factors: readonly string[]): boolean {
  const keyOf = ({ factors: own }: Placed): string => JSON.stringify(factors.map((name) => own[name] ?? null));
  return new Set(some.map(keyOf)).isDisjointFrom(new Set(others.map(keyOf)));
}

const namesOf = (cells: readonly Placed[]): string[] => [
  ...new Set(cells.flatMap(({ factors }) => Object.keys(factors))),
];

const valuesOf = (name: string, cells: readonly Placed[]): Value[] => [
  ...new Set(cells.flatMap(({ factors }) => factors[name] ?? [])),
];

function isIn({ factors }: Placed, box: Box): boolean {
  for (const [name, values] of box) if (!values.includes(factors[name] as Value)) return false;
  return true;
}

const covered = (box: Box, cells: Iterable<Placed>): number => [...cells].filter((cell) => isIn(cell, box)).length;

/** The seed's own box, widened value by value, factor by factor in this order, as long as it holds no cell from outside. */
function grow(
  { factors: own }: Placed,
  order: readonly string[],
  values: ReadonlyMap<string, readonly Value[]>,
  outside: readonly Placed[],
): Box {
  const box = new Map(
    Object.entries(own).flatMap(([name, value]) => (order.includes(name) ? [[name, [value] as readonly Value[]]] : [])),
  );
  // of each cell outside, how many factors keep it out of the box
  const apart = outside.map(({ factors }) => [...box].filter(([name, [value]]) => factors[name] !== value).length);
  if (apart.includes(0)) return box;
  for (const name of order) {
    for (const value of values.get(name) ?? []) {
      const before = box.get(name);
      if (before === undefined || before.includes(value)) continue;
      if (outside.some(({ factors }, index) => apart[index] === 1 && factors[name] === value)) continue;
      box.set(name, [...before, value]);
      for (let index = 0; index < outside.length; index++)
        if (outside[index]?.factors[name] === value) apart[index] = (apart[index] as number) - 1;
    }
  }
  return box;
}

/** Without the values that exclude no cell, and with the fewest factors that do: those of all such ways, or of the first. */
function told(box: Box, all: readonly Placed[], isBrief: boolean): Box {
  const inside = all.filter((cell) => isIn(cell, box));
  const bounds: Box = new Map(
    [...box.keys()].map((name) => [
      name,
      valuesOf(name, all).filter((value) => valuesOf(name, inside).includes(value)),
    ]),
  );
  const boundsOf = (names: readonly string[]): Box => new Map([...bounds].filter(([name]) => names.includes(name)));
  const names = [...bounds.keys()];
  for (let size = 0; size < names.length; size++) {
    const ways = [...choices(names, size)].filter((some) => covered(boundsOf(some), all) === inside.length);
    const [first] = ways;
    if (first) return boundsOf(isBrief ? first : ways.flat());
  }
  return bounds;
}

/** All ways to take `size` of the names, those with the first names first. */
function* choices(names: readonly string[], size: number): Generator<string[]> {
  if (size === 0) return yield [];
  for (const [index, name] of names.entries())
    for (const others of choices(names.slice(index + 1), size - 1)) yield [name, ...others];
}
