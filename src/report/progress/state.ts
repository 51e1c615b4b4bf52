import type { CellRecord } from '../../record/schema.ts';
import { estimateOf, noPace, type Pace, paced, type Stretch } from './estimate.ts';

/** What is known of a run's cells while it goes. Times are ms of the progress' own clock. */
export interface ProgressState {
  /** Repeats of cells that will run. */
  readonly total: number;
  readonly startedAt: number;
  readonly done: Readonly<Record<Status, number>>;
  /** By id, the first to begin first; repeats of one cell that are at work together are one entry. */
  readonly active: ReadonlyMap<string, ActiveCell>;
  /** What the plan says of a repeat, by cell id. */
  readonly expected: ReadonlyMap<string, Expected>;
  readonly stretches: ReadonlyMap<string, Stretch>;
  readonly paces: ReadonlyMap<string, Pace>;
  /** When the run ends, ms, as it was last estimated; absent while it is too early to say. */
  readonly ends?: number;
}

/** What the plan says of one repeat of a cell. */
export interface Expected {
  readonly seconds: number;
  /** The stretch of the run that it belongs to, and its work there. */
  readonly stretch: string;
  readonly work: number;
  /** Its work is seconds that the plan sets. */
  readonly isTimed: boolean;
}

export type Status = CellRecord['status'];

interface ActiveCell {
  readonly since: number;
  readonly count: number;
  /** How many of them only wait: their work is done. */
  readonly waiting: number;
  /** It only waits, until then. */
  readonly waitsUntil?: number;
}

/** The parts of a finished cell that progress shows. */
export type Finished = Pick<CellRecord, 'id' | 'status' | 'reason' | 'seconds'>;

/** Expected time of a cell about which nothing is known. */
const unknown: Expected = { seconds: 1, stretch: 'cells', work: 1, isTimed: false };

/** Nothing has begun. `planned`: every repeat that will run, in any order; where it is empty, nothing is known of the cells. */
export function begin(
  total: number,
  startedAt: number,
  planned: readonly (Expected & { readonly id: string })[] = [],
): ProgressState {
  const all = planned.length > 0 ? planned : Array.from({ length: total }, () => unknown);
  const stretches = [...Map.groupBy(all, ({ stretch }) => stretch)].map(([name, own]): [string, Stretch] => [
    name,
    {
      work: own.reduce((sum, { work }) => sum + work, 0),
      results: own.length,
      isTimed: own.every(({ isTimed }) => isTimed),
    },
  ]);
  return {
    total,
    startedAt,
    done: { ran: 0, unsupported: 0, errored: 0 },
    active: new Map(),
    expected: new Map(planned.map((each) => [each.id, each])),
    stretches: new Map(stretches),
    paces: new Map(),
  };
}

const expectedOf = ({ expected }: ProgressState, id: string): Expected => expected.get(id) ?? unknown;

export function started(state: ProgressState, id: string, now: number): ProgressState {
  const known = state.active.get(id);
  const cell = known ? { ...known, count: known.count + 1 } : { since: now, count: 1, waiting: 0 };
  const { stretch } = expectedOf(state, id);
  const paces = state.paces.has(stretch) ? state.paces : new Map(state.paces).set(stretch, noPace(now));
  return { ...state, paces, active: new Map(state.active).set(id, cell) };
}

/** The cell only waits, for so many seconds, or until its expected end where that is earlier. */
export function waiting(state: ProgressState, id: string, seconds: number, now: number): ProgressState {
  const known = state.active.get(id) ?? { since: now, count: 1, waiting: 0 };
  const expected = state.expected.get(id)?.seconds ?? Number.POSITIVE_INFINITY;
  const waitsUntil = Math.max(now, Math.min(now + seconds * 1000, known.since + expected * 1000));
  const active = new Map(state.active).set(id, { ...known, waiting: known.waiting + 1, waitsUntil });
  return worked({ ...state, active }, id, now);
}

export function finished(state: ProgressState, { id, status }: Finished, now: number): ProgressState {
  const active = new Map(state.active);
  const known = state.active.get(id);
  const waits = known?.waiting ?? 0;
  if (known && known.count > 1) active.set(id, { ...known, count: known.count - 1, waiting: Math.max(0, waits - 1) });
  else active.delete(id);
  const done = { ...state.done, [status]: state.done[status] + 1 };
  const after = { ...state, active, done };
  return waits > 0 ? estimated(after, now) : worked(after, id, now);
}

/** A repeat that was to run is not needed: there is one less, and its work is none. */
export function dropped(state: ProgressState, id: string, now: number): ProgressState {
  const { stretch, work } = expectedOf(state, id);
  const all = state.stretches.get(stretch);
  const less = all && { ...all, work: all.work - work, results: all.results - 1 };
  const stretches = less ? new Map(state.stretches).set(stretch, less) : state.stretches;
  return estimated({ ...state, total: state.total - 1, stretches }, now);
}

/** The work of one repeat is done: it has finished, or only waits. */
function worked(state: ProgressState, id: string, now: number): ProgressState {
  const { stretch, work } = expectedOf(state, id);
  const all = state.stretches.get(stretch);
  if (!all) return state;
  const pace = state.paces.get(stretch) ?? noPace(state.startedAt);
  return estimated({ ...state, paces: new Map(state.paces).set(stretch, paced(pace, all, work, now)) }, now);
}

/** The end as it is estimated now. It moves only as far as the variation of the pace says that it was wrong. */
function estimated(state: ProgressState, now: number): ProgressState {
  const estimate = estimateOf(state.stretches, state.paces, now);
  if (estimate === undefined) return state;
  const [least, most] = [-1, 1].map((sign) => now + (estimate.seconds + sign * estimate.margin) * 1000) as [
    number,
    number,
  ];
  const ends = Math.min(most, Math.max(least, state.ends ?? now + estimate.seconds * 1000));
  return { ...state, ends };
}

export const doneCount = ({ done }: ProgressState): number => done.ran + done.unsupported + done.errored;

export const fractionDone = (state: ProgressState): number =>
  state.total === 0 ? 1 : Math.min(1, doneCount(state) / state.total);

/** Seconds left, no less than the longest cell at work still takes. Undefined while it is too early to say. */
export function secondsLeft(state: ProgressState, now: number): number | undefined {
  if (state.ends === undefined) return undefined;
  const longest = [...state.active].map(([id, { since, waitsUntil }]) =>
    waitsUntil === undefined ? expectedOf(state, id).seconds - (now - since) / 1000 : (waitsUntil - now) / 1000,
  );
  return Math.max(0, ...longest, (state.ends - now) / 1000);
}
