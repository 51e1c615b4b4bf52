import { expect, test } from 'vitest';
import { oddsExceed } from '../../src/stats/odds.ts';

test("one stratum is Fisher's one-sided exact test: his tea-tasting lady, 17 / 70", () => {
  expect(oddsExceed([{ of: [4, 4], hits: [3, 1] }]).p).toBeCloseTo(17 / 70, 12);
});

test('the smallest p is that of the most hits that the margins allow', () => {
  expect(oddsExceed([{ of: [4, 4], hits: [3, 1] }]).smallest).toBeCloseTo(1 / 70, 12);
  expect(oddsExceed([{ of: [4, 4], hits: [4, 0] }]).p).toBeCloseTo(1 / 70, 12);
});

test('strata count together: the chance of as many hits in all', () => {
  const one = { of: [2, 2], hits: [2, 0] } as const;
  expect(oddsExceed([one, one]).p).toBeCloseTo(1 / 36, 12);
  // 3 hits of 4: 2 and 1, or 1 and 2, or 2 and 2, of chances 1/6, 4/6, 1/6 in each stratum
  expect(oddsExceed([one, { of: [2, 2], hits: [1, 1] }]).p).toBeCloseTo((2 * 4 + 1) / 36, 12);
});

test('odds that are so many times others anyway must be exceeded', () => {
  const apart = { of: [10, 10], hits: [10, 0] } as const;
  const choose10 = [1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1];
  const total = choose10.reduce((sum, ways, hits) => sum + ways * ways * 10 ** hits, 0);
  expect(oddsExceed([apart], 10).p).toBeCloseTo(1e10 / total, 12);
  expect(oddsExceed([{ of: [20, 20], hits: [12, 2] }], 10).p).toBeGreaterThan(0.2);
});

test('strata in which every result is a hit, or one sample has none, say nothing', () => {
  const said = { of: [5, 5], hits: [5, 1] } as const;
  const { p } = oddsExceed([said]);
  expect(oddsExceed([said, { of: [5, 5], hits: [5, 5] }, { of: [5, 0], hits: [2, 0] }]).p).toBeCloseTo(p, 12);
});
