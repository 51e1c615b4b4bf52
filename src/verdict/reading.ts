import { declarationOf } from '../facts/table.ts';
import { formatFact } from '../facts/values.ts';
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

/** `name = value` of each fact that was read. */
export const readShown = (
  read: ReadonlyMap<string, FactValue>,
  declared: Readonly<Record<string, Declaration>>,
): string[] => [...read].map(([name, value]) => `${name} = ${formatFact(value, declarationOf(name, declared))}`);

/** The first so many of what there is to say, and how many more. */
export function inWords(parts: readonly string[], most: number, between: string): string {
  const rest = parts.length > most ? [`${parts.length - most} more`] : [];
  return [...parts.slice(0, most), ...rest].join(between);
}
