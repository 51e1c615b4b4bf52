import { warmingSeconds } from '../load/crew.ts';
import { isLoad, type LoadCell, type PlannedCell } from '../plan/cells.ts';

/** TCP_TIMEWAIT_LEN: a cell that expects longer than this only waits for that long. include/net/tcp.h */
const timeWaitSeconds = 60;
/** A slot's time per cell: 250 cells with fresh peers took 14 s on two cores, so 0.22 s each with four at work. */
const normalWorkSeconds = 0.25;
/** A cell that expects longer than what is assumed of one that says nothing will wait for a kernel's timer. */
const shortSeconds = 1;

/** For how many of its seconds a cell needs its slot. A quiet one measures while time passes, so for all but TIME-WAIT. */
function workSeconds(cell: PlannedCell): number {
  const { seconds } = cell;
  if (!isQuiet(cell)) return Math.min(seconds, normalWorkSeconds);
  return seconds > timeWaitSeconds ? seconds - timeWaitSeconds : seconds;
}

const isQuiet = (cell: PlannedCell): boolean => cell.kind === 'scenario' && cell.quiet;
const isNormal = (cell: PlannedCell): boolean => cell.kind === 'scenario' && !cell.quiet;
const isLong = (cell: PlannedCell): boolean => cell.seconds > shortSeconds;
const longestFirst = (a: PlannedCell, b: PlannedCell): number => b.seconds - a.seconds;

/**
 * The order in which cells start, so that the run takes little longer than its longest cell: first the quiet ones, one at a
 * time, before anyone else has begun; then those that will wait, the longest first; then the short ones; last, and again one
 * at a time, those that measure throughput. Equals keep their order.
 */
export function order(cells: readonly PlannedCell[]): PlannedCell[] {
  const normal = cells.filter(isNormal);
  return [
    ...cells.filter(isQuiet).sort(longestFirst),
    ...normal.filter(isLong).sort(longestFirst),
    ...normal.filter((cell) => !isLong(cell)).sort(longestFirst),
    ...cells.filter(isLoad),
  ];
}

/** A wire is two more processes. By this factor the time left fitted four recorded runs of 750 such cells best. */
const wireWork = 2;

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
 * Expected wall time in seconds of cells started in this order with so many at work at once; a cell that waits takes no
 * slot. The quiet ones come first, loads last, each by itself.
 */
export function estimate(cells: readonly PlannedCell[], jobs: number): number {
  const repeated = order(cells).flatMap((cell) => Array.from({ length: cell.repeats }, () => cell));
  const loads = repeated.filter(isLoad);
  const firsts = [...Map.groupBy(loads, ({ experiment }) => experiment).values()].map(([first]) => first as LoadCell);
  const warming = firsts.reduce((total, { repeats }) => total + warmingSeconds(repeats), 0);
  const measuring = loads.reduce((total, { seconds }) => total + seconds, 0);
  return lasting(repeated.filter(isQuiet), 1) + lasting(repeated.filter(isNormal), jobs) + warming + measuring;
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
