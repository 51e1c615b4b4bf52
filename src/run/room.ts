import { availableParallelism } from 'node:os';
import { childrenCpu, cpuWithChildren, machineCpu, ownCpu } from '../native/cpu.ts';
import { livingChildren } from '../process/child.ts';

/** How often the machine is looked at. */
const everyMs = 1000;
/** The share of what was seen before that still counts at the next look: a burst of one second does not halve the jobs. */
const remembered = 0.7;

/** Seconds of CPU that a machine was busy until now, and that of it a program and all that it started have used. */
export interface Used {
  readonly busy: number;
  readonly own: number;
}

/** The least share of the machine that deadlines reckon with: they are eight times as long then. */
const leastLeft = 1 / 8;

/** What other programs leave of the machine, of late. */
export interface Room extends Disposable {
  /** As much of so many jobs as there is room for, one at least. */
  readonly jobs: (most: number) => number;
  /** How many times as long as on an idle machine something may take: 1 to 8. */
  readonly patience: () => number;
}

/**
 * The share of the machine's CPUs that other programs took, of late: `used` is asked again and again, `seconds` apart. Time that a
 * hypervisor gave to someone else is another program's.
 */
export function othersOfLate(cpus: number): (used: Used, seconds: number) => number {
  let before: Used | undefined;
  let share = 0;
  return (used, seconds) => {
    if (before) {
      const others = Math.max(0, used.busy - before.busy - (used.own - before.own));
      const now = Math.min(1, others / (seconds * cpus));
      share = remembered * share + (1 - remembered) * now;
    }
    before = used;
    return share;
  };
}

/** As much of so many jobs as the others leave of the machine, one at least: six runs side by side start as many cells as one does. */
export const jobsBeside = (others: number, jobs: number): number => Math.max(1, Math.round(jobs * (1 - others)));

const usedNow = (): Used => ({
  busy: machineCpu().busy,
  own: ownCpu() + childrenCpu() + livingChildren().reduce((sum, pid) => sum + (cpuWithChildren(pid) ?? 0), 0),
});

/** Looks at the machine again and again: cells that begin though other programs use the CPUs would only make each other late. */
export function roomBesideOthers(): Room {
  const others = othersOfLate(availableParallelism());
  let last = performance.now();
  let share = 0;
  others(usedNow(), 0);
  const timer = setInterval(() => {
    const now = performance.now();
    share = others(usedNow(), (now - last) / 1000);
    last = now;
  }, everyMs);
  timer.unref();
  return {
    jobs: (most) => jobsBeside(share, most),
    patience: () => 1 / Math.max(leastLeft, 1 - share),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
