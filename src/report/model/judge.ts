import { timerSlotSeconds } from '../../facts/timer-wheel.ts';
import { factKey, type Observed, secondsOf } from '../../facts/values.ts';
import type { Declaration, FactValue } from '../../record/fact.ts';
import { margin } from '../../stats/against.ts';
import { mannWhitney, mannWhitneyMethod, smallestMannWhitneyP } from '../../stats/mann-whitney.ts';
import { holm, minP, testable } from '../../stats/multiplicity.ts';
import { oddsExceed, type TwoByTwo } from '../../stats/odds.ts';
import { median } from '../../stats/quantile.ts';
import { type Permuted, permuteStrata, type Question, type Stratum } from '../../stats/stratified.ts';

/** The chance of a false alarm that a comparison accepts, over all its tests of one sort together. */
export const alpha = 0.05;

/** One fact over the repeats of one cell in one run; what was not observed is left out. */
export interface Sample {
  readonly known: readonly (FactValue | undefined)[];
  readonly hz: number;
  readonly race: boolean;
  /** By what share the speed of the machine moved meanwhile, where that was measured and matters. */
  readonly moved?: number;
}

/**
 * How samples of a fact compare by its declaration; `tested`: whether they differ depends on p, and on how
 * many tests are made; `smallest` is the least p that so many repeats can give.
 */
export type Judgement =
  | { readonly kind: 'same' }
  | { readonly kind: 'different'; readonly by: 'exact' }
  | { readonly kind: 'different'; readonly by: 'within'; readonly resolution: number }
  | {
      readonly kind: 'tested';
      readonly p: number;
      readonly smallest: number;
      readonly method: string;
    }
  | { readonly kind: 'untestable'; readonly why: string };

/** The repeats in which a fact was observed or not tried, as a sample. */
export const sampleOf = (values: readonly Observed[], hz: number, race: boolean): Sample => ({
  known: values.filter((value) => value !== null),
  hz,
  race,
});

/** Whether an exact fact of a cell that is no race differs between its repeats. */
export const isUnstable = (declared: Declaration, sample: Sample): boolean =>
  declared.compare === 'exact' &&
  !sample.race &&
  sample.known.length > 1 &&
  new Set(sample.known.map(factKey)).size > 1;

/** Whether samples of a fact are compared as distributions: they are races, or the fact varied between repeats. */
export const isRace = (declared: Declaration, samples: readonly Sample[]): boolean =>
  declared.compare === 'race' ||
  (declared.compare === 'exact' && samples.some((each) => each.race || isUnstable(declared, each)));

/** Compare two or more samples that are no race, each with at least one known value. A measurement compares two. */
export function judge(declared: Declaration, samples: readonly Sample[]): Judgement {
  if (declared.compare === 'measurement') return judgeMeasurement(samples);
  if (declared.compare === 'within') return judgeWithin(declared, samples);
  const keys = new Set(samples.flatMap(({ known }) => known.map(factKey)));
  return keys.size === 1 ? { kind: 'same' } : { kind: 'different', by: 'exact' };
}

const numbersOf = ({ known }: Sample): number[] => known.filter((value) => typeof value === 'number');

function judgeWithin(declared: Declaration, samples: readonly Sample[]): Judgement {
  const medians = samples.map((sample) => median(numbersOf(sample)));
  if (medians.every(Number.isNaN)) return { kind: 'same' };
  if (medians.some(Number.isNaN)) return { kind: 'untestable', why: 'tried in some only' };
  const resolution = resolutionOf(
    declared,
    medians,
    samples.map(({ hz }) => hz),
  );
  const apart = Math.max(...medians) - Math.min(...medians);
  return apart <= resolution * (1 + 1e-9) ? { kind: 'same' } : { kind: 'different', by: 'within', resolution };
}

