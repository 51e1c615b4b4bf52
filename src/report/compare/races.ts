import { factKey, type Observed } from '../../facts/values.ts';
import type { Declaration, FactValue } from '../../record/fact.ts';
import { type Stratum, smallestStratifiedP } from '../../stats/stratified.ts';
import { distribution } from '../format.ts';
import { factOf } from '../gather.ts';
import { alpha, type Corrected, oddsP, type RacingFact, testBeyondLoad, testOdds } from '../model/judge.ts';
import type { NotComparable, RaceDifference } from './comparison.ts';
import type { Labelled, MatchedCell } from './match.ts';

/** A fact that is compared as a distribution in one cell. */
export interface RaceOfCell {
  readonly cell: MatchedCell;
  readonly fact: string;
  readonly declared: Declaration;
  /** The runs in which it can be compared, by their place. */
  readonly runs: readonly number[];
}

/** What comparing the races came to. */
export interface RaceFindings {
  readonly differences: readonly RaceDifference[];
  readonly notComparable: readonly NotComparable[];
  /** Facts of cells that a test, or their being the same throughout, compared. */
  readonly facts: number;
  /** Facts of experiments that were tested. */
  readonly tests: number;
}

/** A fact of an experiment's races, with what each result says. */
interface Racing extends RacingFact {
  readonly own: readonly RaceOfCell[];
  readonly values: readonly (FactValue | undefined)[];
}

/** Compare the facts of races, each once for all cells of its experiment in which it is one. */
export function compareRaces(races: readonly RaceOfCell[], runs: readonly Labelled[]): RaceFindings {
  const strata = resultsOf(races);
  const facts = [...Map.groupBy(races, ({ cell, fact }) => JSON.stringify([cell.experiment, fact])).values()].map(
    (own) => racingOf(own, strata),
  );
  const samples = Math.max(0, ...strata.flatMap((stratum) => stratum.samples)) + 1;
  const enough = facts.filter((fact) => smallestP(fact, strata, samples) <= alpha);
  const tested = enough.filter(varies).sort((a, b) => rankOf(a, runs) - rankOf(b, runs));
  const told = onePerQuestion(tested);
  const odds = testOdds(
    strata,
    told.map(([first]) => first),
  );
  const beyond = testBeyondLoad(
    strata,
    told.map(([first]) => first),
    runs.length,
  );
  const count = (all: readonly Racing[]): number => all.reduce((total, { own }) => total + own.length, 0);
  return {
    differences: told.flatMap((same, index) => {
      const test = beyond.get(index) ?? odds[index];
      return test && test.adjusted <= alpha ? [differenceOf(same, beyond.has(index), test, strata, runs.length)] : [];
    }),
    notComparable: facts.filter((fact) => !enough.includes(fact)).flatMap((fact) => tooFew(fact, runs)),
    facts: count(enough),
    tests: tested.length,
  };
}

/** The facts that an experiment shows come first, in its order. */
function rankOf({ experiment, fact }: RacingFact, runs: readonly Labelled[]): number {
  const shows = runs.flatMap(({ experiments }) => experiments.get(experiment)?.shows ?? []);
  const rank = shows.indexOf(fact);
  return rank === -1 ? shows.length : rank;
}

function resultsOf(races: readonly RaceOfCell[]): Results[] {
  return [...new Set(races.map(({ cell }) => cell))].map((cell) => ({
    cell,
    samples: cell.groups.flatMap((group, run) => group?.ran.map(() => run) ?? []),
    records: cell.groups.flatMap((group) => group?.ran ?? []),
  }));
}

/** What a fact says of a cell in which it is no race, or known in no result: one for all, since most facts are of a few cells. */
const nothing: readonly number[] = [];

function racingOf(own: readonly RaceOfCell[], strata: readonly Results[]): Racing {
  const [{ cell, fact, declared }] = own as [RaceOfCell];
  const numbers = new Map<string, number>();
  const values: (FactValue | undefined)[] = [];
  const numberOf = (value: Observed): number => {
    if (value === null) return -1;
    const key = factKey(value);
    const known = numbers.get(key) ?? numbers.size;
    if (!numbers.has(key)) values.push(value);
    numbers.set(key, known);
    return known;
  };
  const runsOf = new Map(own.map((race) => [race.cell, race.runs]));
  const question = strata.map((stratum) => {
    const runs = runsOf.get(stratum.cell);
    if (!runs) return nothing;
    const outcomes = stratum.records.map((record, index) =>
      runs.includes(stratum.samples[index] as number) ? numberOf(factOf(record, fact)) : -1,
    );
    return outcomes.some((outcome) => outcome >= 0) ? outcomes : nothing;
  });
  return { experiment: cell.experiment, fact, declared, own, question, values };
}

