import { warmingSeconds } from '../load/crew.ts';
import { isLoad, type LoadCell, type PlannedCell } from '../plan/cells.ts';
import { fewestPairs } from './loads.ts';

/** TCP_TIMEWAIT_LEN: a cell that expects longer than this only waits for that long. include/net/tcp.h */
const timeWaitSeconds = 60;
/** A slot's time per result, without a wire: with those of wires and quiet ones 1,350 results took 267 s on two cores, four at work. */
const normalWorkSeconds = 0.5;
/** A wire is two more processes. By this factor the time left fitted four recorded runs of 750 such cells best. */
const wireWork = 2;
/** A cell that expects longer than what is assumed of one that says nothing will wait for a kernel's timer. */
const shortSeconds = 1;

/** For how many of its seconds a cell needs its slot. A quiet one measures while time passes, so for all but TIME-WAIT. */
function workSeconds(cell: PlannedCell): number {
  const { seconds } = cell;
  if (!isQuiet(cell)) return Math.min(seconds, normalWorkSeconds * (cell.network === 'wire' ? wireWork : 1));
  return seconds > timeWaitSeconds ? seconds - timeWaitSeconds : seconds;
}

const isQuiet = (cell: PlannedCell): boolean => cell.kind === 'scenario' && cell.quiet;
/** Whether a cell that needs no quiet does little but wait for the end of TIME-WAIT. */
const isEarly = (cell: PlannedCell): boolean => isNormal(cell) && cell.seconds > timeWaitSeconds;
/** How many of those begin before the quiet ones: each keeps two processes for its minute. */
const mostEarly = 16;

/** What begins before the quiet ones, of what is in order: those that wait out TIME-WAIT, where there is a quiet one to wait for. */
export const earlyOf = <T>(ordered: readonly T[], cellOf: (item: T) => PlannedCell): T[] =>
  ordered.some((item) => isQuiet(cellOf(item)))
    ? ordered.filter((item) => isEarly(cellOf(item))).slice(0, mostEarly)
    : [];
const itself = (cell: PlannedCell): PlannedCell => cell;
const isNormal = (cell: PlannedCell): boolean => cell.kind === 'scenario' && !cell.quiet;
const isLong = (cell: PlannedCell): boolean => cell.seconds > shortSeconds;
const longestFirst = (a: PlannedCell, b: PlannedCell): number => b.seconds - a.seconds;

/**
 * The order in which cells start, so that the run takes little longer than its longest cell: first those that wait out TIME-WAIT and
 * the quiet ones, one at a time; then those that will wait, the longest first; then the short ones; last, and again one at a time,
 * those that measure throughput. Equals keep their order.
 */
export function order(cells: readonly PlannedCell[]): PlannedCell[] {
  const early = earlyOf(cells.toSorted(longestFirst), itself);
  const normal = cells.filter((cell) => isNormal(cell) && !early.includes(cell));
  return [
    ...early,
    ...cells.filter(isQuiet).sort(longestFirst),
    ...normal.filter(isLong).sort(longestFirst),
    ...normal.filter((cell) => !isLong(cell)).sort(longestFirst),
    ...cells.filter(isLoad),
  ];
}

/**
 * The stretch of the run in which a cell has its turn, and its share of that stretch's wall time. Other cells share the slots, and
 * what they wait for takes none: each costs about the same. A load lasts as long as it is to be measured.
 */
export function stretchOf(cell: PlannedCell) {
  const { seconds } = cell;
  if (isLoad(cell)) return { seconds, stretch: 'loads', work: seconds, isTimed: true };
  if (cell.quiet) return { seconds, stretch: 'quiet', work: workSeconds(cell), isTimed: false };
  return { seconds, stretch: 'others', work: cell.network === 'wire' ? wireWork : 1, isTimed: false };
}

/**
 * The same of every repeat that a run plays, by its cell's id. Loads that are repeated only until they are known well enough share the
 * time that they may take.
 */
export function stretchesOf(repeats: readonly PlannedCell[]) {
  const loads = Map.groupBy(repeats.filter(isLoad), ({ experiment }) => experiment);
  const shares = new Map([...loads].map(([id, own]) => [id, measuringSeconds(own) / secondsOf(own)]));
  return repeats.map((cell) => {
    const { work, ...stretch } = stretchOf(cell);
    return { id: cell.id, ...stretch, work: work * (isLoad(cell) ? (shares.get(cell.experiment) ?? 1) : 1) };
  });
}

const secondsOf = (loads: readonly LoadCell[]): number => loads.reduce((total, { seconds }) => total + seconds, 0);

/** What the repeats of one experiment's loads take at most: its time, or the fewest pairs of each cell. */
function measuringSeconds(loads: readonly LoadCell[]): number {
  const limit = loads.find(({ until }) => until)?.until?.seconds ?? Number.POSITIVE_INFINITY;
  const pairs = [...Map.groupBy(loads, ({ id }) => id).values()].map((own) => own.slice(0, 2 * fewestPairs));
  return Math.min(secondsOf(loads), Math.max(limit, secondsOf(pairs.flat())));
}

/**
 * Expected wall time in seconds of cells started in this order with so many at work at once; a cell that waits takes no
 * slot. The quiet ones come first, while the early ones wait; loads last, each by itself.
 */
export function estimate(cells: readonly PlannedCell[], jobs: number): number {
  const repeated = order(cells).flatMap((cell) => Array.from({ length: cell.repeats }, () => cell));
  const loads = repeated.filter(isLoad);
  const experiments = [...Map.groupBy(loads, ({ experiment }) => experiment).values()];
  const warming = experiments.reduce((total, [first]) => total + warmingSeconds((first as LoadCell).repeats), 0);
  const measuring = experiments.reduce((total, own) => total + measuringSeconds(own), 0);
  const early = earlyOf(repeated, itself);
  const quiet = lasting(repeated.filter(isQuiet), 1);
  const others = lasting(
    repeated.filter((cell) => isNormal(cell) && !early.includes(cell)),
    jobs,
  );
  return Math.max(lasting(early, 1), quiet + others) + warming + measuring;
}

function lasting(cells: readonly PlannedCell[], jobs: number): number {
  const freeAt = Array.from({ length: Math.max(1, jobs) }, () => 0);
  let end = 0;
  for (const cell of cells) {
    const start = Math.min(...freeAt);
    freeAt[freeAt.indexOf(start)] = start + workSeconds(cell);
    end = Math.max(end, start + cell.seconds);
  }
  return end;
}
