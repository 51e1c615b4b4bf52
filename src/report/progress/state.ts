import type { CellRecord } from '../../record/schema.ts';

/** What is known of a run's cells while it goes. Times are ms of the progress' own clock. */
export interface ProgressState {
  /** Repeats of cells that will run. */
  readonly total: number;
  readonly startedAt: number;
  readonly done: Readonly<Record<Status, number>>;
  /** By id, the first to begin first; repeats of one cell that are at work together are one entry. */
  readonly active: ReadonlyMap<string, ActiveCell>;
  /** Expected seconds of a repeat, by cell id. */
  readonly expected: ReadonlyMap<string, number>;
  /** Expected seconds of everything that is done, and of everything. */
  readonly doneSeconds: number;
  readonly allSeconds: number;
}

export type Status = CellRecord['status'];

interface ActiveCell {
  readonly since: number;
  readonly count: number;
  /** It only waits, until then. */
  readonly waitsUntil?: number;
}

/** A cell that finished, as far as progress tells it. */
export type Finished = Pick<CellRecord, 'id' | 'status' | 'reason' | 'seconds'>;

/** Where nothing says how long a cell takes. */
const unknownSeconds = 1;

/** Nothing has begun. `expected`: seconds of one repeat by cell id, from the plan; `allSeconds`: of all of them together. */
export function begin(
  total: number,
  startedAt: number,
  expected: ReadonlyMap<string, number> = new Map(),
  allSeconds = total * unknownSeconds,
): ProgressState {
  return {
    total,
    startedAt,
    done: { ran: 0, unsupported: 0, errored: 0 },
    active: new Map(),
    expected,
    doneSeconds: 0,
    allSeconds,
  };
}

export function started(state: ProgressState, id: string, now: number): ProgressState {
  const known = state.active.get(id);
  const cell = known ? { since: known.since, count: known.count + 1 } : { since: now, count: 1 };
  return { ...state, active: new Map(state.active).set(id, cell) };
}

/** The cell only waits, for so many seconds, or until its expected end where that is earlier. */
export function waiting(state: ProgressState, id: string, seconds: number, now: number): ProgressState {
  const known = state.active.get(id) ?? { since: now, count: 1 };
  const expected = state.expected.get(id) ?? Number.POSITIVE_INFINITY;
  const waitsUntil = Math.max(now, Math.min(now + seconds * 1000, known.since + expected * 1000));
  return { ...state, active: new Map(state.active).set(id, { ...known, waitsUntil }) };
}

export function finished(state: ProgressState, { id, status }: Finished): ProgressState {
  const active = new Map(state.active);
  const known = active.get(id);
  if (known && known.count > 1) active.set(id, { ...known, count: known.count - 1 });
  else active.delete(id);
  const done = { ...state.done, [status]: state.done[status] + 1 };
  return { ...state, active, done, doneSeconds: state.doneSeconds + secondsOf(state, id) };
}

const secondsOf = ({ expected, allSeconds, total }: ProgressState, id: string): number =>
  expected.get(id) ?? (total === 0 ? unknownSeconds : allSeconds / total);

export const doneCount = ({ done }: ProgressState): number => done.ran + done.unsupported + done.errored;

export const fractionDone = (state: ProgressState): number =>
  state.total === 0 ? 1 : Math.min(1, doneCount(state) / state.total);

/** Too early to say anything below this share of the expected work. */
const leastShare = 0.02;

/**
 * Seconds left: the expected seconds that remain, at the rate at which they went so far (cells at work count as far as
 * they have come), but no less than the longest that is at work still takes. Undefined while it is too early to say.
 */
export function secondsLeft(state: ProgressState, now: number): number | undefined {
  const elapsed = (now - state.startedAt) / 1000;
  let worked = state.doneSeconds;
  let longest = 0;
  for (const [id, { since, waitsUntil }] of state.active) {
    const expected = secondsOf(state, id);
    const spent = (now - since) / 1000;
    worked += Math.min(expected, spent);
    longest = Math.max(longest, waitsUntil === undefined ? expected - spent : (waitsUntil - now) / 1000);
  }
  const share = state.allSeconds === 0 ? 1 : Math.min(1, worked / state.allSeconds);
  if (share < leastShare || elapsed <= 0) return undefined;
  return Math.max(longest, (elapsed * (1 - share)) / share);
}
