import { LingerlabError } from '../errors.ts';
import type { AnyDefinition } from '../experiment/definition.ts';
import { didYouMean } from '../text/nearest.ts';
import type { PlannedCell } from './cells.ts';

/** Wanted values by factor, as printed. */
export type Where = Readonly<Record<string, readonly string[]>>;

/**
 * Read `--where factor=value[,value]`, given any number of times: values of the same factor are merged.
 * Throws BAD_OPTION where a text has another form.
 */
export function parseWhere(texts: readonly string[]): Record<string, string[]> {
  const merged = new Map<string, Set<string>>();
  for (const text of texts) {
    const [, factor, list] = /^\s*([^=,\s]+)\s*=(.*)$/s.exec(text) ?? [];
    const values = list?.split(',').map((value) => value.trim());
    if (factor === undefined || !values || values.some((value) => !/^[\w.+-]+$/.test(value))) {
      throw new LingerlabError(
        'BAD_OPTION',
        `--where "${text}" is not of the form factor=value or factor=value,value`,
        'write for example --where linger=off,zero, and one --where for each factor',
      );
    }
    const wanted = merged.get(factor) ?? new Set();
    for (const value of values) wanted.add(value);
    merged.set(factor, wanted);
  }
  return Object.fromEntries([...merged].map(([factor, values]) => [factor, [...values]]));
}

/**
 * Check that some of these experiments have the factor and that some of them have each value.
 * Throws UNKNOWN_FACTOR or UNKNOWN_FACTOR_VALUE with the nearest right one and all that there are.
 */
export function checkFactor(experiments: readonly AnyDefinition[], factor: string, values: readonly string[]): void {
  const having = experiments.filter(({ factors }) => Object.hasOwn(factors, factor));
  const which = experiments.length === 1 ? `experiment "${experiments[0]!.id}"` : 'any selected experiment';
  if (having.length === 0) {
    const names = [...new Set(experiments.flatMap(({ factors }) => Object.keys(factors)))];
    throw new LingerlabError(
      'UNKNOWN_FACTOR',
      `there is no factor "${factor}" in ${which}${didYouMean(factor, names)}`,
      names.length === 0 ? 'leave --where out: these experiments have no factors' : `factors: ${names.join(', ')}`,
    );
  }
  const known = [...new Set(having.flatMap(({ factors }) => factors[factor]!.map(String)))];
  for (const value of values) {
    if (known.includes(value)) continue;
    throw new LingerlabError(
      'UNKNOWN_FACTOR_VALUE',
      `factor "${factor}" has no value "${value}"${didYouMean(value, known)}`,
      `values of ${factor}: ${known.join(', ')}`,
    );
  }
}

/** Whether a cell has each of the wanted factors with one of its wanted values. */
export const isWanted = (cell: Pick<PlannedCell, 'factors'>, where: Where): boolean =>
  Object.entries(where).every(
    ([factor, values]) => Object.hasOwn(cell.factors, factor) && values.includes(String(cell.factors[factor])),
  );