/** In some cell not all results are alike. */
const varies = ({ question }: Racing): boolean => question.some((outcomes) => kinds(outcomes) > 1);

/** The known results of each run in a cell. */
const totals = ({ question }: Racing, stratum: number, samples: readonly number[], runs: number): number[] =>
  Array.from(
    { length: runs },
    (_, run) => samples.filter((each, index) => each === run && (question[stratum]?.[index] ?? -1) >= 0).length,
  );

const smallestP = (fact: Racing, strata: readonly Results[], runs: number): number =>
  smallestStratifiedP(
    strata.flatMap(({ samples }, index) =>
      fact.question[index] === nothing ? [] : [totals(fact, index, samples, runs)],
    ),
  );

function tooFew({ own, fact, experiment }: Racing, runs: readonly Labelled[]): NotComparable[] {
  return own.map(({ cell, runs: taken }) => ({
    experiment,
    cell: cell.id,
    fact,
    reasons: Object.fromEntries(
      taken.map((run) => {
        const known = cell.groups[run]?.ran.filter((record) => factOf(record, fact) !== null) ?? [];
        return [runs[run]?.label ?? '', `too few repeats (${known.length})`];
      }),
    ),
  }));
}

/** Facts that tell the same results apart, together: they differ, or do not, in the same way. */
const onePerQuestion = (facts: readonly Racing[]): (readonly [Racing, ...Racing[]])[] => [
  ...(Map.groupBy(facts, ({ question }) => JSON.stringify(question)).values() as Iterable<[Racing, ...Racing[]]>),
];

function differenceOf(
  [racing, ...others]: readonly [Racing, ...Racing[]],
  isBehaviour: boolean,
  test: Corrected,
  strata: readonly Results[],
  runs: number,
): RaceDifference {
  const cells = cellsOfOdds(racing, strata);
  return {
    experiment: racing.experiment,
    fact: racing.fact,
    declared: racing.declared,
    alike: others.map(({ fact }) => fact),
    isBehaviour,
    cells: cells.map((index) => (strata[index] as Results).cell.id),
    values: Array.from({ length: runs }, (_, run) => sharesOf(racing, cells, strata, run)),
    test: { method: isBehaviour ? 'exact, conditional' : 'permutation within cells', ...test },
  };
}

function sharesOf(
  { question, values }: Racing,
  cells: readonly number[],
  strata: readonly Results[],
  run: number,
): RaceDifference['values'][number] {
  const outcomes = cells.flatMap((cell) =>
    (question[cell] ?? []).filter((each, index) => each >= 0 && strata[cell]?.samples[index] === run),
  );
  return outcomes.length === 0 ? null : distribution(outcomes.map((each) => values[each]));
}

/** The results of a cell: each run's after those of the runs before it. */
export interface Results extends Stratum {
  readonly cell: MatchedCell;
  readonly records: readonly Parameters<typeof factOf>[0][];
}

/** How many different outcomes some results of a fact have. */
export const kinds = (outcomes: readonly number[]): number => new Set(outcomes.filter((each) => each >= 0)).size;

/** A p-value above which nothing at all points to a difference. */
const noHint = 0.5;

/**
 * The cells in which the odds differ: of those that come to outcomes which vary within a cell, the ones with the factor value that alone shows it,
 * where nothing in the others hints at it; all of them where no value does.
 */
export function cellsOfOdds({ question }: RacingFact, strata: readonly Results[]): number[] {
  const varying = new Set(question.filter((outcomes) => kinds(outcomes) > 1).flat());
  const all = strata.flatMap((_, index) =>
    question[index]?.some((outcome) => outcome >= 0 && varying.has(outcome)) ? [index] : [],
  );
  const parts = partsOf(all, strata).filter((part) => part.length < all.length);
  const shown = parts.flatMap((part) => {
    const others = all.filter((cell) => !part.includes(cell));
    const p = oddsP(strata, question, part);
    return p * parts.length <= alpha && oddsP(strata, question, others) > noHint ? [{ part, p }] : [];
  });
  return shown.sort((a, b) => a.p - b.p)[0]?.part ?? all;
}

/** The cells with each single factor value. */
function partsOf(cells: readonly number[], strata: readonly Results[]): number[][] {
  const pairs = cells.flatMap((cell) =>
    Object.entries(strata[cell]?.cell.factors ?? {}).map(([name, value]) => ({
      key: JSON.stringify([name, value]),
      cell,
    })),
  );
  return [...Map.groupBy(pairs, ({ key }) => key).values()].map((same) => same.map(({ cell }) => cell));
}
