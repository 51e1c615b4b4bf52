import { factKey, formatCount, formatFact } from '../../facts/values.ts';
import type { Verdict } from '../../record/schema.ts';
import { median } from '../../stats/quantile.ts';
import { formatChange, formatDistribution, plural, type Share } from '../format.ts';
import { writtenThen } from '../model/answer.ts';
import { commonOpening } from '../model/fact-table.ts';
import { loadMovesOdds } from '../model/judge.ts';
import { type Which, whichOf } from '../which-cells.ts';
import type {
  BehaviourDifference,
  ComparedExperiment,
  ComparedRun,
  Comparison,
  CostRow,
  EnvironmentDifference,
  FateDifference,
  Flip,
  NotComparable,
  PerformanceDifference,
  RaceDifference,
  Unstable,
  VerdictDifference,
} from './comparison.ts';
import { alikeIn } from './explain.ts';
import type { Known } from './known.ts';
import { isRelative } from './loads.ts';
import { againText, cautions, extent, headline, markText, significance } from './words.ts';

/** View of a comparison: equal differences together, the surest first, values as texts. Renderers only lay it out. */
export interface Told {
  readonly runs: readonly ComparedRun[];
  /** The first sentence. */
  readonly headline: string;
  /** What a reader must know of the runs before the differences. */
  readonly cautions: readonly string[];
  readonly environment: readonly EnvironmentDifference[];
  /** What each connection costs, in instructions, with how much more or less than the first of them. */
  readonly instructions: readonly { readonly way: string; readonly values: readonly string[] }[];
  /** Those in which anything differs. */
  readonly experiments: readonly ToldExperiment[];
  /** Where cells ran again: a sentence, and what flipped. */
  readonly again?: { readonly text: string; readonly flips: readonly Flip[] };
  /** Changes of the kernel that explain differences: those that came first, first. */
  readonly changes: readonly Known[];
  /** Facts that some runs know and others do not: what was seen there went unseen here. */
  readonly oneSided: readonly { readonly text: string; readonly experiments: readonly NotComparableIn[] }[];
  /** What is not comparable for any other reason. */
  readonly notComparable: { readonly count: number; readonly experiments: readonly NotComparableIn[] };
  /** What was not compared, and by which tests the rest was: sentences. */
  readonly extent: readonly string[];
}

/** How the runs differ in one experiment; values and verdicts are one for each run. */
export interface ToldExperiment {
  readonly id: string;
  readonly question: string;
  readonly races: readonly ToldRace[];
  /** Further facts of races with other odds. */
  readonly otherOdds: readonly string[];
  readonly behaviour: readonly ToldDifference[];
  readonly performance: readonly ToldMeasurement[];
  /** How many other measured facts differ. */
  readonly otherMeasured: number;
  readonly unstable: readonly ToldUnstable[];
  readonly verdicts: readonly ToldVerdict[];
  /** Of each run, where they differ; null: it does not have the experiment. */
  readonly headlines: readonly (string | null)[];
}

/** A key for each run: equal for runs that do not differ, null where a run has nothing to compare. */
export type AlikeIn = readonly (string | null)[];

/** A race's odds. */
export interface ToldRace {
  readonly fact: string;
  readonly isBehaviour: boolean;
  readonly values: readonly string[];
  readonly alikeIn: AlikeIn;
  readonly where: Which;
  /** `other odds, p = 0.001`, or `odds more than 10 times others`. */
  readonly how: string;
  /** Which facts say the same. */
  readonly alike: readonly string[];
  /** `new`, or `known since Linux 6.1`; empty where all runs are of one kernel. */
  readonly mark: string;
}

/** Equal differences of several cells as one. */
export interface ToldDifference {
  readonly fact: string;
  /** One text for each run: its value or distribution; `not comparable` where it has none. */
  readonly values: readonly string[];
  readonly alikeIn: AlikeIn;
  /** How they were told apart; empty for unequal values. */
  readonly how: string;
  readonly where: Which;
  /** Other facts with these values in these cells. */
  readonly alike: readonly string[];
  readonly mark: string;
}

