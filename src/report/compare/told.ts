import { median } from '../../stats/quantile.ts';
import { factKey, formatChange, formatDistribution, formatFact, formatP, plural, type Share } from '../format.ts';
import { commonOpening } from '../model/fact-table.ts';
import { loadMovesOdds, type Significance } from '../model/judge.ts';
import { someOf, whichCells } from '../which-cells.ts';
import type {
  BehaviourDifference,
  ComparedCell,
  Comparison,
  NotComparable,
  PerformanceDifference,
  RaceDifference,
  Unstable,
  VerdictDifference,
} from './comparison.ts';

/** A name shown as it is, or as code. */
type Mark = (text: string) => string;

/** Equal differences of several cells as one. */
export interface FoldedDifference {
  readonly fact: string;
  /** One text for each run: its value or distribution; `not comparable` where it has none. */
  readonly values: readonly string[];
  /** How they were told apart. */
  readonly how: string;
  readonly cells: readonly ComparedCell[];
}

/** An experiment's differences in behaviour, cells with the same ones together. */
export function foldDifferences(
  differences: readonly BehaviourDifference[],
  cells: readonly ComparedCell[],
): FoldedDifference[] {
  const told = differences.map((each) => ({ each, values: valuesOf(each), how: howOf(each) }));
  const groups = Map.groupBy(told, ({ each, values, how }) => JSON.stringify([each.fact, values, how]));
  return [...groups.values()].map((group) => {
    const [{ each, values, how }] = group as [(typeof told)[number]];
    const ids = new Set(group.map((other) => other.each.cell));
    return { fact: each.fact, values, how, cells: cells.filter(({ id }) => ids.has(id)) };
  });
}

