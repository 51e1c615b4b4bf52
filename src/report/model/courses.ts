import type { FactValue } from '../../record/fact.ts';
import type { CellRecord } from '../../record/schema.ts';
import { type End, ends } from '../../tcp/states.ts';
import type { CellGroup } from '../gather.ts';
import { storyOf } from '../ladder/ladder.ts';
import type { Path } from '../ladder/parts.ts';

/** The two ends of one connection in one repeat of a cell. */
export interface ConnectionPaths {
  /** `old`; empty where the cell has one connection. */
  readonly label: string;
  readonly paths: Readonly<Record<End, Path>>;
  /** The closing segments that each end sent, in order; null where that is unknown. */
  readonly closedWith: Readonly<Record<End, readonly string[] | null>>;
  /** Why that is unknown, where the run says. */
  readonly unknown?: Readonly<Partial<Record<End, string>>>;
}

/**
 * A course that the ends of a connection took, by states and closing segments: other connections, cells and repeats may have
 * taken it, too. Over a wire, that of all connections together: what its ladder draws, but for its times.
 */
export interface Course {
  /** The first result that took it, and its cell. */
  readonly cell: CellGroup;
  readonly record: CellRecord;
  /** One; over a wire, all. */
  readonly connections: readonly ConnectionPaths[];
  /** The labels of the connections that took it; none where cells have one connection. */
  readonly labels: readonly string[];
  /** All results that took it, and their cells. */
  readonly records: readonly CellRecord[];
  readonly cells: readonly CellGroup[];
}

interface Taken {
  readonly cell: CellGroup;
  readonly record: CellRecord;
  readonly connections: readonly ConnectionPaths[];
}

/** Each different course that the ends took, in the cells' order. */
export function coursesOf(cells: readonly CellGroup[]): Course[] {
  const taken = cells.flatMap((cell) => cell.ran.flatMap((record) => takenIn(cell, record)));
  const stories = new Map(cells.map((cell) => [cell, storiesOf(cell)]));
  const same = Map.groupBy(taken, ({ cell, connections, record }) => {
    const steps = connections.map((each) => ends.map((end) => stepsOf(each, end)));
    return stories.get(cell)?.get(record) ?? JSON.stringify(steps);
  });
  return [...same.values()].map((group) => ({
    ...(group[0] as Taken),
    labels: [...new Set(group.flatMap(({ connections }) => connections.map(({ label }) => label)))].filter(Boolean),
    records: [...new Set(group.map(({ record }) => record))],
    cells: [...new Set(group.map(({ cell }) => cell))],
  }));
}

const isWired = ({ segments = [] }: CellRecord): boolean => segments.length > 0;

/** What there is to draw of a result: its wire's ladder, or each connection. */
function takenIn(cell: CellGroup, record: CellRecord): Taken[] {
  const connections = connectionsOf(record);
  if (isWired(record)) return [{ cell, record, connections }];
  return connections.map((connection) => ({ cell, record, connections: [connection] }));
}

/** A state that went on in a mini-socket is the same state; a request that was seen is not what a SYN cookie leaves. */
const stepsOf = ({ paths, closedWith }: ConnectionPaths, end: End): unknown[] => [
  paths[end].flatMap(({ state, mini }, index) => {
    if (paths[end][index - 1]?.state === state) return [];
    return state === 'SYN-RECEIVED' && mini ? ['request'] : [state];
  }),
  closedWith[end],
];

/** Of a cell over a wire what each of its ladders draws: repeats whose ends went the same way share the first one's. */
function storiesOf({ ran }: CellGroup): Map<CellRecord, string> {
  const wired = ran.filter(isWired);
  const byWay = Map.groupBy(wired, (record) =>
    JSON.stringify(connectionsOf(record).map((each) => [each.label, ends.map((end) => stepsOf(each, end))])),
  );
  return new Map(
    [...byWay.values()].flatMap((alike) => {
      const story = storyOf(alike[0] as CellRecord);
      return alike.map((record) => [record, story] as const);
    }),
  );
}

/** Cells of an experiment on the wire in which no packet crossed it: they have no ladder. */
export const withoutPackets = (cells: readonly CellGroup[]): readonly CellGroup[] =>
  cells.some(({ ran }) => ran.some(isWired)) ? cells.filter(({ ran }) => ran.length > 0 && !ran.some(isWired)) : [];

function connectionsOf({ paths, facts, unknown }: CellRecord): ConnectionPaths[] {
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
        unknown: Object.fromEntries(
          ends.flatMap((end) => {
            const why = unknown[`${prefix}${end}.closedWith`];
            return why === undefined ? [] : [[end, why]];
          }),
        ),
      };
    })
    .filter((connection) => ends.some((end) => connection.paths[end].length > 0));
}

const wordsOf = (value: FactValue | null | undefined): string[] | null =>
  Array.isArray(value) ? value.filter((word) => typeof word === 'string') : null;
