import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import { resolutionOf } from '../../../src/report/model/judge.ts';

test('the resolution is in the unit of the fact, of the longest value, on the coarsest machine', () => {
  const timer = { compare: 'within', resolution: 'timer' } as const;
  expect(resolutionOf(kind.seconds(timer), [1, 60], [250, 1000])).toBeCloseTo(4.096, 9);
  expect(resolutionOf(kind.ms(timer), [60_000], [250])).toBeCloseTo(2048, 6);
  expect(resolutionOf(kind.ms({ compare: 'within', resolution: 5 }), [1, 2], [250])).toBe(5);
});
