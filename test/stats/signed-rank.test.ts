import { describe, expect, test } from 'vitest';
import { pairedRatio, signedRankP } from '../../src/stats/signed-rank.ts';

describe('the test of signed ranks', () => {
  test('of differences that all lie on one side has 2 of all ways to sign them', () => {
    for (const n of [4, 6, 10]) {
      const all = Array.from({ length: n }, (_, nth) => nth + 1);
      expect(signedRankP(all)).toBeCloseTo(2 / 2 ** n, 12);
      expect(signedRankP(all.map((each) => -each))).toBeCloseTo(2 / 2 ** n, 12);
    }
  });

  test('of n = 10 with a sum of 8 on one side is 0.0488: the tables’ critical value at 5 %', () => {
    const signed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((size) => (size === 8 ? -size : size));
    expect(signedRankP(signed)).toBeCloseTo(0.0488, 4);
  });

  test('counts ties by their mean rank, leaves zeros out, and is 1 of nothing', () => {
    expect(signedRankP([1, 1, 1, 1])).toBeCloseTo(2 / 16, 12);
    expect(signedRankP([0, 0, 3, 1, 2, 5])).toBeCloseTo(signedRankP([3, 1, 2, 5]), 12);
    expect(signedRankP([])).toBe(1);
    expect(signedRankP([1, -1])).toBe(1);
  });
});

describe('the ratio of pairs', () => {
  const a = [100, 200, 150, 120, 90, 300, 110, 95, 130, 170];

  test('is found though the pairs differ among themselves by more', () => {
    const b = a.map((value, nth) => value * (1.05 + nth / 1000));
    const { ratio, low, high } = pairedRatio(a, b);
    expect(ratio).toBeCloseTo(1.0545, 3);
    expect(low).toBeGreaterThan(1.049);
    expect(high).toBeLessThan(1.06);
  });

  test('has an interval without 1 exactly where the test shows a difference', () => {
    for (let factor = 0.9; factor < 1.1; factor += 0.0071) {
      const b = a.map((value, nth) => value * factor * (1 + (((nth * 7) % 10) - 4.5) / 100));
      const { low, high } = pairedRatio(a, b);
      const p = signedRankP(a.map((value, nth) => Math.log((b[nth] as number) / value)));
      expect(low > 1 || high < 1, `${factor}`).toBe(p <= 0.05);
    }
  });

  test('of too few pairs leaves nothing out', () => {
    expect(pairedRatio([1, 2, 3], [2, 4, 6])).toMatchObject({ low: 0, high: Number.POSITIVE_INFINITY });
  });
});
