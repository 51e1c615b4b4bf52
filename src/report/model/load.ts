import { formatFact } from '../../facts/values.ts';
import { cellKey } from '../../record/layout.ts';
import type { ExperimentRecord, LoadComparison } from '../../record/schema.ts';
import { type Against, against, alpha, margin, type Repeated } from '../../stats/against.ts';
import { median, quantile } from '../../stats/quantile.ts';
import { formatSpread } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { comparedFact, leftOutOf, ratiosOf } from './pairs.ts';

const rate = 'rate.perSecond';
/** Measured of each way, in this order, where the experiment has it: median, and between which values its repeats lie. */
const measured = [rate, 'rate.perCpuSecond', 'latency.p50Us', 'latency.p99Us', 'cpu.usPerConnection', 'timeWait.peak'];
/** What else it cost, in a table of medians alone. */
const costs = [
  'cpu.clientUs',
  'cpu.clientSystemUs',
  'cpu.serverUs',
  'cpu.serverSystemUs',
  'cpu.softirqUs',
  'memory.bytesPerTimeWait',
  'load.retransmits',
  'load.dropped',
];
const saturated = 'cpu.saturated';
/** Facts that are the same figure again and again through the window. */
const series = ['rate.series', 'latency.series', 'timeWait.series'];

/** A cell that measures throughput. */
export interface Way {
  readonly cell: string;
  /** Factor values that distinguish the way from the others, `by=fin`; empty if there are none. */
  readonly name: readonly string[];
}

/** How a way did against its baseline. */
export interface Compared extends Pick<Against, 'ratio' | 'differs' | 'pairs'> {
  /** Where it is not the first way. */
  readonly baseline?: Way;
  /** Absent where there are too few repeats for one. */
  readonly interval?: readonly [number, number];
}

/** What each way came to under load, against the first, and how it went through the window. */
export interface Load {
  /** How many each way has, the fewest and the most. */
  readonly repeats: readonly [number, number];
  /** There are repeats enough to compare the ways. */
  readonly compares: boolean;
  /** What differs by a smaller share counts as alike. */
  readonly margin: number;
  readonly alpha: number;
  /** How its results were paired. */
  readonly pairing: NonNullable<LoadComparison['method']>['pairing'];
  /** Why there are no more repeats. */
  readonly ended?: NonNullable<LoadComparison['ended']>;
  /** What was compared. */
  readonly compared: string;
  readonly facts: readonly string[];
  /** Of each of these facts the median, and with it between which values its repeats lie. */
  readonly ways: readonly (Way & {
    readonly medians: readonly string[];
    readonly values: readonly string[];
    readonly against?: Compared;
    /** Of a way that was compared, by fact: the median of its pairs, relative to the baseline. */
    readonly relative?: Readonly<Record<string, number>>;
    readonly drawn: DrawnWay;
  })[];
  readonly costs?: Costs;
  readonly series: readonly Series[];
}

/** What a chart draws of a way. */
export interface DrawnWay {
  readonly repeats: readonly DrawnRepeat[];
  /** What is compared relative to the baseline's, pair by pair; empty for a baseline. */
  readonly ratios: readonly number[];
  /** Medians, by fact. */
  readonly medians: Readonly<Record<string, number>>;
}

/** One result of a way. */
export interface DrawnRepeat {
  readonly repeat: number;
  /** It takes no part in the comparison. */
  readonly isOut: boolean;
  readonly values: Readonly<Record<string, number>>;
}

/** Medians of what else it cost. */
export interface Costs {
  readonly facts: readonly string[];
  /** The fact that says which processes were CPU-bound. */
  readonly saturated: string;
  readonly ways: readonly (Way & {
    /** Empty where it was not measured. */
    readonly values: readonly string[];
    /** What was CPU-bound, with the number of results; the most frequent first. */
    readonly saturated: readonly { readonly what: string; readonly times: number }[];
  })[];
}

/** A figure through the window: the median over repeats at each of its moments. */
export interface Series {
  readonly fact: string;
  readonly text: string;
  readonly ways: readonly (Way & {
    /** As shares of the largest of all ways. */
    readonly drawn: readonly number[];
    /** The median and the quartiles over repeats. */
    readonly first: string;
    readonly last: string;
  })[];
}

