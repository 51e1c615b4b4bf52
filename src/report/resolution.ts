import type { Declaration } from '../facts/kinds.ts';
import { secondsOf } from './format.ts';

/** kernel/time/timer.c: 64 slots a level, each level 8 times coarser; 9 levels, 8 where HZ is 100 or less. */
const slotsOfFirstLevel = 64;
const coarsening = 8;
const levels = (hz: number): number => (hz > 100 ? 9 : 8);

/**
 * One slot of the kernel's timer wheel, in seconds, for a timer of this length: 8^level jiffies, for timeouts below 64,
 * 512, 4096, 32768, 262144, … jiffies at levels 0, 1, 2, 3, 4, …. A timer fires up to one slot late, never early:
 * 2.048 s for TIME-WAIT's 60 s at HZ=250.
 */
export function timerSlotSeconds(seconds: number, hz: number): number {
  const jiffies = Math.abs(seconds) * hz;
  let level = 0;
  while (level < levels(hz) - 1 && jiffies >= slotsOfFirstLevel * coarsening ** level) level++;
  return coarsening ** level / hz;
}

/**
 * How far apart equal values of a `within` fact may lie, in its unit: as declared, or a timer slot of the longest value
 * on the machine where it is coarsest.
 */
export function resolutionOf(declared: Declaration, values: readonly number[], hz: readonly number[]): number {
  if (declared.resolution !== 'timer') return declared.resolution ?? 0;
  const unit = secondsOf(1, declared.unit) ?? 1;
  const longest = Math.max(0, ...values.map(Math.abs)) * unit;
  return Math.max(...hz.map((each) => timerSlotSeconds(longest, each))) / unit;
}
