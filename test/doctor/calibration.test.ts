import { expect, test } from 'vitest';
import { calibrate, slownessOf } from '../../src/doctor/calibration.ts';

test('fixed work takes CPU time, and about as much again', () => {
  const all = Array.from({ length: 3 }, calibrate);
  for (const of of ['jsUs', 'systemUs'] as const) {
    const took = all.map((each) => each[of]);
    expect(Math.min(...took)).toBeGreaterThan(10);
    // of a machine that others use, too: a factor that no piece of work of another size stays within
    expect(Math.max(...took) / Math.min(...took)).toBeLessThan(8);
  }
});

test('a machine is as many times slower than a plain one as its loop takes longer, and never faster', () => {
  const took = (jsUs: number) => slownessOf({ jsUs, systemUs: 500 });
  expect([took(57.3), took(573), took(30)]).toEqual([1, 10, 1]);
});