/** An experiment's load; undefined for one that measures no throughput. */
export function loadOf(experiment: ExperimentRecord, groups: readonly CellGroup[]): Load | undefined {
  const arms = groups.filter((cell) => numbersOf(cell, rate).length > 0);
  const [base, ...others] = arms;
  if (base === undefined) return undefined;
  const factors = Object.keys(base.factors).filter((name) => new Set(arms.map((cell) => cell.factors[name])).size > 1);
  const wayOf = (cell: CellGroup): Way => ({
    cell: cell.id,
    name: factors.map((name) => `${name}=${cell.factors[name]}`),
  });
  const facts = measured.filter((fact) => arms.some((cell) => numbersOf(cell, fact).length > 0));
  const compares = arms.some((cell) => cell.ran.length > 1);
  const { margin: share = margin, alpha: level = alpha, method, ended } = experiment.load ?? {};
  const found = compares ? comparedOf(experiment, base, others, wayOf) : new Map<string, Compared>();
  const ran = arms.map((cell) => cell.ran.length);
  const cost = costsOf(experiment, arms, wayOf);
  return {
    repeats: [Math.min(...ran), Math.max(...ran)],
    compares,
    margin: share,
    alpha: level,
    pairing: method?.pairing ?? 'repeat',
    compared: comparedFact(experiment.load),
    ...(ended && { ended }),
    facts,
    ways: arms.map((cell) => {
      const compared = found.get(cell.id);
      return {
        ...wayOf(cell),
        medians: facts.map((fact) => middleOf(cell, fact, experiment)),
        values: facts.map((fact) => formatSpread(numbersOf(cell, fact), declaredFact(fact, experiment))),
        ...(compared && { against: compared, relative: relativeOf(experiment, cell, arms, facts) }),
        drawn: drawnOf(experiment, cell, arms),
      };
    }),
    ...(cost && { costs: cost }),
    series: series.flatMap((fact) => throughOf(fact, experiment, arms, wayOf) ?? []),
  };
}

/** Numbers of each result that a chart has. */
const charted = [...measured, ...costs];

/** Facts of a way relative to its baseline's, as the run paired them. */
function ratiosIn(
  { load }: ExperimentRecord,
  cell: CellGroup,
  arms: readonly CellGroup[],
  fact?: string,
): readonly number[] {
  const named = load?.against.find((each) => each.cell === cell.id)?.baseline;
  const baseline = arms.find(({ id }) => id === named);
  if (!baseline) return [];
  const ways = arms.map(({ ran }) => ran);
  return ratiosOf(cell.ran, baseline.ran, ways, load, fact);
}

function relativeOf(
  experiment: ExperimentRecord,
  cell: CellGroup,
  arms: readonly CellGroup[],
  facts: readonly string[],
): Readonly<Record<string, number>> {
  const known = facts.map((fact) => [fact, ratiosIn(experiment, cell, arms, fact)] as const);
  return Object.fromEntries(known.flatMap(([fact, ratios]) => (ratios.length > 0 ? [[fact, median(ratios)]] : [])));
}

function drawnOf(experiment: ExperimentRecord, cell: CellGroup, arms: readonly CellGroup[]): DrawnWay {
  const out = leftOutOf(experiment.load);
  const known = charted.filter((fact) => numbersOf(cell, fact).length > 0);
  return {
    repeats: cell.ran.map((record) => ({
      repeat: record.repeat,
      isOut: out.has(cellKey(record.id, record.repeat)),
      values: Object.fromEntries(
        known.flatMap((fact) => {
          const value = factOf(record, fact);
          return typeof value === 'number' ? [[fact, value] as const] : [];
        }),
      ),
    })),
    ratios: ratiosIn(experiment, cell, arms),
    medians: Object.fromEntries(known.map((fact) => [fact, median(numbersOf(cell, fact))])),
  };
}

