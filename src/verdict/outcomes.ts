import type { AnyDefinition } from '../experiment/definition.ts';
import type { CellRecord } from '../record/schema.ts';
import { type AnyOutcome, declaredBy } from './asked.ts';
import type { CellFacts, NoValue } from './facts.ts';
import { type Reading, reading, readShown } from './reading.ts';

/** All cells' facts handed out together, and what was read of them. */
export interface Outcomes {
  readonly outcomes: readonly AnyOutcome[];
  /** Facts that were read: `<cell>: <fact> = <value>`. */
  readonly read: () => readonly string[];
  /** The first fact without a value that was read, and the cell it is of. */
  readonly missing: () => Missing | null;
  /** Of each result of which a fact without a value was read, the first. */
  readonly allMissing: () => readonly Missing[];
}

/** A fact without a value that was read, and of which result. */
export interface Missing {
  readonly cell: string;
  readonly record: CellRecord;
  readonly error: NoValue;
}

/** A cell's record as claims across cells and answers read it. */
export type Judged = CellRecord & Pick<CellFacts, 'counters'>;

/** The cells of an experiment that ran, in the order given. */
export const ranOf = (definition: AnyDefinition, cells: readonly Judged[]): Judged[] =>
  cells.filter((cell) => cell.status === 'ran' && cell.experiment === definition.id);

/** A cell within its experiment: `closes=client`, `closes=client #2`. */
export function cellLabel(cell: CellRecord, cells: readonly CellRecord[]): string {
  const factors = cell.id.slice(cell.experiment.length + 1) || cell.id;
  const repeated = cells.some((other) => other.id === cell.id && other.repeat !== cell.repeat);
  return repeated ? `${factors} #${cell.repeat}` : factors;
}

/** Hand out the facts of these cells. */
export function outcomesOf(definition: AnyDefinition, ran: readonly Judged[]): Outcomes {
  const declared = declaredBy(definition);
  const readings = ran.map((cell) => ({ cell, label: () => cellLabel(cell, ran), ...reading(cell, declared) }));
  const allMissing = (): Missing[] =>
    readings.flatMap(({ cell, label, missing }) => {
      const error = missing();
      return error ? [{ cell: label(), record: cell, error }] : [];
    });
  return {
    outcomes: ran.map((cell, index) => ({
      cell: cell.factors,
      repeat: cell.repeat,
      facts: (readings[index] as Reading).facts,
    })),
    read: () => readings.flatMap(({ label, read }) => readShown(read, declared).map((one) => `${label()}: ${one}`)),
    missing: () => allMissing()[0] ?? null,
    allMissing,
  };
}