/** A measured fact of a cell. */
export interface ToldMeasurement {
  readonly fact: string;
  readonly cell: string;
  readonly runs: readonly [string, string];
  /** `61.2 s`, `65.0 s`. */
  readonly medians: readonly [string, string];
  /** `+6.2 %`. */
  readonly change: string;
  /** `p = 0.001, corrected p = 0.02`. */
  readonly significance: string;
  /** `61.2 s → 65.0 s (+6.2 %), p = 0.001, corrected p = 0.02, 10 and 10 repeats`. */
  readonly text: string;
}

/** A fact that varied within a run, and the cells in which it did. */
export interface ToldUnstable {
  readonly run: string;
  readonly fact: string;
  readonly cells: readonly string[];
}

/** A claim, or several that differ in the same way because a run left them open. */
export interface ToldVerdict {
  readonly claims: readonly string[];
  /** Of one claim. */
  readonly text?: string;
  readonly verdicts: readonly (Verdict | null)[];
  /** Of one claim: what each run's verdict rests on. */
  readonly details?: readonly (string | null)[];
  readonly mark: string;
}

/** What of an experiment is not comparable: how much, and what is so for the same reason as one. */
export interface NotComparableIn {
  readonly experiment: string;
  readonly count: number;
  readonly items: readonly {
    /** `A, C: unknown`. */
    readonly reason: string;
    /** None where it is the cells as a whole. */
    readonly facts: readonly string[];
    readonly cells: readonly string[];
  }[];
}

/** Makes the view of a comparison. */
export function toldOf(comparison: Comparison): Told {
  const { sided, others } = splitNotComparable(comparison.notComparable);
  return {
    runs: comparison.runs,
    headline: headline(comparison),
    cautions: cautions(comparison),
    environment: comparison.environment,
    instructions: comparison.instructions.map(costTold),
    experiments: comparison.experiments.flatMap((experiment) => experimentTold(experiment, comparison) ?? []),
    ...(comparison.again && { again: { text: againText(comparison.again), flips: comparison.again.flips } }),
    changes: changesIn(comparison),
    oneSided: [...sided].map(([runs, own]) => {
      const cells = new Set(own.map(({ cell }) => cell)).size;
      const text = `${runs}: ${plural(own.length, 'fact')} of ${plural(cells, 'cell')}`;
      return { text, experiments: foldNotComparable(own) };
    }),
    notComparable: { count: others.length, experiments: foldNotComparable(others) },
    extent: extent(comparison),
  };
}

/** `52,310`, then `54,002 (+3.2 %)` against the first that was counted. */
function costTold({ way, values }: CostRow): Told['instructions'][number] {
  const first = values.findIndex((value) => value !== null);
  return {
    way,
    values: values.map((value, index) => {
      if (value === null) return '–';
      return index === first
        ? formatCount(value)
        : `${formatCount(value)} (${formatChange(values[first] ?? 0, value)})`;
    }),
  };
}

function changesIn({ fates, differences, races, verdicts }: Comparison): Known[] {
  const all = [...fates, ...differences, ...races, ...verdicts].flatMap(({ known = [] }) => known);
  const byNumbers = new Intl.Collator('en', { numeric: true });
  return [...new Map(all.map((known) => [known.id, known])).values()].toSorted((a, b) =>
    byNumbers.compare(a.since, b.since),
  );
}

