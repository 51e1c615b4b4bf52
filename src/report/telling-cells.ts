import type { FactValue } from '../facts/kinds.ts';
import { type End, ends } from '../facts/states.ts';
import type { CellRecord } from '../record/schema.ts';
import type { CellGroup } from './gather.ts';

export type Path = CellRecord['paths'][string];

/** The two ends of one connection in one repeat of a cell. */
export interface ConnectionPaths {
  /** `old`; empty where the cell has one connection. */
  readonly label: string;
  readonly paths: Readonly<Record<End, Path>>;
  /** The closing segments that each end sent, in order; null where that is unknown. */
  readonly closedWith: Readonly<Record<End, readonly string[] | null>>;
}

/** A cell whose ends took another course, by states and closing segments, than those of every other telling cell. */
export interface TellingCell {
  readonly cell: CellGroup;
  readonly record: CellRecord;
  readonly connections: readonly ConnectionPaths[];
  /** All cells in which some repeat took this course, this one too. */
  readonly cells: readonly CellGroup[];
}

/** One cell for each different course that the ends took, in the cells' order. */
export function tellingCells(cells: readonly CellGroup[]): TellingCell[] {
  const seen = new Map<string, { told: Omit<TellingCell, 'cells'>; cells: Set<CellGroup> }>();
  for (const cell of cells) {
    for (const record of cell.ran) {
      const connections = connectionsOf(record);
      if (connections.length === 0) continue;
      const key = JSON.stringify(connections.map((each) => [each.label, ends.map((end) => courseOf(each, end))]));
      const known = seen.get(key);
      if (known) known.cells.add(cell);
      else seen.set(key, { told: { cell, record, connections }, cells: new Set([cell]) });
    }
  }
  return [...seen.values()].map(({ told, cells: same }) => ({ ...told, cells: [...same] }));
}

const courseOf = ({ paths, closedWith }: ConnectionPaths, end: End): unknown[] => [
  paths[end].map(({ state, mini }) => state + (mini ? ' mini' : '')),
  closedWith[end],
];

function connectionsOf({ paths, facts }: CellRecord): ConnectionPaths[] {
  const labels = new Set(Object.keys(paths).map((name) => name.replace(/\.?(client|server)$/, '')));
  return [...labels]
    .map((label) => {
      const prefix = label === '' ? '' : `${label}.`;
      const of = (end: End): Path => paths[prefix + end] ?? [];
      const sent = (end: End): string[] | null => wordsOf(facts[`${prefix}${end}.closedWith`]);
      return {
        label,
        paths: { client: of('client'), server: of('server') },
        closedWith: { client: sent('client'), server: sent('server') },
      };
    })
    .filter((connection) => ends.some((end) => connection.paths[end].length > 0));
}

const wordsOf = (value: FactValue | null | undefined): string[] | null =>
  Array.isArray(value) ? value.filter((word) => typeof word === 'string') : null;
