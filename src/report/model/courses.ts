import { endOf } from '../../facts/roles.ts';
import type { FactValue } from '../../record/fact.ts';
import { files as recordFiles } from '../../record/layout.ts';
import type { CellRecord, OddPackets } from '../../record/schema.ts';
import { type End, ends } from '../../tcp/states.ts';
import type { CellGroup } from '../gather.ts';
import { storyOf } from '../ladder/ladder.ts';
import type { Path, Wired } from '../ladder/parts.ts';
import { type Which, whichOf } from '../which-cells.ts';
import type { Outcomes } from './outcomes.ts';
import { type ConnectionPaths, isStill, type Sequence, sequenceOf } from './sequence.ts';

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
  const taken = cells.flatMap((cell) => [...cell.ran, ...cell.broken].flatMap((record) => takenIn(cell, record)));
  const stories = new Map(cells.map((cell) => [cell, storiesOf(cell)]));
  const same = Map.groupBy(taken, ({ cell, connections, record }) => {
    const steps = connections.map((each) => ends.map((end) => stepsOf(each, end)));
    // each failed in its own way
    if (cell.broken.includes(record)) return `${record.id} ${record.repeat}`;
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

/** Whether a result has the record files of a cell with another network. */
const isOffTheWire = ({ files }: CellRecord): boolean => files !== undefined && !files.includes(recordFiles.capture);

/** Cells of an experiment on the wire in which no packet crossed it: they have no ladder. */
const withoutPackets = (cells: readonly CellGroup[]): readonly CellGroup[] =>
  cells.some(({ ran }) => ran.some(isWired))
    ? cells.filter(({ ran }) => ran.length > 0 && !ran.some(isWired) && !ran.every(isOffTheWire))
    : [];

/** The connections of a result, by the states of their ends. */
export function connectionsOf({
  paths,
  facts,
  unknown,
}: Pick<CellRecord, 'paths' | 'facts' | 'unknown'>): ConnectionPaths[] {
  const labels = new Set(Object.keys(paths).map((name) => endOf(name).label));
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
            return why === undefined ? [] : [[end, why.text]];
          }),
        ),
      };
    })
    .filter((connection) => ends.some((end) => connection.paths[end].length > 0));
}

const wordsOf = (value: FactValue | null | undefined): string[] | null =>
  Array.isArray(value) ? value.filter((word) => typeof word === 'string') : null;

/** Whose times a diagram has. */
export interface Example {
  readonly cell: string;
  /** Where the cell has several. */
  readonly repeat?: number;
}

/** The closing segments that each end of a connection sent. */
export type Closing = Pick<ConnectionPaths, 'label' | 'closedWith' | 'unknown'>;

/** Over a wire: what it carried, as a ladder. */
export interface LadderView {
  /** All cells whose ladder it is, by what tells them apart. */
  readonly cells: readonly string[];
  /** Its cell errored: it ends where the scenario failed. */
  readonly isBroken?: true;
  /** How many results it is the ladder of, where cells have several. */
  readonly results?: number;
  readonly example: Example;
  /** What its ladder is drawn from. */
  readonly record: Wired;
  readonly connections: readonly Closing[];
  /** What was no segment, and what the kernel refused. */
  readonly odd: OddPackets;
}

/** Without a wire: a course that the two ends took. */
export interface CourseView {
  /** The outcomes that it led to. */
  readonly letters: readonly string[];
  readonly labels: readonly string[];
  readonly results: number;
  /** Where, if there are no outcomes. */
  readonly where?: Which;
  readonly example: Example;
  readonly connection: Closing;
  readonly sequence: Sequence;
}

/** The courses that the two ends took: each cell's ladder, or a diagram of each course. */
export type Paths =
  | {
      readonly kind: 'ladders';
      /** In the order of the cells: those whose segments, states and deeds are the same share one. */
      readonly ladders: readonly LadderView[];
      readonly cells: number;
      /** Cells in which no packet crossed the wire. */
      readonly without?: Which;
    }
  | { readonly kind: 'courses'; readonly courses: readonly CourseView[] };

/** What there is to draw of an experiment; undefined where nothing happens in any diagram. */
export function pathsOf(cells: readonly CellGroup[], outcomes?: Outcomes): Paths | undefined {
  const courses = coursesOf(cells);
  const wired = courses.filter(({ record }) => isWired(record));
  if (wired.length > 0) return laddersOf(wired, cells);
  const views = courses.flatMap((course) => courseView(course, cells, outcomes) ?? []);
  if (views.length === 0) return undefined;
  views.sort((a, b) => (a.letters[0] ?? '').localeCompare(b.letters[0] ?? '', 'en', { numeric: true }));
  return { kind: 'courses', courses: views };
}

function laddersOf(courses: readonly Course[], all: readonly CellGroup[]): Paths {
  const place = (course: Course): number => Math.min(...course.cells.map((cell) => all.indexOf(cell)));
  const none = withoutPackets(all);
  return {
    kind: 'ladders',
    ladders: courses.toSorted((a, b) => place(a) - place(b)).map(ladderView),
    cells: new Set(courses.flatMap(({ cells }) => cells)).size,
    ...(none.length > 0 && { without: whichOf(none, all) }),
  };
}

function ladderView({ cell, cells, record, records, connections }: Course): LadderView {
  const { id, paths, facts, segments, incarnations, asides, odd = {} } = record;
  return {
    cells: cells.map((each) => each.id.slice(each.experiment.length + 1) || each.id),
    ...(cell.broken.includes(record) && { isBroken: true as const }),
    ...(cells.some(({ ran }) => ran.length > 1) && { results: records.length }),
    example: exampleOf(cell, record),
    record: {
      id,
      paths,
      facts,
      ...(segments && { segments }),
      ...(incarnations && { incarnations }),
      ...(asides && { asides }),
    },
    connections: connections.map(closingOf),
    odd,
  };
}

function courseView(course: Course, all: readonly CellGroup[], outcomes: Outcomes | undefined): CourseView | undefined {
  const { cell, cells, record, records, labels } = course;
  const [connection] = course.connections;
  const sequence = connection && sequenceOf(connection);
  if (!sequence || isStill(sequence)) return undefined;
  const led = new Set(records.map((each) => outcomes?.letterOf.get(each)));
  const letters = outcomes?.outcomes.map(({ letter }) => letter).filter((letter) => led.has(letter)) ?? [];
  return {
    letters,
    labels,
    results: records.length,
    ...(letters.length === 0 && { where: whichOf(cells, all) }),
    example: exampleOf(cell, record),
    connection: closingOf(connection),
    sequence,
  };
}

const exampleOf = ({ ran }: CellGroup, { id, repeat }: CellRecord): Example => ({
  cell: id,
  ...(ran.length > 1 && { repeat }),
});

const closingOf = ({ label, closedWith, unknown }: ConnectionPaths): Closing => ({
  label,
  closedWith,
  ...(unknown && { unknown }),
});
