import { LingerlabError } from '../errors.ts';
import type { CellRecord, Run } from '../record/schema.ts';
import { didYouMean } from '../text/nearest.ts';

/** Names that are listed in a message. */
const mostNames = 5;

/**
 * The results of the cell that a text names: its id, its id with the factors in another order or with only some of them, or
 * the beginning of its id, as long as that is one cell's alone.
 * @throws LingerlabError UNKNOWN_CELL
 */
export function resultsOf({ folder, run, cells }: Run, name: string): CellRecord[] {
  const ids = [...new Set(cells.map(({ id }) => id))];
  const exact = ids.filter((id) => id === name);
  const found = exact.length > 0 ? exact : named(name, ids);
  if (found.length === 1) return cells.filter(({ id }) => id === found[0]);
  if (found.length > 1) {
    const more = found.length > mostNames ? `, and ${found.length - mostNames} more` : '';
    throw new LingerlabError(
      'UNKNOWN_CELL',
      `"${name}" is the beginning or a part of ${found.length} cells`,
      `name one of them: ${found.slice(0, mostNames).join(', ')}${more}`,
    );
  }
  const [planned] = named(name, run.plan);
  if (planned !== undefined) {
    throw new LingerlabError(
      'UNKNOWN_CELL',
      `${folder} has no result of cell "${planned}": the run ended before it`,
      '`lingerlab run --resume` with that folder runs it',
    );
  }
  throw new LingerlabError(
    'UNKNOWN_CELL',
    `${folder} has no result of cell "${name}"${nearTo(name, ids)}`,
    `\`lingerlab show ${folder}\` lists its cells`,
  );
}

const factorsOf = (id: string): { readonly experiment: string; readonly pairs: readonly string[] } => {
  const slash = id.indexOf('/');
  if (slash === -1) return { experiment: id, pairs: [] };
  return { experiment: id.slice(0, slash), pairs: id.slice(slash + 1).split(',') };
};

/** The cells that have all the factors that a name gives; failing that, those that begin with it. */
function named(name: string, ids: readonly string[]): string[] {
  const { experiment, pairs } = factorsOf(name);
  const having = ids.filter((id) => {
    const own = factorsOf(id);
    return own.experiment === experiment && pairs.every((pair) => own.pairs.includes(pair));
  });
  return having.length > 0 ? having : ids.filter((id) => id.startsWith(name));
}

/** What was probably meant: the experiment, a factor's value, or the whole id. */
function nearTo(name: string, ids: readonly string[]): string {
  const { experiment, pairs } = factorsOf(name);
  const own = ids.map(factorsOf).filter((each) => each.experiment === experiment);
  const known = [...new Set(own.flatMap((each) => each.pairs))];
  const [wrong] = pairs.filter((pair) => !known.includes(pair));
  const whole = didYouMean(name, ids);
  if (whole !== '') return whole;
  if (own.length === 0) return didYouMean(experiment, new Set(ids.map((id) => factorsOf(id).experiment)));
  return wrong === undefined ? '' : didYouMean(wrong, known);
}

/**
 * The result of one repeat; `repeat` may be left out where there is one.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION where a repeat must be named, or there is none of that number
 */
export function resultOf(run: Run, name: string, repeat?: number): CellRecord {
  const results = resultsOf(run, name);
  const [only] = results as [CellRecord];
  if (repeat === undefined && results.length === 1) return only;
  const found = results.find((result) => result.repeat === repeat);
  if (found) return found;
  const has = `"${only.id}" has ${results.length === 1 ? 'one result' : `${results.length} results`}`;
  throw new LingerlabError(
    'BAD_OPTION',
    repeat === undefined ? `${has}, and --repeat is missing` : `${has}, and no result of repeat ${repeat}`,
    results.length === 1 ? 'leave --repeat out' : `add --repeat N: ${repeatsText(results)}`,
  );
}

/** `1 to 20 (errored: 3)`. */
function repeatsText(results: readonly CellRecord[]): string {
  const repeats = results.map(({ repeat }) => repeat).sort((a, b) => a - b);
  const [first, last] = [repeats[0] as number, repeats.at(-1) as number];
  const isWhole = last - first + 1 === repeats.length && repeats.length > 2;
  const errored = results.filter(({ status }) => status === 'errored').map(({ repeat }) => repeat);
  return `${isWhole ? `${first} to ${last}` : repeats.join(', ')}${errored.length > 0 ? ` (errored: ${errored.join(', ')})` : ''}`;
}
