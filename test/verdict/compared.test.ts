import { describe, expect, test } from 'vitest';
import { loadExperiment } from '../../src/index.ts';
import { loadComparison } from '../../src/record/schema.ts';
import { compared, comparisonOf } from '../../src/verdict/compared.ts';

const { definition } = loadExperiment({
  id: 'loads',
  question: 'q',
  factors: { by: ['fin', 'rst', 'kept'], on: ['loopback', 'veth'] },
  load: { repeats: 10, baseline: { by: 'fin' }, counts: (facts) => facts['cpu.othersShare'] < 0.15 },
  scenario: async () => {},
  claims: [],
  answer: (_, pairs) => pairs.map(({ cell, differs }) => `${cell.by} ${differs}`).join(),
});

const rates = [100, 203, 98, 151, 99, 302, 97, 180, 120, 110];
/** Ten results, so many times as fast as the first way's. */
const way = (by: string, times: number, on = 'loopback', others = 0) =>
  rates.map((rate, nth) => ({
    cell: { by, on },
    repeat: nth + 1,
    facts: { 'rate.perSecond': rate * times * (1 + (nth % 3) / 1000), 'cpu.othersShare': others },
  }));

describe('each cell of loads', () => {
  test('is compared with its own baseline, and the comparison is stored with the ids of both', () => {
    const outcomes = [way('rst', 0.8), way('fin', 1), way('fin', 3, 'veth'), way('rst', 6, 'veth')].flat();
    const found = comparisonOf(definition, outcomes);
    expect(loadComparison.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
    expect(found).toMatchObject({
      fact: 'rate.perSecond',
      margin: 0.03,
      alpha: 0.05,
      leftOut: 0,
      against: [
        { cell: 'loads/by=rst,on=loopback', baseline: 'loads/by=fin,on=loopback', pairs: 10, differs: 'fewer' },
        { cell: 'loads/by=rst,on=veth', baseline: 'loads/by=fin,on=veth', pairs: 10, differs: 'more' },
      ],
    });
    expect(found?.against[0]?.ratio).toBeCloseTo(0.8, 2);
    expect(found?.against[1]?.ratio).toBeCloseTo(2, 2);
  });

  test('that have one baseline are corrected together', () => {
    const one = compared(definition, [way('fin', 1), way('rst', 0.8)].flat()).against;
    const two = compared(definition, [way('fin', 1), way('rst', 0.8), way('kept', 5)].flat()).against;
    expect(two.map(({ cell }) => cell.by)).toEqual(['rst', 'kept']);
    expect(two[0]?.p).toBeCloseTo(2 * (one[0]?.p ?? 0));
  });

  test('takes no part with results that do not count, or whose rate is not known; pairs are of repeats that both have', () => {
    const disturbed = way('rst', 0.8).map((each, nth) =>
      nth < 2 ? { ...each, facts: { ...each.facts, 'cpu.othersShare': 0.5 } } : each,
    );
    const found = comparisonOf(definition, [...way('fin', 1).slice(0, 6), ...disturbed]);
    expect(found).toMatchObject({ leftOut: 2, against: [{ pairs: 4 }] });
    // of so few there is no interval, which JSON could not have
    expect(found?.against[0]).not.toHaveProperty('low');
  });

  test('is compared with the baseline just before and just after it, where it is known when they ran', () => {
    const at = (second: number) => ({ span: { began: second * 1000, ended: second * 1000 + 900 } });
    const [slow, fast] = [100, 400];
    const result = (by: string, rate: number, second: number) => ({
      cell: { by, on: 'loopback' },
      repeat: second,
      facts: { 'rate.perSecond': rate, 'cpu.othersShare': 0 },
      ...at(second),
    });
    // by their repeats they would be compared with others
    const found = comparisonOf(definition, [
      result('fin', slow, 0),
      result('rst', 100, 1),
      result('fin', fast, 2),
      result('rst', 200, 3),
      result('kept', 7, 4),
    ]);
    expect(found).toMatchObject({ method: { pairing: 'neighbours' }, against: [{ pairs: 2 }] });
    expect(found?.against[0]?.ratio).toBeCloseTo(0.5, 6);
  });

  test('without its baseline, or without one that is declared, is compared with none', () => {
    expect(comparisonOf(definition, way('rst', 1))).toMatchObject({ against: [] });
    const { baseline: _, ...load } = definition.load;
    expect(comparisonOf({ ...definition, load }, [...way('fin', 1), ...way('rst', 1)])).toBeUndefined();
  });
});
