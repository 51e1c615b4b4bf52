import type { Declaration } from '../../record/fact.ts';
import type { CellRecord, Environment, Run } from '../../record/schema.ts';
import { median } from '../../stats/quantile.ts';
import { environmentOf } from '../gather.ts';
import { driftOf, judge, type Test } from '../model/judge.ts';
import { wordsOf } from '../model/load-wording.ts';
import { comparedFact, ratiosOf } from '../model/pairs.ts';
import type { PerformanceDifference, SpeedDifference } from './comparison.ts';
import type { Labelled, MatchedCell } from './match.ts';

/** Returns whether a cell measured throughput, which depends on the machine. */
export const isLoad = ({ groups }: MatchedCell): boolean =>
  groups.some((group) => group?.ran.some(({ load }) => load) ?? false);

/** Fields of the environment that distinguish machines. */
const machine: readonly (keyof Environment)[] = [
  'kernel',
  'arch',
  'cpu',
  'cores',
  'memory',
  'virtualization',
  'accelerator',
];

/** The wall clock is corrected by less than this between two runs of one boot, ms. */
const mostCorrectedMs = 10_000;

/** Calibrations that differ by less are of machines that are equally fast. */
const alikeSpeed = 0.05;

/** How fast the machine of one run was against that of another one. */
interface Speeds {
  readonly times: number;
  readonly isAlike: boolean;
  /** By what share either changed its speed from the beginning of its run to the end: no closer is `times` known. */
  readonly moved: number;
}

/**
 * How what loads measured in two runs can be compared: as it is, or the second run's after dividing it by how many times as fast its
 * machine was; undefined: not at all. Machines differ, or it is not known how fast they were and they were booted in between.
 */
export function speedsOf(a: Run, b: Run): Speeds | undefined {
  const [one, other] = [environmentOf(a), environmentOf(b)];
  if (machine.some((name) => one?.[name] !== other?.[name])) return undefined;
  const [own, others] = [fixedWorkUs(one), fixedWorkUs(other)];
  if (own === undefined || others === undefined)
    return Math.abs(bootOf(a) - bootOf(b)) <= mostCorrectedMs ? { times: 1, isAlike: true, moved: 0 } : undefined;
  const times = own / others;
  const moved = Math.max(movedIn(one), movedIn(other), driftIn(a), driftIn(b));
  return { times, isAlike: Math.max(times, 1 / times) <= 1 + alikeSpeed, moved };
}

/** What the fixed work of a calibration took, JavaScript and system calls alike, before and after the run: a geometric mean. */
function fixedWorkUs(seen: Environment | undefined): number | undefined {
  const { before, after = before } = seen?.calibration ?? {};
  return before && after && Math.sqrt(workUs(before) * workUs(after));
}

/** By what share the fixed work took longer, or less long, after the run than before it. */
function movedIn(seen: Environment | undefined): number {
  const { before, after } = seen?.calibration ?? {};
  if (!before || !after) return 0;
  const times = workUs(before) / workUs(after);
  return Math.max(times, 1 / times) - 1;
}

/** By what share the rate of the load that was repeated most moved within a run. */
function driftIn(run: Run): number {
  const known = drifts.get(run) ?? driftOf(mostRepeated(run));
  drifts.set(run, known);
  return known;
}

/** Asked for each measured fact. */
const drifts = new WeakMap<Run, number>();

function mostRepeated({ cells }: Run): number[] {
  const loads = Map.groupBy(
    cells.filter(({ load, status }) => load && status === 'ran'),
    ({ id }) => id,
  );
  const [most = []] = [...loads.values()].toSorted((a, b) => b.length - a.length);
  const inOrder = most.toSorted((a, b) => a.repeat - b.repeat);
  return inOrder.map(({ facts }) => facts['rate.perSecond']).filter((value) => typeof value === 'number');
}

type Worked = NonNullable<Environment['calibration']>['before'];
const workUs = ({ jsUs, systemUs }: Worked): number => Math.sqrt(jsUs * systemUs);

/** How fast the machine was in each other run against the first, where that was measured and both have a load. */
export function speedDifferences(cells: readonly MatchedCell[], runs: readonly Labelled[]): SpeedDifference[] {
  const loads = cells.filter(isLoad);
  const [base, ...others] = runs.filter((_, index) => loads.some(({ groups }) => groups[index]));
  if (!base || fixedWorkUs(environmentOf(base.run)) === undefined) return [];
  return others.flatMap((other) => {
    const speeds = speedsOf(base.run, other.run);
    if (!speeds || fixedWorkUs(environmentOf(other.run)) === undefined) return [];
    return [{ runs: [base.label, other.label] as const, ...speeds }];
  });
}