function experimentTold(experiment: ComparedExperiment, comparison: Comparison): ToldExperiment | undefined {
  const areOfSeveral = comparison.unexplained !== undefined;
  const own = <T extends { readonly experiment: string }>(all: readonly T[]): T[] =>
    all.filter((each) => each.experiment === experiment.id);
  const measurements = own(comparison.measurements).toSorted(
    (a, b) => Number(isRelative(b.fact)) - Number(isRelative(a.fact)) || a.test.p - b.test.p,
  );
  const told = {
    ...racesTold(own(comparison.races), experiment, areOfSeveral),
    behaviour: [
      ...foldFates(own(comparison.fates), experiment, comparison),
      ...foldDifferences(own(comparison.differences), experiment, areOfSeveral),
    ],
    performance: measurements.slice(0, mostMeasured).map(measurementTold),
    otherMeasured: Math.max(0, measurements.length - mostMeasured),
    unstable: foldUnstable(own(comparison.unstable)),
    verdicts: foldVerdicts(own(comparison.verdicts), areOfSeveral),
  };
  const { races, behaviour, performance, unstable, verdicts } = told;
  const { id, question, answers } = experiment;
  const headlines = differingHeadlines(answers);
  // what an older version wrote differs from a headline in any case
  const others = answers.some((answer) => answer?.asWrittenThen) ? [] : headlines;
  if ([races, behaviour, performance, unstable, verdicts, others].every(({ length }) => length === 0)) return undefined;
  return { id, question, ...told, headlines };
}

/** The headline of each run where they differ; none where they are alike. */
function differingHeadlines(answers: ComparedExperiment['answers']): (string | null)[] {
  const headlines = answers.map(
    (answer) => answer && answer.headline + (answer.asWrittenThen ? ` (${writtenThen})` : ''),
  );
  return new Set(headlines.filter((each) => each !== null)).size > 1 ? headlines : [];
}

/** Measured facts that are shown at most; the comparison's JSON has all. */
const mostMeasured = 12;
/** Facts of the same races that are shown at most where only the odds differ. */
const mostOdds = 3;

/** Returns the races to show, those that differ in behaviour first, and the facts of the others. */
function racesTold(
  all: readonly RaceDifference[],
  { cells }: ComparedExperiment,
  areOfSeveral: boolean,
): Pick<ToldExperiment, 'races' | 'otherOdds'> {
  const odds = all.filter(({ isBehaviour }) => !isBehaviour);
  const told = [...all.filter(({ isBehaviour }) => isBehaviour), ...odds.slice(0, mostOdds)];
  return {
    races: told.map((race) => ({
      fact: race.fact,
      isBehaviour: race.isBehaviour,
      values: raceValues(race),
      alikeIn: race.values.map(
        (shares) => shares && factKey(shares.map(({ value, times }) => `${factKey(value)} ${times}`).toSorted()),
      ),
      where: whichOf(
        cells.filter(({ id }) => race.cells.includes(id)),
        cells,
      ),
      how: `${race.isBehaviour ? `odds more than ${loadMovesOdds} times others` : 'other odds'}, ${significance(race.test)}`,
      alike: race.alike,
      mark: markText(race.known, areOfSeveral && race.isBehaviour),
    })),
    otherOdds: odds.slice(mostOdds).flatMap(({ fact, alike }) => [fact, ...alike]),
  };
}

/** A race's values, one text for each run, in one order and without what all of them begin with. */
function raceValues({ values, declared }: RaceDifference): string[] {
  const known = values.flatMap((shares) => shares?.map(({ value }) => value) ?? []);
  const opening = declared.type === 'words' ? commonOpening(known).length : 0;
  const short = (share: Share): Share =>
    Array.isArray(share.value) && share.value.length > 0 ? { ...share, value: share.value.slice(opening) } : share;
  const totals = Map.groupBy(
    values.flatMap((shares) => shares ?? []),
    ({ value }) => factKey(value),
  );
  const timesIn = ({ value }: Share): number =>
    totals.get(factKey(value))?.reduce((all, { times }) => all + times, 0) ?? 0;
  const inOrder = (shares: readonly Share[]): Share[] => shares.toSorted((a, b) => timesIn(b) - timesIn(a)).map(short);
  return values.map((shares) => (shares === null ? 'not comparable' : formatDistribution(inOrder(shares), declared)));
}

