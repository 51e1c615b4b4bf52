import { resolve } from 'node:path';
import { LingerlabError } from '../errors.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';
import { mostRepeats } from '../record/schema.ts';
import { cellsOf, isLoad, type PlannedCell } from './cells.ts';
import { type Match, namedCells, namedExperiments } from './pattern.ts';
import { checkFactor, isWanted, type Where } from './where.ts';

export interface SelectOptions {
  /** Only cells with these factor values, as printed. */
  readonly where: Where;
  /** Cells outside the default matrix, too. */
  readonly all: boolean;
  /** Only as many cells as it takes to see every factor value once. */
  readonly quick: boolean;
  /** How often each cell runs; otherwise as its experiment says. */
  readonly repeat?: number;
}

/** What will run, if this machine can. */
export interface Selection {
  /** Those that have a cell in it, in the order given. */
  readonly experiments: readonly LoadedExperiment[];
  /** Experiment by experiment, in definition order. */
  readonly cells: readonly PlannedCell[];
}

interface Candidate {
  readonly loaded: LoadedExperiment;
  readonly definition: LoadedExperiment['definition'];
  readonly cells: readonly PlannedCell[];
}

/** A race is still a race with two repeats. */
const quickRepeats = 2;

/**
 * The cells that the patterns name, narrowed by the options. Patterns are experiment ids, cell ids with their factors
 * in any order or only some of them, globs over either, or the path of a loaded file; none at all means everything but what runs only when it is named. A
 * cell that a pattern names whole is selected even outside the default matrix and is not dropped by `quick`.
 *
 * Throws UNKNOWN_EXPERIMENT, UNKNOWN_CELL, UNKNOWN_FACTOR, UNKNOWN_FACTOR_VALUE, NOTHING_SELECTED, and BAD_OPTION for a
 * number of repeats that is none.
 */
export function select(
  all: readonly LoadedExperiment[],
  patterns: readonly string[],
  options: SelectOptions,
): Selection {
  checkRepeat(options.repeat);
  const matches = named(all, patterns);
  const definitions = [...new Set(matches.map(({ choice }) => choice.definition))];
  for (const [factor, values] of Object.entries(options.where)) checkFactor(definitions, factor, values);

  const wanted = matches.map((match) => ({
    ...match,
    cells: match.cells.filter((cell) => isWanted(cell, options.where)),
  }));
  const experiments: LoadedExperiment[] = [];
  const cells: PlannedCell[] = [];
  for (const loaded of all) {
    const own = cellsIn(
      wanted.filter(({ choice }) => choice.loaded === loaded),
      options,
    );
    if (own.length > 0) experiments.push(loaded);
    cells.push(...withBaselineTurns(own.map((cell) => repeated(cell, options))));
  }
  if (cells.length === 0) throw nothing(wanted);
  checkResults(cells);
  return { experiments, cells };
}

/** What each pattern means in each experiment that it concerns. */
function named(all: readonly LoadedExperiment[], patterns: readonly string[]): Match<Candidate>[] {
  const known = new Map<LoadedExperiment, Candidate>();
  const candidate = (loaded: LoadedExperiment): Candidate => {
    const { definition } = loaded;
    const made = known.get(loaded) ?? { loaded, definition, cells: cellsOf(definition) };
    known.set(loaded, made);
    return made;
  };
  const whole = (loaded: LoadedExperiment, isId: boolean): Match<Candidate> => {
    const choice = candidate(loaded);
    // without factors, the experiment's id is its cell's
    return { choice, cells: choice.cells, isCell: isId && Object.keys(loaded.definition.factors).length === 0 };
  };
  if (patterns.length === 0)
    return all.filter(({ definition }) => definition.whenNamed !== true).map((loaded) => whole(loaded, false));
  return patterns.flatMap((pattern) => {
    const file = all.find((loaded) => loaded.file === resolve(pattern));
    if (file) return whole(file, false);
    const [, experiment, rest] = /^([^/]*)(?:\/(.*))?$/s.exec(pattern)!;
    const found = namedExperiments(all, experiment!);
    if (rest === undefined) return found.map((loaded) => whole(loaded, loaded.definition.id === pattern));
    return namedCells(found.map(candidate), pattern, rest);
  });
}

/** One experiment's cells that some pattern wants, each once, in definition order. */
function cellsIn(matches: readonly Match<Candidate>[], options: SelectOptions): PlannedCell[] {
  const whole = new Set(matches.filter(({ isCell }) => isCell).flatMap(({ cells }) => cells));
  const all = matches[0]?.choice.cells ?? [];
  const isChosen = (cell: PlannedCell, isNarrowed: boolean): boolean =>
    cell.isDefault || (options.all && (isNarrowed || !cell.isRare));
  const others = new Set(
    matches.flatMap(({ cells }) =>
      cells.filter((cell) => !whole.has(cell) && isChosen(cell, cells.length < all.length)),
    ),
  );
  const rest = all.filter((cell) => others.has(cell));
  const few = options.quick && rest.length > 0 ? withBaselines(cover(rest), rest) : rest;
  const chosen = new Set([...whole, ...few]);
  return all.filter((cell) => chosen.has(cell));
}

