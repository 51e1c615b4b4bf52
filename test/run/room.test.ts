import { describe, expect, test, vi } from 'vitest';
import { cpuWithChildren, machineCpu, ownCpu } from '../../src/native/cpu.ts';
import { afterPatience } from '../../src/process/deadline.ts';
import { jobsBeside, othersOfLate } from '../../src/run/room.ts';

describe('the share that others take of 2 CPUs', () => {
  test('is what the machine was busy and this program was not', () => {
    const others = othersOfLate(2);
    others({ busy: 100, own: 10 }, 1);
    for (let s = 1; s <= 30; s++) others({ busy: 100 + 2 * s, own: 10 + 0.5 * s }, 1);
    expect(others({ busy: 162, own: 25.5 }, 1)).toBeCloseTo(0.75, 3);
  });

  test('is 0 where this program takes all, also where its own time is counted to another second', () => {
    const others = othersOfLate(2);
    others({ busy: 0, own: 0 }, 1);
    expect(others({ busy: 2, own: 2 }, 1)).toBe(0);
    expect(others({ busy: 4, own: 4.2 }, 1)).toBe(0);
  });

  test('follows a burst of one second by less than a third', () => {
    const others = othersOfLate(2);
    others({ busy: 0, own: 0 }, 1);
    others({ busy: 2, own: 2 }, 1);
    expect(others({ busy: 4, own: 2 }, 1)).toBeCloseTo(0.3, 6);
  });
});

test.each([
  [0, 8, 8],
  [0.05, 8, 8],
  [0.5, 8, 4],
  [5 / 6, 8, 1],
  [1, 8, 1],
  [0.4, 1, 1],
])('beside others with a share of %f, %i jobs are %i', (others, jobs, left) => {
  expect(jobsBeside(others, jobs)).toBe(left);
});

test('a process that works is in the time of the machine, and in its own', () => {
  const [busy, own, listed] = [machineCpu().busy, ownCpu(), cpuWithChildren(process.pid) ?? Number.NaN];
  const until = own + 0.2;
  while (ownCpu() < until);
  // a tick of /proc is 10 ms; the machine's is counted for each CPU
  expect(machineCpu().busy - busy).toBeGreaterThan(0.1);
  expect((cpuWithChildren(process.pid) ?? Number.NaN) - listed).toBeGreaterThanOrEqual(0.15);
});

test('a deadline is as many times as long as patience says when it has passed', () => {
  vi.useFakeTimers();
  try {
    let patience = 2;
    const passed: number[] = [];
    using _deadline = afterPatience(
      1000,
      () => patience,
      (ms) => void passed.push(ms),
    );
    vi.advanceTimersByTime(1500);
    patience = 3;
    vi.advanceTimersByTime(1000);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(passed).toEqual([3000]);
  } finally {
    vi.useRealTimers();
  }
});
