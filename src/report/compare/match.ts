import { LingerlabError } from '../../errors.ts';
import type { ExperimentRecord, Run } from '../../record/schema.ts';
import { type CellGroup, gatherCells, hzOf, type Planned, plannedIn } from '../gather.ts';

/** A run that is compared, with what it takes to do that. */
export interface Labelled {
  readonly label: string;
  readonly run: Run;
  readonly hz: number;
  readonly cells: ReadonlyMap<string, CellGroup>;
  /** The cells that it was asked for. */
  readonly planned: ReadonlyMap<string, Planned>;
  /** Why this machine cannot run some of them. */
  readonly unsupported: ReadonlyMap<string, string>;
  readonly experiments: ReadonlyMap<string, ExperimentRecord>;
}

/** What became of a cell in a run: it was not asked for there, or it has no result though it was. */
export type Fate = 'ran' | 'errored' | 'unsupported' | 'without a result' | 'not asked';

/** A cell as each run has it. */
export interface MatchedCell {
  readonly experiment: string;
  readonly id: string;
  readonly factors: CellGroup['factors'];
  readonly groups: readonly (CellGroup | undefined)[];
  readonly fates: readonly Fate[];
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
    cells: new Map(gatherCells(run).map((cell) => [keyOf(cell), withoutLeftOut(cell, run)])),
    planned: new Map(plannedIn(run).map((cell) => [keyOf(cell), cell])),
    unsupported: new Map(run.run.notRun.map(({ id, reason }) => [id, reason])),
    experiments: new Map(run.run.experiments.map((experiment) => [experiment.id, experiment])),
  }));
}

/** Without the results of loads that the run's own comparison leaves out, as it says for what reason. */
function withoutLeftOut(cell: CellGroup, { run }: Run): CellGroup {
  const out = run.experiments.find(({ id }) => id === cell.experiment)?.load?.out ?? [];
  const repeats = new Set(out.filter((each) => each.cell === cell.id).map(({ repeat }) => repeat));
  return repeats.size === 0 ? cell : { ...cell, ran: cell.ran.filter(({ repeat }) => !repeats.has(repeat)) };
}

/** Every cell that some run was asked for, by its experiment and factor values whatever their order. */
export function matchCells(runs: readonly Labelled[]): MatchedCell[] {
  const keys = new Map(runs.flatMap(({ planned }) => [...planned]));
  return [...keys.keys()].map((key) => {
    const groups = runs.map(({ cells }) => cells.get(key));
    const { experiment, id, factors } = groups.find(Boolean) ?? (keys.get(key) as Planned);
    const fates = runs.map((run, index) => fateOf(run, key, groups[index]));
    const reasons = runs.flatMap((run, index) => {
      const why = whyNot(run, key, groups[index]);
      return why === undefined ? [] : [[run.label, why] as const];
    });
    return {
      experiment,
      id,
      factors,
      groups: groups.map((group) => (group && group.ran.length > 0 ? group : undefined)),
      fates,
      reasons: Object.fromEntries(reasons),
    };
  });
}

function fateOf({ planned, unsupported }: Labelled, key: string, group: CellGroup | undefined): Fate {
  if (group) return group.status;
  const cell = planned.get(key);
  if (!cell) return 'not asked';
  return unsupported.has(cell.id) ? 'unsupported' : 'without a result';
}

/** Why a run has no facts of a cell, or not of all its repeats. */
function whyNot(
  { planned, unsupported, run }: Labelled,
  key: string,
  group: CellGroup | undefined,
): string | undefined {
  if (group?.status === 'ran') return group.ran.length > 0 ? undefined : 'the run leaves all its results out';
  if (group) return `${group.status}: ${group.reason ?? ''}`;
  const cell = planned.get(key);
  if (!cell) return 'not asked';
  const why = unsupported.get(cell.id);
  return why === undefined ? `without a result, the run is ${run.run.status}` : `unsupported: ${why}`;
}

/** What two runs call the same cell, whatever the order in which their ids name its factors. */
export const keyOf = ({ experiment, factors }: Pick<CellGroup, 'experiment' | 'factors'>): string =>
  `${experiment}/${Object.entries(factors)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',')}`;
