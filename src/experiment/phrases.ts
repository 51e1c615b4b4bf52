/** Phrases of claims and answers: what an experiment asks of a list, and how an answer writes counts and ranges. */
import { largest, least, NoValues } from '../stats/quantile.ts';
import { type Figure, figure, type Result } from './finding.ts';

/** Whether a list is these words, in this order, and no others: `is(facts['client.closedWith'], 'FIN', 'RST')`. */
export const is = <const W extends string>(list: readonly W[], ...words: readonly NoInfer<W>[]): boolean =>
  list.length === words.length && words.every((word, at) => word === list[at]);

/** The errno of each refused call: `is(errnos(facts['client.errors']), 'ECONNRESET')`. */
export const errnos = (calls: readonly { readonly errno: string }[]): string[] => calls.map(({ errno }) => errno);

type Counted = readonly unknown[] | number;
const countOf = (counted: Counted): number => (typeof counted === 'number' ? counted : counted.length);

/**
 * Writes how many of how many: `3 of 4`. Of outcomes it is a {@link Figure}, which knows them; of other lists, and of numbers of
 * them, a text. Throws NoValues where the whole is nothing (a figure when it is written), so that an answer made of nothing is no
 * answer, and RangeError where the part is no part of the whole.
 */
export function share(part: readonly Result[] | number, whole: readonly Result[]): Figure;
export function share(part: Counted, whole: Counted): string;
export function share(part: Counted, whole: Counted): string | Figure {
  const [some, all] = [countOf(part), countOf(whole)];
  if (![some, all].every(Number.isInteger) || some < 0 || some > all)
    throw new RangeError(`share(): the part must be a number from 0 to the whole: ${some} of ${all}`);
  if (areResults(whole)) return figure('share', whole, () => `${some} of ${all}`);
  if (all === 0) throw new NoValues('share');
  return `${some} of ${all}`;
}

const areResults = (list: Counted): list is readonly Result[] => typeof list !== 'number' && list.every(isResult);
const isResult = (value: unknown): value is Result =>
  typeof value === 'object' && value !== null && 'cell' in value && 'repeat' in value;

export interface RangeOptions {
  /** Digits after the decimal point. Default 0. */
  readonly digits?: number;
  /** Written after the numbers. Default: nothing. */
  readonly unit?: string;
}

/**
 * Writes the least and the largest of these values, `0.9–1.1 s`, or one number where both are written alike. Of what a function
 * reads of each outcome it is a {@link Figure}, which knows the outcomes; of numbers a text. Throws NoValues where there are none (a
 * figure when it is written), and RangeError where one of them is not a finite number.
 */
export function range<R extends Result>(
  outcomes: readonly R[],
  value: (outcome: R) => number,
  options?: RangeOptions,
): Figure;
export function range(values: readonly number[], options?: RangeOptions): string;
export function range<R extends Result>(
  of: readonly R[] | readonly number[],
  value?: RangeOptions | ((outcome: R) => number),
  options?: RangeOptions,
): string | Figure {
  if (typeof value !== 'function') return rangeText(of as readonly number[], value);
  const outcomes = of as readonly R[];
  const values = outcomes.map(value);
  return figure('range', outcomes, () => rangeText(values, options));
}

function rangeText(values: readonly number[], { digits = 0, unit }: RangeOptions = {}): string {
  const ends = [least(values), largest(values)];
  if (!ends.every(Number.isFinite)) throw new RangeError(`range(): values must be finite numbers: ${ends.join(', ')}`);
  const written = [...new Set(ends.map((end) => end.toFixed(digits)))];
  // 5--3 cannot be read
  const text = written.join(ends.some((end) => end < 0) ? ' to ' : '–');
  return unit === undefined ? text : `${text} ${unit}`;
}

/**
 * Joins parts of an answer to one sentence: with semicolons, a capital and a full stop. Leaves out `false` and `undefined`,
 * which stand for parts of which nothing ran; if nothing else is left, the sentence says that there is no answer.
 */
export function sentence(...parts: readonly (string | false | undefined)[]): string {
  const said = parts.filter((part) => part).join('; ') || 'the cells that ran do not answer this';
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
}