/** Cells that ran in some of the runs only, those with the same fate together. */
function foldFates(
  all: readonly FateDifference[],
  { cells }: ComparedExperiment,
  { runs, unexplained }: Pick<Comparison, 'runs' | 'unexplained'>,
): ToldDifference[] {
  const markOf = ({ known }: FateDifference) => markText(known, unexplained !== undefined);
  const valuesOf = ({ fates, reasons }: FateDifference) =>
    fates.map((fate, index) => reasons[runs[index]?.label ?? ''] ?? fate);
  const every = [
    ...new Map(
      [...cells, ...all.map(({ cell: id, factors }) => ({ id, factors }))].map((each) => [each.id, each]),
    ).values(),
  ];
  return [...Map.groupBy(all, (each) => JSON.stringify([valuesOf(each), markOf(each)])).values()].map((group) => {
    const ids = new Set(group.map(({ cell }) => cell));
    const own = every.filter(({ id }) => ids.has(id));
    return {
      fact: 'cell',
      values: valuesOf(group[0] as FateDifference),
      alikeIn: (group[0] as FateDifference).fates.map((fate) => (fate === 'not asked' ? null : fate)),
      how: '',
      where: whichOf(own, every),
      alike: [],
      mark: markOf(group[0] as FateDifference),
    };
  });
}

/** An experiment's differences in behaviour: cells with the same ones together, and facts that differ in the same way there. */
function foldDifferences(
  differences: readonly BehaviourDifference[],
  { cells }: ComparedExperiment,
  areOfSeveral: boolean,
): ToldDifference[] {
  const told = differences.map((each) => ({
    each,
    values: valuesOf(each),
    alikeIn: alikeIn(each).map((key) => key ?? null),
    how: howOf(each),
    mark: markText(each.known, areOfSeveral),
  }));
  const groups = Map.groupBy(told, ({ each, values, how, mark }) => JSON.stringify([each.fact, values, how, mark]));
  const folded = [...groups.values()].map((group) => {
    const [{ each, values, alikeIn: keys, how, mark }] = group as [(typeof told)[number]];
    const ids = new Set(group.map((other) => other.each.cell));
    const own = cells.filter(({ id }) => ids.has(id));
    return { fact: each.fact, values, alikeIn: keys, how, where: whichOf(own, cells), mark };
  });
  const same = Map.groupBy(folded, ({ values, how, where, mark }) => JSON.stringify([values, how, where.ids, mark]));
  return [...same.values()].map((group) => {
    const [first, ...others] = group as [(typeof folded)[number], ...typeof folded];
    return { ...first, alike: others.map(({ fact }) => fact) };
  });
}

/** A difference's values, one text for each run. */
export function valuesOf({ values, by, declared }: BehaviourDifference): string[] {
  return values.map((shares) => {
    if (shares === null) return 'not comparable';
    if (by === 'within') return formatFact(medianOf(shares), declared);
    return shares.length === 1 ? formatFact(shares[0]?.value, declared) : formatDistribution(shares, declared);
  });
}

const medianOf = (shares: readonly Share[]): number =>
  median(shares.flatMap(({ value, times }) => (typeof value === 'number' ? new Array<number>(times).fill(value) : [])));

const howOf = ({ by, resolution, declared }: BehaviourDifference): string =>
  by === 'exact' ? '' : `further apart than ${formatFact(resolution ?? 0, declared)}`;

