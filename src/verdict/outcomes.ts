import type { AnyDefinition } from '../experiment/definition.ts';
import type { CellRecord } from '../record/schema.ts';
import { type AnyOutcome, declaredBy } from './asked.ts';
import type { NoValue } from './facts.ts';
import { type Reading, reading, readShown } from './reading.ts';

/** All cells' facts handed out together, and what was read of them. */
export interface Outcomes {
  readonly outcomes: readonly AnyOutcome[];
  /** Facts that were read: `<cell>: <fact> = <value>`. */
  readonly read: () => readonly string[];
  /** The first fact without a value that was read, and the cell it is of. */
  readonly missing: () => { readonly cell: string; readonly error: NoValue } | null;
}

/** The cells of an experiment that ran, in the order given. */
export const ranOf = (definition: AnyDefinition, cells: readonly CellRecord[]): CellRecord[] =>
  cells.filter((cell) => cell.status === 'ran' && cell.experiment === definition.id);

/** A cell within its experiment: `closes=client`, `closes=client #2`. */
export function cellLabel(cell: CellRecord, cells: readonly CellRecord[]): string {
  const factors = cell.id.slice(cell.experiment.length + 1) || cell.id;
  const repeated = cells.some((other) => other.id === cell.id && other.repeat !== cell.repeat);
  return repeated ? `${factors} #${cell.repeat}` : factors;
}

/** Hand out the facts of these cells. */
export function outcomesOf(definition: AnyDefinition, ran: readonly CellRecord[]): Outcomes {
  const declared = declaredBy(definition);
  const readings = ran.map((cell) => ({ label: () => cellLabel(cell, ran), ...reading(cell, declared) }));
  return {
    outcomes: ran.map((cell, index) => ({
      cell: cell.factors,
      repeat: cell.repeat,
      facts: (readings[index] as Reading).facts,
    })),
    read: () => readings.flatMap(({ label, read }) => readShown(read, declared).map((one) => `${label()}: ${one}`)),
    missing: () => {
      for (const { label, missing } of readings) {
        const error = missing();
        if (error) return { cell: label(), error };
      }
      return null;
    },
  };
}