/** These cells, with those that they are compared with. */
function withBaselines(cells: readonly PlannedCell[], all: readonly PlannedCell[]): readonly PlannedCell[] {
  const baselines = new Set(cells.filter(isLoad).map(({ baseline }) => baseline));
  return [...all.filter(({ id }) => baselines.has(id)), ...cells];
}

function repeated(cell: PlannedCell, { quick, repeat }: SelectOptions): PlannedCell {
  if (repeat === undefined && !quick) return cell;
  const repeats = repeat ?? Math.min(cell.repeats, quickRepeats);
  if (!isLoad(cell)) return { ...cell, repeats };
  const { until: _, ...counted } = cell;
  return { ...counted, repeats };
}

/** A baseline runs before each repeat of a cell that is compared with it, and once more behind the last. */
function withBaselineTurns(cells: readonly PlannedCell[]): PlannedCell[] {
  const loads = cells.filter(isLoad);
  return cells.map((cell) => {
    const own = loads.filter(({ baseline }) => baseline === cell.id);
    return own.length === 0 ? cell : { ...cell, repeats: own.reduce((sum, { repeats }) => sum + repeats, 1) };
  });
}

/** A run keeps its results in memory, some kB each. */
const mostResults = 250_000;

/** Throws BAD_OPTION where these cells with their repeats, those of baselines included, are more results than a run can keep. */
export function checkResults(cells: readonly { readonly repeats: number }[]): void {
  const results = cells.reduce((sum, { repeats }) => sum + repeats, 0);
  if (results <= mostResults && cells.every(({ repeats }) => repeats <= mostRepeats)) return;
  throw new LingerlabError(
    'BAD_OPTION',
    `the selected cells and repeats make ${results} results; a run has at most ${mostResults}, and ${mostRepeats} of one cell`,
    'select fewer cells, or lower --repeat',
  );
}

function checkRepeat(repeat: number | undefined): void {
  if (repeat === undefined || (Number.isSafeInteger(repeat) && repeat >= 1 && repeat <= mostRepeats)) return;
  throw new LingerlabError(
    'BAD_OPTION',
    `--repeat ${repeat} is not a whole number from 1 to ${mostRepeats}`,
    'write for example --repeat 5',
  );
}

function nothing(wanted: readonly Match<Candidate>[]): LingerlabError {
  const outside = new Set(wanted.flatMap(({ cells }) => cells)).size;
  const isOne = outside === 1;
  return outside > 0
    ? new LingerlabError(
        'NOTHING_SELECTED',
        `no cell is selected: the ${isOne ? 'one' : outside} that ${isOne ? 'matches is' : 'match are'} outside the default matrix`,
        'add --all, or name a cell by its whole id',
      )
    : new LingerlabError(
        'NOTHING_SELECTED',
        'no cell is selected: no cell has all the factor values of --where at once',
        'leave out a --where, or name other experiments',
      );
}

const pairsOf = (cell: PlannedCell): string[] =>
  Object.entries(cell.factors).map(([name, value]) => `${name}=${value}`);

/**
 * A small part of one experiment's cells in which every factor value of theirs occurs: each time the cell with the most
 * values not yet seen, of equals the quickest, of those the first; then without those that the later ones made needless.
 * In the order given.
 */
export function cover(cells: readonly PlannedCell[]): PlannedCell[] {
  const missing = new Set(cells.flatMap(pairsOf));
  const gain = (cell: PlannedCell): number => pairsOf(cell).filter((pair) => missing.has(pair)).length;
  const chosen = new Set<PlannedCell>();
  while (missing.size > 0 || chosen.size === 0) {
    const best = cells
      .filter((cell) => !chosen.has(cell))
      .toSorted((a, b) => gain(b) - gain(a) || a.seconds - b.seconds)[0];
    if (!best) break;
    chosen.add(best);
    for (const pair of pairsOf(best)) missing.delete(pair);
  }
  for (const cell of [...chosen].sort((a, b) => b.seconds - a.seconds)) {
    const others = new Set([...chosen].filter((other) => other !== cell).flatMap(pairsOf));
    if (chosen.size > 1 && pairsOf(cell).every((pair) => others.has(pair))) chosen.delete(cell);
  }
  return cells.filter((cell) => chosen.has(cell));
}
