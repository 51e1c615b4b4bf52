import type { FactRead } from '../record/detail.ts';
import type { Declaration, FactValue } from '../record/fact.ts';
import { type CellFacts, NoValue, type Readable, readable } from './facts.ts';

/** Facts handed out, and what was read of them. */
export interface Reading {
  readonly facts: Readable;
  readonly read: ReadonlyMap<string, FactValue>;
  /** The first fact without a value that was read, whether or not the reader caught the error. */
  readonly missing: () => NoValue | null;
}

/** Hand out a cell's facts and keep what is read of them. */
export function reading(cell: CellFacts, declared: Readonly<Record<string, Declaration>>): Reading {
  const read = new Map<string, FactValue>();
  let missing: NoValue | null = null;
  const onRead = (name: string, value: FactValue | NoValue) => {
    if (value instanceof NoValue) missing ??= value;
    else read.set(name, value);
  };
  const facts = readable(cell.facts, declared, cell.unknown, onRead, cell.counters);
  return { facts, read, missing: () => missing };
}

/** Each fact that was read. */
export const factsRead = (read: ReadonlyMap<string, FactValue>): FactRead[] =>
  [...read].map(([fact, value]) => ({ fact, value }));
