import { NoValues } from '../stats/quantile.ts';

/** One repeat of a cell, as `answer` is given it: what a number of an answer rests on. */
export interface Result {
  readonly cell: object;
  readonly repeat: number;
}

/** A number as an answer writes it, with the results that it rests on: made by `share()` and `range()`. */
export interface Figure {
  /** Throws NoValues where it rests on no result. */
  readonly toString: () => string;
  readonly results: readonly Result[];
}

/** A conclusion of an answer: its number, a sentence about it, and the results that both rest on. */
export interface Finding {
  /** `16 of 16`, `61.3–61.4 s` */
  readonly number: string;
  readonly text: string;
  readonly results: readonly Result[];
}

/** The answer to an experiment's question, made from facts: other facts give other sentences. */
export interface Conclusion {
  /**
   * One sentence of at most 120 characters that can be repeated without the report. `false` and `undefined` say that the cells that
   * ran do not answer the question.
   */
  readonly headline: string | false | undefined;
  /** At most six, the most useful first. `false` and `undefined` stand for findings of which nothing ran. */
  readonly findings: readonly (Finding | false | undefined)[];
}

const isFigure = (number: string | Figure): number is Figure => typeof number !== 'string';

/**
 * Adds a number to an answer: `finding(share(kept, closes), 'The end that closes first keeps TIME-WAIT.')`. A figure knows the
 * outcomes that it rests on; with a number that is written by hand give them. Returns undefined where there is no such outcome, so
 * that the answer to a part of the experiment's cells has the findings of that part.
 */
export function finding(figure: Figure, text: string): Finding | undefined;
export function finding(number: string, text: string, outcomes: readonly Result[]): Finding | undefined;
export function finding(number: string | Figure, text: string, outcomes: readonly Result[] = []): Finding | undefined {
  const results = isFigure(number) ? number.results : outcomes;
  return results.length === 0 ? undefined : { number: String(number), text, results };
}

/** A figure that is written when it is read: of no results there is none to write. */
export const figure = (asked: string, results: readonly Result[], write: () => string): Figure => ({
  results,
  toString() {
    if (results.length === 0) throw new NoValues(asked);
    return write();
  },
});
