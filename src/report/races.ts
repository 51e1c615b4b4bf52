import type { Declaration } from '../record/fact.ts';
import { minP } from '../stats/min-p.ts';
import { oddsExceed, type TwoByTwo } from '../stats/odds.ts';
import { type Permuted, permuteStrata, type Question, type Stratum } from '../stats/stratified.ts';
import { settle, type Test } from './families.ts';
import { alpha } from './judge.ts';

/** A fact of one experiment's races: over all cells in which it is compared as a distribution. */
export interface RacingFact {
  readonly experiment: string;
  readonly fact: string;
  readonly declared: Declaration;
  /** By the cell's number among the strata: what each result says, as an outcome's number. */
  readonly question: Question;
}

/** A p-value, and what it is corrected for the number of facts. */
export interface Corrected {
  readonly p: number;
  readonly adjusted: number;
}

/** Enough to see that nothing is near alpha. */
const fewPermutations = 999;
/** The standard error of a p-value near alpha is 0.002. */
const permutations = 9999;
/** So far from alpha more permutations would not bring a p-value there. */
const farFromAlpha = 4 * alpha;

/**
 * Whether the odds of each fact's outcomes differ between the runs, be it in all cells together or in each its own way:
 * by permuting the runs within each cell, all facts at once.
 */
export function testOdds(
  strata: readonly Stratum[],
  facts: readonly Pick<RacingFact, 'question'>[],
  seed = 1,
): Corrected[] {
  const questions = facts.map(({ question }) => question);
  const few = correct(permuteStrata(strata, questions, fewPermutations, seed));
  if (few.every(({ adjusted }) => adjusted > farFromAlpha)) return few;
  return correct(permuteStrata(strata, questions, permutations, seed));
}

/** The p-value of one fact's odds in some of the cells, not corrected for other facts. */
export function oddsP(strata: readonly Stratum[], question: Question, cells: readonly number[], seed = 1): number {
  const permuted = permuteStrata(
    cells.map((cell) => strata[cell] as Stratum),
    [cells.map((cell) => question[cell] ?? [])],
    fewPermutations,
    seed,
  );
  return correct(permuted)[0]?.adjusted ?? 1;
}

function correct(permuted: readonly Permuted[]): Corrected[] {
  const corrected = minP(permuted.flatMap(({ together, within }) => [together, within]));
  return permuted.map((_, index) => {
    const [together, within] = corrected.slice(2 * index, 2 * index + 2) as [Corrected, Corrected];
    return together.adjusted <= within.adjusted ? together : within;
  });
}

/**
 * The same race on the same kernel has other odds when the machine is busier: up to 6.4 times others between six runs of
 * close-order within half an hour (both ends left in TIME-WAIT after 5 to 22 of 60 simultaneous closes).
 */
export const loadMovesOdds = 10;

/**
 * The facts of which some outcome's odds in one run are more than {@link loadMovesOdds} times those in another: more than
 * load explains. Facts by their place; the p-values are corrected by Tarone's and Holm's procedures.
 */
export function testBeyondLoad(
  strata: readonly Stratum[],
  facts: readonly RacingFact[],
  runs: number,
): ReadonlyMap<number, Corrected> {
  const pairs = Array.from({ length: runs * runs }, (_, index) => [Math.floor(index / runs), index % runs] as const);
  const tests = facts.flatMap(({ question }, fact) =>
    outcomesOf(question).flatMap((outcome) =>
      pairs.flatMap(([own, other]): Test<{ fact: number }>[] =>
        own === other
          ? []
          : [
              {
                ...oddsExceed(countsOf(strata, question, outcome, own, other), loadMovesOdds),
                method: 'exact',
                difference: { fact },
              },
            ],
      ),
    ),
  );
  const best = new Map<number, Corrected>();
  for (const { fact, test } of settle(tests).significant)
    if (test.adjusted < (best.get(fact)?.adjusted ?? 1)) best.set(fact, { p: test.p, adjusted: test.adjusted });
  return best;
}

/** The outcomes to ask about: of two, one says what the other does. */
function outcomesOf(question: Question): number[] {
  const all = [...new Set(question.flat())].filter((outcome) => outcome >= 0);
  return all.length === 2 ? all.slice(1) : all;
}

function countsOf(
  strata: readonly Stratum[],
  question: Question,
  outcome: number,
  own: number,
  other: number,
): TwoByTwo[] {
  return question.map((outcomes, index) => {
    const of = (run: number): number[] =>
      outcomes.filter((each, result) => each >= 0 && strata[index]?.samples[result] === run);
    const hits = (run: number): number => of(run).filter((each) => each === outcome).length;
    return { of: [of(own).length, of(other).length], hits: [hits(own), hits(other)] };
  });
}
