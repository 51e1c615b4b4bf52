import type { AnyDefinition } from '../experiment/definition.ts';
import type { Declaration, FactValue } from '../record/fact.ts';
import type { CellRecord } from '../record/schema.ts';
import { declaredBy } from './asked.ts';
import type { CellFacts } from './facts.ts';

type Renamed = (name: string) => string;

const exchanged =
  (a: string, b: string): Renamed =>
  (word) =>
    word === a ? b : word === b ? a : word;
const inParts =
  (rename: Renamed): Renamed =>
  (name) =>
    name.split('.').map(rename).join('.');

function renamed(cell: CellFacts, name: Renamed, value: (name: string, value: FactValue) => FactValue): CellFacts {
  const facts: CellRecord['facts'] = {};
  for (const [fact, was] of Object.entries(cell.facts)) {
    facts[name(fact)] = was === null ? null : (value(fact, was) as CellRecord['facts'][string]);
  }
  const unknown = Object.fromEntries(Object.entries(cell.unknown).map(([fact, why]) => [name(fact), why]));
  return { facts, unknown };
}

/** A cell's facts as they would be had client and server changed places. */
function endsExchanged(cell: CellFacts, declared: Readonly<Record<string, Declaration>>): CellFacts {
  const other = exchanged('client', 'server');
  const isEnd = (name: string) =>
    declared[name]?.values?.includes('client') && declared[name].values.includes('server');
  const own = (name: string) => Object.hasOwn(declared, inParts(other)(name)) || name.startsWith('counters.');
  return renamed(
    cell,
    (name) => (own(name) ? inParts(other)(name) : name),
    (name, value) => (isEnd(name) && typeof value === 'string' ? other(value) : value),
  );
}

/** A cell's facts as they would be had two of its connections changed places. */
function labelsExchanged(cell: CellFacts, a: string, b: string): CellFacts {
  const other = exchanged(a, b);
  const name: Renamed = (fact) => fact.replace(/^[^.]+/, other);
  return renamed(cell, name, (_, value) => value);
}

/** Facts that a cell might have had, with the name of what was done to get them. */
export interface Donor {
  readonly name: string;
  readonly facts: CellFacts['facts'];
  readonly unknown: CellFacts['unknown'];
}

/** A cell's facts, and the same with its ends, or two of its connections, exchanged. */
export function donorsOf(definition: AnyDefinition, cell: CellRecord, name: string): Donor[] {
  const labels: readonly string[] = (definition.kind === 'scenario' && definition.connections) || [];
  const pairs = labels.flatMap((a, index) => labels.slice(index + 1).map((b) => [a, b] as const));
  return [
    { name, facts: cell.facts, unknown: cell.unknown },
    { name: `${name} with client and server exchanged`, ...endsExchanged(cell, declaredBy(definition)) },
    ...pairs.map(([a, b]) => ({ name: `${name} with ${a} and ${b} exchanged`, ...labelsExchanged(cell, a, b) })),
  ];
}
