import type { ExperimentRecord } from '../record/schema.ts';
import type { Observed } from './format.ts';
import { type CellGroup, declaredFact, factOf } from './gather.ts';

/** The states of a connection that is being opened: what was asked is what comes after them. */
export const openingStates: ReadonlySet<string> = new Set(['SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED']);

/** How the connection was opened in every result, by fact that is a path: a table says it once. */
export type Openings = ReadonlyMap<string, readonly string[]>;

/** The openings of the experiment's facts that are sequences of words. A value is never its opening alone. */
export function openingsOf(
  experiment: ExperimentRecord,
  facts: readonly string[],
  cells: readonly CellGroup[],
): Openings {
  const records = cells.flatMap(({ ran }) => ran);
  const openings = facts
    .filter((fact) => declaredFact(fact, experiment)?.type === 'words')
    .map((fact) => [fact, commonOpening(records.map((record) => factOf(record, fact)))] as const);
  return new Map(openings.filter(([, words]) => words.length > 0));
}

/** The value as a table shows it that says its opening elsewhere. */
export function withoutOpening(value: Observed, fact: string, openings: Openings): Observed {
  const opening = openings.get(fact);
  const words = wordsOf(value);
  return opening && words.length > 0 ? words.slice(opening.length) : value;
}

const wordsOf = (value: Observed): string[] =>
  Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];

/** The opening states with which all these values begin, and none of them ends. */
export function commonOpening(values: readonly Observed[]): readonly string[] {
  const [first, ...others] = values.map(wordsOf).filter((words) => words.length > 0);
  if (first === undefined || others.length === 0) return [];
  const shortest = Math.min(first.length, ...others.map(({ length }) => length));
  const isOther = (word: string, index: number): boolean =>
    !openingStates.has(word) || others.some((words) => words[index] !== word);
  const parts = first.findIndex(isOther);
  return first.slice(0, Math.min(shortest - 1, parts === -1 ? shortest : parts));
}
