import { LingerlabError } from '../errors.ts';
import type { AnyDefinition } from '../experiment/definition.ts';
import { didYouMean } from '../text/nearest.ts';
import type { PlannedCell } from './cells.ts';
import { checkFactor, isWanted } from './where.ts';

/** An experiment with all its cells. */
export interface Choice {
  readonly definition: AnyDefinition;
  readonly cells: readonly PlannedCell[];
}

/** What a pattern means in one experiment. */
export interface Match<C extends Choice> {
  readonly choice: C;
  readonly cells: readonly PlannedCell[];
  /** It names one whole cell, which is wanted even outside the default matrix. */
  readonly isCell: boolean;
}

/** Whether a pattern has characters that match more than themselves: `*` any text, `?` any character. */
const isGlob = (pattern: string): boolean => /[*?]/.test(pattern);

/** The glob as an expression for the whole text. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

/** The experiments that an id or a glob names. Throws UNKNOWN_EXPERIMENT where there is none. */
export function namedExperiments<T extends { readonly definition: { readonly id: string } }>(
  all: readonly T[],
  name: string,
): T[] {
  const expression = isGlob(name) ? glob(name) : undefined;
  const found = all.filter(({ definition: { id } }) => (expression ? expression.test(id) : id === name));
  if (found.length > 0) return found;
  const ids = all.map(({ definition }) => definition.id);
  throw new LingerlabError(
    'UNKNOWN_EXPERIMENT',
    expression ? `no experiment matches "${name}"` : `there is no experiment "${name}"${didYouMean(name, ids)}`,
    'run `lingerlab list` for all experiments',
  );
}

/**
 * The cells of some experiments that the part of a pattern behind `/` means: a whole cell's factors in any order, some of
 * its factors, or a glob over either. Throws UNKNOWN_FACTOR, UNKNOWN_FACTOR_VALUE or UNKNOWN_CELL.
 */
export function namedCells<C extends Choice>(choices: readonly C[], pattern: string, rest: string): Match<C>[] {
  const matches = (isGlob(rest) ? globbed(choices, rest) : literal(choices, pattern, rest)).filter(
    ({ cells }) => cells.length > 0,
  );
  if (matches.length === 0) throw unknownCell(pattern);
  return matches;
}

function globbed<C extends Choice>(choices: readonly C[], rest: string): Match<C>[] {
  const whole = glob(rest);
  const terms = rest.split(',').map(glob);
  const isMeant = (cell: PlannedCell): boolean => {
    const pairs = Object.entries(cell.factors).map(([name, value]) => `${name}=${value}`);
    return whole.test(pairs.join(',')) || terms.every((term) => pairs.some((pair) => term.test(pair)));
  };
  return choices.map((choice) => ({ choice, cells: choice.cells.filter(isMeant), isCell: false }));
}

function literal<C extends Choice>(choices: readonly C[], pattern: string, rest: string): Match<C>[] {
  const factors = new Map<string, string[]>();
  for (const term of rest.split(',')) {
    const [, factor, value] = /^([^=]+)=([^=]+)$/.exec(term) ?? [];
    if (factor === undefined || value === undefined || factors.has(factor)) throw unknownCell(pattern);
    factors.set(factor, [value]);
  }
  const definitions = choices.map(({ definition }) => definition);
  for (const [factor, values] of factors) checkFactor(definitions, factor, values);
  const where = Object.fromEntries(factors);
  return choices.map((choice) => ({
    choice,
    cells: choice.cells.filter((cell) => isWanted(cell, where)),
    isCell: factors.size === Object.keys(choice.definition.factors).length,
  }));
}

const unknownCell = (pattern: string): LingerlabError =>
  new LingerlabError(
    'UNKNOWN_CELL',
    `no cell matches "${pattern}"`,
    'write a cell as experiment/factor=value,factor=value; `lingerlab run EXPERIMENT --all --dry-run` prints all cells',
  );
