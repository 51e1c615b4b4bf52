import { cellId } from '../experiment/definition.ts';
import { absentCounter } from '../facts/counters.ts';
import { ofAnyEnd, withoutRole } from '../facts/roles.ts';
import { declarationOf } from '../facts/table.ts';
import type { Observed } from '../facts/values.ts';
import type { Declaration, FactValue } from '../record/fact.ts';
import type { CellRecord, Environment, ExperimentRecord, Run } from '../record/schema.ts';
import { reasonText } from './reason.ts';

/** A cell with all its repeats. */
export interface CellGroup {
  readonly id: string;
  readonly experiment: string;
  readonly factors: Readonly<Record<string, string | number | boolean>>;
  readonly race: boolean;
  /** `errored` where any repeat errored; its other repeats still count in `ran`. */
  readonly status: CellRecord['status'];
  /** Why it is unsupported or errored. */
  readonly reason?: string;
  /** What a user can do about that. */
  readonly remedy?: string;
  /** Repeats that ran, in order. */
  readonly ran: readonly CellRecord[];
  /** Repeats that errored and whose wire had carried something: what there is to see of them. */
  readonly broken: readonly CellRecord[];
}

/** The cells of a run, in the order of its plan; a repeat that ran again after `--resume` counts once, as it ended last. */
export function gatherCells({ run, cells }: Run): CellGroup[] {
  const last = new Map(cells.map((cell) => [`${cell.id} ${cell.repeat}`, cell]));
  const byId = Map.groupBy(last.values(), ({ id }) => id);
  const planned = new Map(run.plan.map((id, index) => [id, index]));
  const place = (id: string): number => planned.get(id) ?? planned.size;
  return [...byId.values()].map(groupOf).sort((a, b) => place(a.id) - place(b.id));
}

function groupOf(records: readonly CellRecord[]): CellGroup {
  const [first] = records as readonly [CellRecord];
  const failed = records.find(({ status }) => status === 'errored') ?? records.find(({ status }) => status !== 'ran');
  return {
    id: first.id,
    experiment: first.experiment,
    factors: first.factors,
    race: records.some(({ race }) => race),
    status: failed?.status ?? 'ran',
    ...(failed && whyOf(failed)),
    ran: records.filter(({ status }) => status === 'ran').sort((a, b) => a.repeat - b.repeat),
    broken: records.filter(({ status, segments = [] }) => status === 'errored' && segments.length > 0),
  };
}

function whyOf({ status, reason }: CellRecord): Pick<CellGroup, 'reason' | 'remedy'> {
  if (!reason) return { reason: reasonText({ status }) };
  const { remedy, ...own } = reason;
  return { reason: reasonText({ status, reason: own }), ...(remedy !== undefined && { remedy }) };
}

/** A fact of a cell, by its name or by the role of its end there. */
export function factOf(cell: CellRecord, shown: string): Observed {
  const name = withoutRole(shown, cell.roles);
  const value: FactValue | null | undefined = cell.facts[name];
  return value === undefined ? absentCounter(name, cell.facts) : value;
}

/** Why a fact of a cell is unknown, where the run says. */
export const whyUnknown = (cell: CellRecord, shown: string): string | undefined =>
  cell.unknown[withoutRole(shown, cell.roles)]?.text;

/** A fact's declaration as the run has it, whichever end has its role; a counter's from the table of facts. */
export function declaredFact(name: string, experiment: ExperimentRecord): Declaration | undefined {
  const known = declared.get(experiment) ?? new Map<string, Declaration | undefined>();
  declared.set(experiment, known);
  if (!known.has(name)) {
    const any = withoutRole(name, ofAnyEnd(experiment.roles ?? []));
    known.set(name, declarationOf(any, experiment.facts as Readonly<Record<string, Declaration>>));
  }
  return known.get(name);
}

/** Found once for each fact: tables and comparisons ask again for each cell. */
const declared = new WeakMap<ExperimentRecord, Map<string, Declaration | undefined>>();

/** A cell of a run's plan. */
export type Planned = Pick<CellGroup, 'id' | 'experiment' | 'factors'>;

/** All cells of a run, whether or not they ran, in the order of its plan: as recorded, else as their experiments' factors make them. */
export function plannedIn({ run, cells }: Run): Planned[] {
  const recorded = new Map<string, Planned>(cells.map((cell) => [cell.id, cell]));
  const ids = new Set([...run.plan, ...run.notRun.map(({ id }) => id), ...recorded.keys()]);
  const isWhole = [...ids].every((id) => recorded.has(id));
  const possible = new Map(isWhole ? [] : run.experiments.flatMap(possibleCells).map((cell) => [cell.id, cell]));
  return [...ids].flatMap((id) => recorded.get(id) ?? possible.get(id) ?? []);
}

function possibleCells({ id: experiment, factors }: ExperimentRecord): Planned[] {
  const all = Object.entries(factors).reduce<CellRecord['factors'][]>(
    (some, [name, values]) => some.flatMap((each) => values.map((value) => ({ ...each, [name]: value }))),
    [{}],
  );
  return all.map((each) => ({ id: cellId(experiment, each), experiment, factors: each }));
}

/** What the run's last session saw of the machine. */
export const environmentOf = ({ run }: Run): Environment | undefined => run.sessions.at(-1)?.environment;

/** The machine's HZ; 100, the coarsest that Linux has, where the run does not say. */
export const hzOf = (run: Run): number => environmentOf(run)?.hz ?? 100;
