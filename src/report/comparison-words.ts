import { median } from '../stats/quantile.ts';
import type {
  BehaviourDifference,
  ComparedCell,
  Comparison,
  NotComparable,
  PerformanceDifference,
  Significance,
  Unstable,
} from './comparison.ts';
import { formatChange, formatDistribution, formatFact, formatP, plural, type Share } from './format.ts';
import { someOf, whichCells } from './which-cells.ts';

/** A name shown as it is, or as code. */
type Mark = (text: string) => string;

/** The first sentence: how many differences there are, in how much. */
export function headline({ behaviour, performance, compared, experiments }: Comparison): string {
  const cells = plural(compared.cells, 'cell');
  if (compared.cells === 0) return 'Nothing could be compared: no cell has facts in two runs.';
  if (compared.facts === 0) return `Nothing could be compared: no fact of ${cells} is known in two runs.`;
  const within = `${plural(compared.facts, 'fact')} of ${cells} in ${plural(experiments.length, 'experiment')}`;
  if (behaviour + performance === 0) return `No difference in ${within}.`;
  const what =
    behaviour === 0
      ? 'No difference in behaviour'
      : plural(behaviour, 'difference in behaviour', 'differences in behaviour');
  const speed =
    performance === 0 ? 'none in performance' : `${plural(performance, 'measured fact')} with another performance`;
  return `${what}, ${speed}, in ${within}.`;
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
          `${plural(untested, 'measured fact')} with too few repeats to test: 4 in each run are the fewest (\`--repeat 4\`), more facts need more.`,
        ]
      : []),
    ...(tests.race + tests.measurement > 0
      ? [
          `Races by the Fisher–Freeman–Halton exact test (${plural(tests.race, 'test')}), measurements by Mann–Whitney U (${plural(tests.measurement, 'test')}), at α = ${alpha}, each sort corrected for its number by Holm.`,
        ]
      : []),
  ];
}

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
    return by === 'exact' && shares.length === 1
      ? formatFact(shares[0]?.value, declared)
      : formatDistribution(shares, declared);
  });
}

const medianOf = (shares: readonly Share[]): number =>
  median(shares.flatMap(({ value, times }) => (typeof value === 'number' ? new Array<number>(times).fill(value) : [])));

function howOf({ by, resolution, test, declared }: BehaviourDifference): string {
  if (by === 'exact') return '';
  if (by === 'within') return `further apart than ${formatFact(resolution ?? 0, declared)}`;
  return test ? significance(test) : '';
}

function significance({ p, adjusted }: Significance): string {
  const [own, corrected] = [formatP(p), formatP(adjusted)];
  return own === corrected ? own : `${own}, corrected ${corrected}`;
}

/** `61.2 s → 65.0 s (+6.2 %), p = 0.001, corrected p = 0.02, 10 and 10 repeats`. */
export function performanceWords({ medians, repeats, test, declared }: PerformanceDifference): string {
  const [from, to] = medians;
  const values = `${formatFact(from, declared)} → ${formatFact(to, declared)} (${formatChange(from, to)})`;
  return `${values}, ${significance(test)}, ${repeats.join(' and ')} repeats`;
}

/** `client 2/3, server 1/3 in run A`. */
export const unstableWords = ({ values, declared, run }: Unstable): string =>
  `${formatDistribution(values, declared)} in run ${run}`;

/** What is not comparable for the same reason, as one: the reason with its runs, and what. */
export function foldNotComparable(all: readonly NotComparable[], mark: Mark): { reason: string; what: string }[] {
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

/** `unknown in A and C`: runs with the same reason together. */
function reasonWords(reasons: Readonly<Record<string, string>>): string {
  const byReason = Map.groupBy(Object.entries(reasons), ([, reason]) => reason);
  return [...byReason].map(([reason, runs]) => `${runs.map(([run]) => run).join(', ')}: ${reason}`).join('; ');
}

/** In which of an experiment's compared cells. */
export const inCells = (cells: readonly ComparedCell[], all: readonly ComparedCell[], mark: Mark): string =>
  `in ${whichCells(cells, all, mark)}`;

/** What a reader must know of the runs before the differences: emulation, runs that are not complete, changed questions. */
export function cautions({ runs, environment, experiments }: Comparison): string[] {
  const open = runs.filter(({ status }) => status !== 'complete');
  const slowness = environment.find(({ name }) => name === 'accelerator' || name === 'slowness');
  const changed = experiments.filter((experiment) => experiment.changed);
  return [
    ...open.map(({ label, status }) => `Run ${label} is ${status}: it may lack cells and verdicts.`),
    ...(slowness
      ? ['The machines run at different speeds (emulation): differences in performance say nothing of the kernels.']
      : []),
    ...(changed.length > 0
      ? [`The files of these experiments differ between the runs: ${changed.map(({ id }) => id).join(', ')}.`]
      : []),
  ];
}
