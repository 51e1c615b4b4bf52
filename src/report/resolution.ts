import { timerSlotSeconds } from '../facts/timer-wheel.ts';
import type { Declaration } from '../record/fact.ts';
import { secondsOf } from './format.ts';

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
