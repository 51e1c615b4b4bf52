import { LingerlabError } from '../../errors.ts';
import type { ExperimentRecord, Run } from '../../record/schema.ts';
import { type CellGroup, gatherCells, hzOf, plannedIn } from '../gather.ts';

/** A run that is compared, with what it takes to do that. */
export interface Labelled {
  readonly label: string;
  readonly run: Run;
  readonly hz: number;
  readonly cells: ReadonlyMap<string, CellGroup>;
  /** Why cells that the plan names did not run. */
  readonly notRun: ReadonlyMap<string, string>;
  readonly experiments: ReadonlyMap<string, ExperimentRecord>;
}

/** A cell as each run has it. */
export interface MatchedCell {
  readonly experiment: string;
  readonly id: string;
  readonly factors: CellGroup['factors'];
  readonly groups: readonly (CellGroup | undefined)[];
  /** Why a run has no facts of it, by label. */
  readonly reasons: Readonly<Record<string, string>>;
}

/** Runs under the names A, B, …. Throws BAD_OPTION for fewer than two. */
export function label(runs: readonly Run[]): Labelled[] {
  if (runs.length < 2) {
    throw new LingerlabError('BAD_OPTION', 'a comparison needs two runs at least', 'Name two run folders or more.');
  }
  return runs.map((run, index) => ({
    label: index < 26 ? String.fromCharCode(65 + index) : `R${index + 1}`,
    run,
    hz: hzOf(run),
    cells: new Map(gatherCells(run).map((cell) => [keyOf(cell), cell])),
    notRun: notRunIn(run),
    experiments: new Map(run.run.experiments.map((experiment) => [experiment.id, experiment])),
  }));
}

function notRunIn(run: Run): Map<string, string> {
  const unsupported = new Map(run.run.notRun.map(({ id, reason }) => [id, `unsupported: ${reason}`]));
  const without = `without a result, the run is ${run.run.status}`;
  return new Map(plannedIn(run).map((cell) => [keyOf(cell), unsupported.get(cell.id) ?? without]));
}

/** Every cell that ran in some run, by its experiment and factor values whatever their order. */
export function matchCells(runs: readonly Labelled[]): MatchedCell[] {
  const keys = new Set(runs.flatMap(({ cells }) => [...cells.keys()]));
  return [...keys].map((key) => {
    const groups = runs.map(({ cells }) => cells.get(key));
    const first = groups.find((group) => group !== undefined) as CellGroup;
    const reasons = runs.flatMap((run, index) => {
      const why = whyNot(groups[index], run.notRun.get(key));
      return why === undefined ? [] : [[run.label, why] as const];
    });
    return {
      experiment: first.experiment,
      id: first.id,
      factors: first.factors,
      groups: groups.map((group) => (group && group.ran.length > 0 ? group : undefined)),
      reasons: Object.fromEntries(reasons),
    };
  });
}

function whyNot(group: CellGroup | undefined, notRun: string | undefined): string | undefined {
  if (group === undefined) return notRun ?? 'not in this run';
  return group.ran.length > 0 ? undefined : `${group.status}: ${group.reason ?? ''}`;
}

const keyOf = ({ experiment, factors }: Pick<CellGroup, 'experiment' | 'factors'>): string =>
  `${experiment}/${Object.entries(factors)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',')}`;