function judgeMeasurement(samples: readonly Sample[]): Judgement {
  const [a, b] = samples.map(numbersOf) as [number[], number[]];
  if (a.length === 0 && b.length === 0) return { kind: 'same' };
  if (a.length === 0 || b.length === 0) return { kind: 'untestable', why: 'tried in some only' };
  const smallest = smallestMannWhitneyP(a.length, b.length);
  if (smallest > alpha) return { kind: 'untestable', why: 'too few repeats' };
  if (new Set([...a, ...b]).size === 1) return { kind: 'same' };
  const [less, more] = median(a) < median(b) ? [a, b] : [b, a];
  const beyond = Math.max(margin, driftOf(a), driftOf(b), ...samples.map(({ moved = 0 }) => moved));
  const raised = less.map((value) => value * (1 + beyond));
  // with the margin they lie the other way round: of 36,000 facts of two runs nearly all
  const isWithin = median(raised) >= median(more);
  return {
    kind: 'tested',
    p: isWithin ? 1 : mannWhitney(raised, more).p,
    smallest,
    method: `Mann–Whitney U beyond ${Math.round(beyond * 100)} %, ${mannWhitneyMethod(a.length, b.length)}`,
  };
}

/** So many repeats show how far a machine drifts: four medians of four. */
const driftRepeats = 16;

/**
 * How far repeats moved within one run, as a share: its quarters are compared, by their medians. Two runs of the same kernel differ by
 * as much in what all repeats of some seconds share: where processes were placed, what else the machine did then. No test of
 * repeats knows of that.
 */
export function driftOf(values: readonly number[]): number {
  if (values.length < driftRepeats) return 0;
  const quarters = [0, 1, 2, 3].map((nth) => values.slice((nth * values.length) / 4, ((nth + 1) * values.length) / 4));
  const medians = quarters.map(median);
  const [least, most] = [Math.min(...medians), Math.max(...medians)];
  return least > 0 ? most / least - 1 : 0;
}

/**
 * How far apart equal values of a `within` fact may lie, in its unit: as declared, or a timer slot of the longest value
 * on the machine where it is coarsest.
 */
export function resolutionOf(declared: Declaration, values: readonly number[], hz: readonly number[]): number {
  if (declared.resolution !== 'timer') return declared.resolution ?? 0;
  const unit = secondsOf(1, declared.unit) ?? 1;
  const longest = Math.max(0, ...values.map(Math.abs)) * unit;
  return Math.max(...hz.map((each) => timerSlotSeconds(longest, each))) / unit;
}

/** A test that can be made of a fact; whether it shows a difference depends on how many others there are. */
export interface Test<T> {
  readonly p: number;
  /** The smallest p that so many repeats can give. */
  readonly smallest: number;
  readonly method: string;
  readonly difference: T;
}

/** A family of tests, judged together. */
export interface Settled<T> {
  readonly significant: (T & { readonly test: Significance })[];
  readonly tested: readonly Test<T>[];
  /** Could not come out significant among so many. */
  readonly hopeless: readonly Test<T>[];
}

/** Judge tests of one sort together: Tarone's choice of those that can reach {@link alpha}, then Holm's correction. */
export function settle<T>(tests: readonly Test<T>[]): Settled<T> {
  const can = testable(
    tests.map(({ smallest }) => smallest),
    alpha,
  );
  const tested = tests.filter((_, index) => can[index]);
  const adjusted = holm(tested.map(({ p }) => p));
  const significant = tested.flatMap(({ p, method, difference }, index) => {
    const corrected = adjusted[index] ?? 1;
    return corrected <= alpha ? [{ ...difference, test: { method, p, adjusted: corrected } }] : [];
  });
  return { significant, tested, hopeless: tests.filter((_, index) => !can[index]) };
}

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
  return question.flatMap((outcomes, index): TwoByTwo[] => {
    if (outcomes.length === 0) return [];
    const of = (run: number): number[] =>
      outcomes.filter((each, result) => each >= 0 && strata[index]?.samples[result] === run);
    const [ownOf, otherOf] = [of(own), of(other)];
    const hits = (all: readonly number[]): number => all.filter((each) => each === outcome).length;
    return [{ of: [ownOf.length, otherOf.length], hits: [hits(ownOf), hits(otherOf)] }];
  });
}

/** A test's result; `adjusted` is what is compared with alpha. */
export interface Significance {
  readonly method: string;
  readonly p: number;
  /** For the number of such tests in the comparison. */
  readonly adjusted: number;
}
