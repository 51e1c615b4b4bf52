import type { Declaration } from '../../record/fact.ts';
import type { Environment, Run } from '../../record/schema.ts';
import { median } from '../../stats/quantile.ts';
import { type CellGroup, environmentOf, factOf } from '../gather.ts';
import { judge, type Test } from '../model/judge.ts';
import type { PerformanceDifference } from './comparison.ts';
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

/** Whether two runs were made on one machine since the same boot, so that what their loads measured can be compared. */
export function isSameBoot(a: Run, b: Run): boolean {
  const [one, other] = [environmentOf(a), environmentOf(b)];
  if (machine.some((name) => one?.[name] !== other?.[name])) return false;
  return Math.abs(bootOf(a) - bootOf(b)) <= mostCorrectedMs;
}

/** When the machine of a run's last session was booted, ms since 1970: CLOCK_MONOTONIC counts from there. */
function bootOf({ run }: Run): number {
  const { wall, monotonicNs } = run.sessions.at(-1)?.clock ?? run.clock;
  return Date.parse(wall) - Number(monotonicNs) / 1e6;
}

const rate = 'rate.perSecond';
const relative = 'rate relative to its baseline';
const declared: Declaration = { type: 'number', compare: 'measurement' };

/**
 * The first run that has a load's rate relative to its baseline, repeat by repeat, against each other one of another machine or boot:
 * there absolute rates say nothing.
 */
export function compareRatios(
  cells: readonly MatchedCell[],
  runs: readonly Labelled[],
): Test<Omit<PerformanceDifference, 'test'>>[] {
  return cells.filter(isLoad).flatMap((cell) => {
    const baseline = baselineOf(cell, cells, runs);
    const known = runs.flatMap((run, index) => {
      const values = baseline ? ratiosOf(cell.groups[index], baseline.groups[index]) : [];
      return values.length > 0 ? [{ run, values }] : [];
    });
    const [base, ...others] = known;
    if (!base) return [];
    return others.flatMap((other) => {
      if (isSameBoot(base.run.run, other.run.run)) return [];
      const [a, b] = [base, other].map(({ values, run }) => ({ known: values, hz: run.hz, race: false }));
      const judged = a && b && judge(declared, [a, b]);
      if (judged?.kind !== 'tested') return [];
      const { experiment, id } = cell;
      const difference = {
        experiment,
        cell: id,
        fact: relative,
        declared,
        runs: [base.run.label, other.run.label] as const,
        medians: [median(base.values), median(other.values)] as const,
        repeats: [base.values.length, other.values.length] as const,
      };
      return [{ ...judged, difference }];
    });
  });
}

/** The cell with which the runs compared a cell's rate; undefined where none says, or they do not agree. */
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

function ratiosOf(group: CellGroup | undefined, baseline: CellGroup | undefined): number[] {
  const of = new Map(baseline?.ran.map((record) => [record.repeat, factOf(record, rate)]));
  return (group?.ran ?? []).flatMap((record) => {
    const [own, base] = [factOf(record, rate), of.get(record.repeat)];
    return typeof own === 'number' && typeof base === 'number' && base > 0 ? [own / base] : [];
  });
}
