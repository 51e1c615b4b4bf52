import type { Declaration, Unit } from '../record/fact.ts';
import { resolutionOf } from './resolution.ts';

/** Scheduling alone moves a time by so much, in its unit: two busy cores were seen to hold a close of 0.2 ms for 17. */
const noise: Partial<Record<Unit, number>> = { s: 0.02, ms: 20 };
/** A neighbour so many times larger is another story. */
const leap = 2;

/**
 * Numbers of one fact sorted into groups that lie together, for display only: the group of each, counted from the
 * smallest. Those of a `within` fact part where neighbours lie further apart than its resolution; others where the
 * larger is twice the smaller and more than scheduling noise away.
 */
export function clusters(values: readonly number[], declared: Declaration, hz: number): number[] {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const groups = new Map<number, number>();
  let group = 0;
  for (const [index, value] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && isLeap(before, value, declared, hz)) group++;
    groups.set(value, group);
  }
  return values.map((value) => groups.get(value) ?? 0);
}

function isLeap(from: number, to: number, declared: Declaration, hz: number): boolean {
  if (declared.compare === 'within') return to - from > resolutionOf(declared, [from, to], [hz]);
  const floor = declared.unit ? (noise[declared.unit] ?? 0) : 0;
  return to - from > floor && to >= from * leap;
}