/** Facts that grow with the speed of the machine, besides times, which shrink. */
const growing = new Set(['rate.perSecond', 'rate.perCpuSecond', 'load.finished', 'timeWait.peak']);

/** A value of a load as it would be on a machine so many times slower. */
export function slowedBy(times: number, fact: string, { unit }: Declaration, value: number): number {
  if (growing.has(fact)) return value / times;
  return unit === 'us' ? value * times : value;
}

/** When the machine of a run's last session was booted, ms since 1970: CLOCK_MONOTONIC counts from there. */
function bootOf({ run }: Run): number {
  const { wall, monotonicNs } = run.sessions.at(-1)?.clock ?? run.clock;
  return Date.parse(wall) - Number(monotonicNs) / 1e6;
}

const relativeTo = ' relative to its baseline';
const relative = (fact: string): string => wordsOf(fact).of + relativeTo;
/** Whether that is what is compared instead of a fact. */
export const isRelative = (fact: string): boolean => fact.endsWith(relativeTo);
const declared: Declaration = { type: 'number', compare: 'measurement' };

/**
 * The first run that has a load relative to its baseline, pair by pair, against each other one: what the machine's speed
 * moves least, whichever machine it is.
 */
export function compareRatios(
  cells: readonly MatchedCell[],
  runs: readonly Labelled[],
): Test<Omit<PerformanceDifference, 'test'>>[] {
  return cells.filter(isLoad).flatMap((cell) => {
    const baseline = baselineOf(cell, cells, runs);
    const [fact, ...otherFacts] = new Set(
      runs.flatMap(({ experiments }, index) =>
        cell.groups[index] ? [comparedFact(experiments.get(cell.experiment)?.load)] : [],
      ),
    );
    // a ratio of rates says nothing beside one of costs
    if (fact === undefined || otherFacts.length > 0) return [];
    const known = runs.flatMap((run, index) => {
      const values = baseline ? ratiosIn(index, cell, baseline, cells, run) : [];
      return values.length > 0 ? [{ run, values }] : [];
    });
    const [base, ...others] = known;
    if (!base) return [];
    return others.flatMap((other) => {
      const [a, b] = [base, other].map(({ values, run }) => ({ known: values, hz: run.hz, race: false }));
      const judged = a && b && judge(declared, [a, b]);
      if (judged?.kind !== 'tested') return [];
      const { experiment, id } = cell;
      const difference = {
        experiment,
        cell: id,
        fact: relative(fact),
        declared,
        runs: [base.run.label, other.run.label] as const,
        medians: [median(base.values), median(other.values)] as const,
        repeats: [base.values.length, other.values.length] as const,
      };
      return [{ ...judged, difference }];
    });
  });
}

/** The cell with which the runs compared a cell; undefined where none says, or they do not agree. */
function baselineOf(
  { experiment, groups }: MatchedCell,
  cells: readonly MatchedCell[],
  runs: readonly Labelled[],
): MatchedCell | undefined {
  const said = runs.flatMap(({ experiments }, index) => {
    const against = experiments.get(experiment)?.load?.against.find(({ cell }) => cell === groups[index]?.id);
    return against ? (cells.find((each) => each.groups[index]?.id === against.baseline) ?? []) : [];
  });
  const [only, ...others] = new Set(said);
  return others.length === 0 ? only : undefined;
}

/** Of one run, as it paired its results. */
function ratiosIn(
  index: number,
  cell: MatchedCell,
  baseline: MatchedCell,
  cells: readonly MatchedCell[],
  { experiments }: Labelled,
): number[] {
  const own = cells.filter(({ experiment }) => experiment === cell.experiment);
  const records = new Map([...own, cell, baseline].map((each) => [each, each.groups[index]?.ran ?? none]));
  const ran = (each: MatchedCell): readonly CellRecord[] => records.get(each) ?? none;
  return ratiosOf(ran(cell), ran(baseline), own.map(ran), experiments.get(cell.experiment)?.load);
}

const none: readonly CellRecord[] = [];