/** By cell, as the run compared them; a run that did not is compared here, each way with the first. */
function comparedOf(
  { load }: ExperimentRecord,
  base: CellGroup,
  others: readonly CellGroup[],
  wayOf: (cell: CellGroup) => Way,
): ReadonlyMap<string, Compared> {
  const ways = new Map([base, ...others].map((cell) => [cell.id, wayOf(cell)]));
  const arms = others.map((cell) => ({ name: cell, values: ratesOf(cell) }));
  const all =
    load?.against ??
    against(ratesOf(base), arms).map(({ name, ...each }) => ({ ...each, cell: name.id, baseline: base.id }));
  return new Map(
    all.map(({ cell, baseline, pairs, ratio, low, high, differs }) => {
      const other = baseline === base.id ? undefined : ways.get(baseline);
      const isBound = low !== undefined && high !== undefined && Number.isFinite(high);
      return [
        cell,
        { ratio, differs, pairs, ...(isBound && { interval: [low, high] }), ...(other && { baseline: other }) },
      ];
    }),
  );
}

function costsOf(
  experiment: ExperimentRecord,
  arms: readonly CellGroup[],
  wayOf: (cell: CellGroup) => Way,
): Costs | undefined {
  const facts = costs.filter((fact) => arms.some((cell) => numbersOf(cell, fact).length > 0));
  if (facts.length === 0) return undefined;
  return {
    facts,
    saturated,
    ways: arms.map((cell) => ({
      ...wayOf(cell),
      values: facts.map((fact) => middleOf(cell, fact, experiment)),
      saturated: mostly(cell),
    })),
  };
}

/** The median over repeats; empty where it was not measured. */
function middleOf(cell: CellGroup, fact: string, experiment: ExperimentRecord): string {
  const values = numbersOf(cell, fact);
  return values.length === 0 ? '' : formatFact(median(values), declaredFact(fact, experiment));
}

function mostly(cell: CellGroup): { what: string; times: number }[] {
  const said = cell.ran.map((record) => factOf(record, saturated)).filter((value) => typeof value === 'string');
  return [...Map.groupBy(said, (each) => each)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([what, those]) => ({ what, times: those.length }));
}

const numbersOf = (cell: CellGroup, fact: string): number[] =>
  cell.ran.map((record) => factOf(record, fact)).filter((value) => typeof value === 'number');

const ratesOf = (cell: CellGroup): Repeated =>
  new Map(
    cell.ran.flatMap((record) => {
      const value = factOf(record, rate);
      return typeof value === 'number' ? [[record.repeat, value] as const] : [];
    }),
  );

function throughOf(
  fact: string,
  experiment: ExperimentRecord,
  arms: readonly CellGroup[],
  wayOf: (cell: CellGroup) => Way,
): Series | undefined {
  const declared = declaredFact(fact, experiment);
  const lines = arms
    .map((cell) => ({ cell, medians: mediansOf(cell, fact) }))
    .filter(({ medians }) => medians.length > 0);
  if (lines.length === 0) return undefined;
  const most = Math.max(...lines.flatMap(({ medians }) => medians));
  const one = declared && { ...declared, type: 'number' as const };
  const spread = (cell: CellGroup, at: 0 | -1): string => {
    const [low, middle, high] = spreadAt(cell, fact, at).map((value) => formatFact(value, one));
    return `${middle} (${low} to ${high})`;
  };
  return {
    fact,
    text: declared?.text ?? '',
    ways: lines.map(({ cell, medians }) => ({
      ...wayOf(cell),
      drawn: medians.map((value) => (most === 0 ? 0 : value / most)),
      first: spread(cell, 0),
      last: spread(cell, -1),
    })),
  };
}

const seriesOf = (cell: CellGroup, fact: string): number[][] =>
  cell.ran.map((record) => factOf(record, fact)).filter((value) => Array.isArray(value)) as number[][];

/** The quartiles over repeats of the first or the last moment that all have. */
function spreadAt(cell: CellGroup, fact: string, at: 0 | -1): number[] {
  const all = seriesOf(cell, fact);
  const length = Math.min(...all.map((values) => values.length));
  const values = all.map((each) => each[at === 0 ? 0 : length - 1] as number);
  return [0.25, 0.5, 0.75].map((share) => quantile(values, share));
}

function mediansOf(cell: CellGroup, fact: string): number[] {
  const all = seriesOf(cell, fact);
  const length = Math.min(...all.map((values) => values.length));
  if (all.length === 0) return [];
  return Array.from({ length }, (_, at) => median(all.map((values) => values[at] as number)));
}
