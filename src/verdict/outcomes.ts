import type { AnyDefinition } from '../experiment/definition.ts';
import type { FactRead, ResultOf } from '../record/detail.ts';
import type { CellRecord, FindingRecord } from '../record/schema.ts';
import { type AnyOutcome, declaredBy } from './asked.ts';
import { spanOf } from './compared.ts';
import type { CellFacts, NoValue } from './facts.ts';
import { factsRead, type Reading, reading } from './reading.ts';

/** All cells' facts handed out together, and what was read of them. */
export interface Outcomes {
  readonly outcomes: readonly AnyOutcome[];
  /** Facts that were read, and of which results. */
  readonly read: () => readonly (ResultOf & FactRead)[];
  /** The first fact without a value that was read, and the cell it is of. */
  readonly missing: () => Missing | null;
  /** Of each result of which a fact without a value was read, the first. */
  readonly allMissing: () => readonly Missing[];
}

/** A fact without a value that was read, and of which result. */
export interface Missing {
  readonly of: ResultOf;
  readonly record: CellRecord;
  readonly error: NoValue;
}

/** A cell's record as claims across cells and answers read it. */
export type Judged = CellRecord & Pick<CellFacts, 'counters'>;

/** The cells of an experiment that ran, in the order given. */
export const ranOf = (definition: AnyDefinition, cells: readonly Judged[]): Judged[] =>
  cells.filter((cell) => cell.status === 'ran' && cell.experiment === definition.id);

/** A result among these. */
export function resultOf(cell: CellRecord, cells: readonly CellRecord[]): ResultOf {
  const repeated = cells.some((other) => other.id === cell.id && other.repeat !== cell.repeat);
  return { cell: cell.id, ...(repeated && { repeat: cell.repeat }) };
}

/** These results as what a sentence rests on: each cell once, with its repeats. */
export const restsIn = (results: readonly CellRecord[]): FindingRecord['cells'] =>
  [...Map.groupBy(results, ({ id }) => id)].map(([id, those]) => ({ id, repeats: those.map(({ repeat }) => repeat) }));

/** Hand out the facts of these cells. */
export function outcomesOf(definition: AnyDefinition, ran: readonly Judged[]): Outcomes {
  const declared = declaredBy(definition);
  const readings = ran.map((cell) => ({ cell, of: () => resultOf(cell, ran), ...reading(cell, declared) }));
  const allMissing = (): Missing[] =>
    readings.flatMap(({ cell, of, missing }) => {
      const error = missing();
      return error ? [{ of: of(), record: cell, error }] : [];
    });
  return {
    outcomes: ran.map((cell, index) => ({
      cell: cell.factors,
      repeat: cell.repeat,
      facts: (readings[index] as Reading).facts,
      ...(cell.load && { span: spanOf(cell) }),
    })),
    read: () => readings.flatMap(({ of, read }) => factsRead(read).map((one) => ({ ...of(), ...one }))),
    missing: () => allMissing()[0] ?? null,
    allMissing,
  };
}