function valuesOf({ values, by, declared }: BehaviourDifference): string[] {
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

/** So many measured facts tell where performance differs; the comparison's JSON has all. */
const mostMeasured = 12;

/** The measured facts that differ most surely, and how many others there are, in words. */
export function strongest(all: readonly PerformanceDifference[]): { told: PerformanceDifference[]; left: string } {
  const told = all.toSorted((a, b) => a.test.p - b.test.p).slice(0, mostMeasured);
  const left = all.length - told.length;
  return { told, left: left > 0 ? `And ${plural(left, 'other measured fact')}: \`--json\` has all.` : '' };
}

/** Facts that varied within a run, and the ids of the cells in which they did. */
export function foldUnstable(all: readonly Unstable[]): { run: string; fact: string; cells: string[] }[] {
  const groups = Map.groupBy(all, ({ run, fact }) => JSON.stringify([run, fact]));
  return [...groups.values()].map((group) => {
    const [{ run, fact }] = group as [Unstable];
    return { run, fact, cells: group.map(({ cell }) => cell) };
  });
}

/** What of an experiment is not comparable: how much, and what is so for the same reason as one. */
export interface NotComparableIn {
  readonly experiment: string;
  readonly count: number;
  readonly items: readonly { readonly reason: string; readonly what: string }[];
}

/** What is not comparable, by experiment. */
export function foldNotComparable(all: readonly NotComparable[], mark: Mark): NotComparableIn[] {
  return [...Map.groupBy(all, ({ experiment }) => experiment)].map(([experiment, own]) => ({
    experiment,
    count: own.length,
    items: foldReasons(own, mark),
  }));
}

function foldReasons(all: readonly NotComparable[], mark: Mark): NotComparableIn['items'] {
  const groups = Map.groupBy(all, ({ reasons, fact }) => JSON.stringify([fact === undefined, reasons]));
  return [...groups.values()].map((group) => {
    const [{ reasons }] = group as [NotComparable];
    const cells = [...new Set(group.map(({ cell }) => cell))];
    const facts = [...new Set(group.flatMap(({ fact }) => fact ?? []))];
    const where = someOf(cells, mark, 2);
    return {
      reason: reasonWords(reasons),
      what: facts.length === 0 ? where : `${someOf(facts, mark, 3)} in ${where}`,
    };
  });
}

/** Facts that some runs know and others do not: what was seen there went unseen here. */
export interface OneSided {
  /** `Known in A, unknown in B: 12 facts in 5 cells`. */
  readonly text: string;
  readonly all: readonly NotComparable[];
}

const unknownIn = ({ fact, reasons, knownIn = [] }: NotComparable): string[] =>
  fact === undefined || knownIn.length === 0
    ? []
    : Object.entries(reasons).flatMap(([run, reason]) => (/^unknown\b/.test(reason) ? [run] : []));

/** What is known in some runs only, by these runs; and what is not comparable for any other reason. */
export function splitNotComparable(all: readonly NotComparable[]): { oneSided: OneSided[]; others: NotComparable[] } {
  const sided = all.filter((each) => unknownIn(each).length > 0);
  const groups = Map.groupBy(
    sided,
    (each) => `Known in ${each.knownIn?.join(', ')}, unknown in ${unknownIn(each).join(', ')}`,
  );
  const oneSided = [...groups].map(([runs, own]) => {
    const cells = new Set(own.map(({ cell }) => cell)).size;
    return { text: `${runs}: ${plural(own.length, 'fact')} of ${plural(cells, 'cell')}`, all: own };
  });
  return { oneSided, others: all.filter((each) => !sided.includes(each)) };
}

/** `unknown in A and C`: runs with the same reason together. */
function reasonWords(reasons: Readonly<Record<string, string>>): string {
  const byReason = Map.groupBy(Object.entries(reasons), ([, reason]) => reason);
  return [...byReason].map(([reason, runs]) => `${runs.map(([run]) => run).join(', ')}: ${reason}`).join('; ');
}

/** A run that did not come to their cells leaves claims open, which says nothing of the kernels. */
const isOpen = ({ verdicts }: VerdictDifference): boolean => verdicts.includes('inconclusive');

/** Claims by how their verdicts differ: those to tell one by one, and those that some runs left open, together. */
export function foldVerdicts(differences: readonly VerdictDifference[]): {
  told: VerdictDifference[];
  open: { verdicts: VerdictDifference['verdicts']; claims: string[] }[];
} {
  const groups = Map.groupBy(differences.filter(isOpen), ({ verdicts }) => JSON.stringify(verdicts));
  const open = [...groups.values()].filter(({ length }) => length > 1);
  return {
    told: differences.filter((each) => !open.some((group) => group.includes(each))),
    open: open.map((group) => ({ verdicts: group[0]?.verdicts ?? [], claims: group.map(({ claim }) => claim) })),
  };
}

/** An experiment's compared cells with these ids. */
export const cellsNamed = (ids: readonly string[], cells: readonly ComparedCell[]): ComparedCell[] =>
  cells.filter(({ id }) => ids.includes(id));

/** In which of an experiment's compared cells. */
export const inCells = (cells: readonly ComparedCell[], all: readonly ComparedCell[], mark: Mark): string =>
  `in ${whichCells(cells, all, mark)}`;

/** The first sentence: how many differences there are, in how much. */
export function headline({ behaviour, contradicted, performance, races, compared, experiments }: Comparison): string {
  const cells = plural(compared.cells, 'cell');
  if (compared.cells === 0) return 'Nothing could be compared: no cell has facts in two runs.';
  if (compared.facts === 0) return `Nothing could be compared: no fact of ${cells} is known in two runs.`;
  const within = `${plural(compared.facts, 'fact')} of ${cells} in ${plural(experiments.length, 'experiment')}`;
  if (behaviour + performance === 0) return `No difference in ${within}.`;
  const odds = races.filter(({ isBehaviour }) => !isBehaviour).length;
  const measured = performance - odds;
  const what =
    behaviour === 0
      ? 'No difference in behaviour'
      : plural(behaviour, 'difference in behaviour', 'differences in behaviour');
  const speed = [
    ...(odds > 0 ? [plural(odds, 'fact of races with other odds', 'facts of races with other odds')] : []),
    ...(measured > 0 ? [`${plural(measured, 'measured fact')} with another performance`] : []),
  ];
  const claims =
    contradicted > 0 ? ` (${plural(contradicted, 'claim')} that one run confirms and another refutes)` : '';
  return `${what}${claims}, ${speed.length === 0 ? 'none in performance' : speed.join(', ')}, in ${within}.`;
}

/** What was not compared, and by which tests the rest was: sentences. */
export function extent({ compared, alpha }: Comparison): string[] {
  const { cellsNotComparable, factsNotComparable, untested, tests } = compared;
  const whole = compared.cells > 0 ? ['Nothing was left out as not comparable.'] : [];
  const left = [
    cellsNotComparable > 0 && `${plural(cellsNotComparable, 'cell')}`,
    factsNotComparable > 0 && `${plural(factsNotComparable, 'fact')}`,
  ].filter(Boolean);
  return [
    ...(left.length > 0 ? [`Not comparable: ${left.join(' and ')}.`] : whole),
    ...(untested > 0
      ? [
          `${plural(untested, 'measured fact')} with too few values to test: 4 in each run are the fewest (\`--repeat 4\`), more facts need more.`,
        ]
      : []),
    ...(tests.race > 0
      ? [
          `${plural(tests.race, 'fact')} of races by permutation within their cells, all cells of an experiment together, corrected by Westfall and Young, at α = ${alpha}.`,
        ]
      : []),
    ...(tests.measurement > 0
      ? [`Measurements by Mann–Whitney U (${plural(tests.measurement, 'test')}), corrected by Holm, at α = ${alpha}.`]
      : []),
  ];
}

/** `p = 0.01, corrected p = 0.04`. */
export function significance({ p, adjusted }: Significance): string {
  const [own, corrected] = [formatP(p), formatP(adjusted)];
  return own === corrected ? own : `${own}, corrected ${corrected}`;
}

/** `61.2 s → 65.0 s (+6.2 %), p = 0.001, corrected p = 0.02, 10 and 10 repeats`. */
export function performanceWords({ medians, repeats, test, declared }: PerformanceDifference): string {
  const [from, to] = medians;
  const values = `${formatFact(from, declared)} → ${formatFact(to, declared)} (${formatChange(from, to)})`;
  return `${values}, ${significance(test)}, ${repeats.join(' and ')} repeats`;
}

/** What a reader must know of the runs before the differences: emulation, runs that are not complete, changed questions. */
export function cautions({ runs, environment, experiments, races }: Comparison): string[] {
  const open = runs.filter(({ status }) => status !== 'complete');
  const slowness = environment.find(({ name }) => name === 'accelerator' || name === 'slowness');
  const changed = experiments.filter((experiment) => experiment.changed);
  return [
    ...open.map(({ label, status }) => `Run ${label} is ${status}: it may lack cells and verdicts.`),
    ...(slowness
      ? ['The machines run at different speeds (emulation): differences in performance say nothing of the kernels.']
      : []),
    ...(races.some(({ isBehaviour }) => !isBehaviour)
      ? [
          'The odds of a race move with the load of a machine, too: run both again, on quiet machines, before you blame a kernel.',
        ]
      : []),
    ...(changed.length > 0
      ? [`The files of these experiments differ between the runs: ${changed.map(({ id }) => id).join(', ')}.`]
      : []),
  ];
}

/** So many facts of the same races tell a reader what is other about their odds. */
const mostOdds = 3;

/** The races to tell, those that differ in behaviour first, and the facts of the others. */
export function racesToTell(races: readonly RaceDifference[]): { told: RaceDifference[]; others: string[] } {
  const odds = races.filter(({ isBehaviour }) => !isBehaviour);
  return {
    told: [...races.filter(({ isBehaviour }) => isBehaviour), ...odds.slice(0, mostOdds)],
    others: odds.slice(mostOdds).flatMap(({ fact, alike }) => [fact, ...alike]),
  };
}

/** A race's values, one text for each run, in one order and without what all of them begin with. */
export function raceValues({ values, declared }: RaceDifference): string[] {
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

/** `other odds, p = 0.001`, or `odds further apart than load explains`, and which facts say the same. */
export function raceWords({ isBehaviour, alike, test }: RaceDifference, mark: (text: string) => string): string {
  const what = isBehaviour ? `odds more than ${loadMovesOdds} times others` : 'other odds';
  const also = alike.length === 0 ? '' : `; the same for ${someOf(alike, mark, 2)}`;
  return `${what}, ${significance(test)}${also}`;
}