function measurementTold({
  fact,
  cell,
  runs,
  medians,
  repeats,
  test,
  declared,
  normalised,
}: PerformanceDifference): ToldMeasurement {
  const [from, to] = medians;
  const shown = [formatFact(from, declared), formatFact(to, declared)] as const;
  const [change, p] = [formatChange(from, to), significance(test)];
  const values = `${shown.join(' → ')} (${change})`;
  const asFast = normalised === undefined ? '' : `, ${runs[1]} as if its machine were as fast as in ${runs[0]}`;
  return {
    fact,
    cell,
    runs,
    medians: shown,
    change,
    significance: p,
    text: `${values}${asFast}, ${p}, ${repeats.join(' and ')} repeats`,
  };
}

function foldUnstable(all: readonly Unstable[]): ToldUnstable[] {
  const groups = Map.groupBy(all, ({ run, fact }) => JSON.stringify([run, fact]));
  return [...groups.values()].map((group) => {
    const [{ run, fact }] = group as [Unstable];
    return { run, fact, cells: group.map(({ cell }) => cell) };
  });
}

/** Returns whether a run left the claim inconclusive, for example because the claim's cells did not run. */
const isOpen = ({ verdicts }: VerdictDifference): boolean => verdicts.includes('inconclusive');

/** Groups claims by how their verdicts differ: first claims that are shown one by one, then inconclusive claims together. */
function foldVerdicts(differences: readonly VerdictDifference[], areOfSeveral: boolean): ToldVerdict[] {
  // a claim that a run leaves open differs no more than its cells do
  const markOf = (each: VerdictDifference) => markText(each.known, areOfSeveral && !isOpen(each));
  const groups = Map.groupBy(differences.filter(isOpen), (each) => JSON.stringify([each.verdicts, markOf(each)]));
  const open = [...groups.values()].filter(({ length }) => length > 1);
  const told = differences.filter((each) => !open.some((group) => group.includes(each)));
  return [
    ...told.map((each) => ({
      claims: [each.claim],
      text: each.text,
      verdicts: each.verdicts,
      details: each.details,
      mark: markOf(each),
    })),
    ...open.map((group) => {
      const [first] = group as [VerdictDifference];
      return { claims: group.map(({ claim }) => claim), verdicts: first.verdicts, mark: markOf(first) };
    }),
  ];
}

/** Facts that are known in some runs only, by these runs; and what is not comparable for any other reason. */
function splitNotComparable(all: readonly NotComparable[]): {
  sided: ReadonlyMap<string, readonly NotComparable[]>;
  others: NotComparable[];
} {
  const isSided = ({ knownIn = [], unknownIn = [] }: NotComparable): boolean =>
    knownIn.length > 0 && unknownIn.length > 0;
  const sided = Map.groupBy(
    all.filter(isSided),
    ({ knownIn = [], unknownIn = [] }) => `Known in ${knownIn.join(', ')}, unknown in ${unknownIn.join(', ')}`,
  );
  return { sided, others: all.filter((each) => !isSided(each)) };
}

/** What is not comparable, by experiment. */
const foldNotComparable = (all: readonly NotComparable[]): NotComparableIn[] =>
  [...Map.groupBy(all, ({ experiment }) => experiment)].map(([experiment, own]) => ({
    experiment,
    count: own.length,
    items: foldReasons(own),
  }));

function foldReasons(all: readonly NotComparable[]): NotComparableIn['items'] {
  const groups = Map.groupBy(all, ({ reasons, fact }) => JSON.stringify([fact === undefined, reasons]));
  return [...groups.values()].map((group) => {
    const [{ reasons }] = group as [NotComparable];
    return {
      reason: reasonText(reasons),
      facts: [...new Set(group.flatMap(({ fact }) => fact ?? []))],
      cells: [...new Set(group.map(({ cell }) => cell))],
    };
  });
}

/** `A, C: unknown`: runs with the same reason together. */
function reasonText(reasons: Readonly<Record<string, string>>): string {
  const byReason = Map.groupBy(Object.entries(reasons), ([, reason]) => reason);
  return [...byReason].map(([reason, runs]) => `${runs.map(([run]) => run).join(', ')}: ${reason}`).join('; ');
}
