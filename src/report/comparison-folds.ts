import { median } from '../stats/quantile.ts';
import type {
  BehaviourDifference,
  ComparedCell,
  NotComparable,
  PerformanceDifference,
  Unstable,
  VerdictDifference,
} from './comparison.ts';
import { formatDistribution, formatFact, plural, type Share } from './format.ts';
import { someOf, whichCells } from './which-cells.ts';

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

const unseenIn = ({ knownIn = [], unknownIn = [] }: NotComparable): readonly string[] =>
  knownIn.length === 0 ? [] : unknownIn;

/** What is known in some runs only, by these runs; and what is not comparable for any other reason. */
export function splitNotComparable(all: readonly NotComparable[]): { oneSided: OneSided[]; others: NotComparable[] } {
  const sided = all.filter((each) => unseenIn(each).length > 0);
  const groups = Map.groupBy(
    sided,
    (each) => `Known in ${each.knownIn?.join(', ')}, unknown in ${unseenIn(each).join(', ')}`,
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
