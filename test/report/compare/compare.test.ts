import { describe, expect, test } from 'vitest';
import { LingerlabError } from '../../../src/errors.ts';
import { kind } from '../../../src/facts/kinds.ts';
import { declarations, loadDeclarations } from '../../../src/facts/table.ts';
import type { Declaration, FactValue } from '../../../src/record/fact.ts';
import type { CellRecord, Environment, Run } from '../../../src/record/schema.ts';
import { compareRuns } from '../../../src/report/compare/compare.ts';
import type { Comparison } from '../../../src/report/compare/comparison.ts';
import { comparisonText } from '../../../src/report/compare/text.ts';
import { toldOf } from '../../../src/report/compare/told.ts';
import { cellOf, claimOf, experimentOf, runOf, sampleRun, saved } from '../fixture.ts';

const own: Record<string, Declaration> = {
  ...declarations(),
  word: kind.word('a', 'b'),
  bytes: kind.bytes(),
  lasted: kind.seconds({ compare: 'within', resolution: 'timer' }),
  near: kind.ms({ compare: 'within', resolution: 5 }),
  rate: kind.count({ compare: 'measurement' }),
};
const facts = saved(own);
type Observed = FactValue | null | undefined;
type Over = { race?: boolean; environment?: Partial<Environment>; factors?: CellRecord['factors'] };

/** A run with one cell in which a fact had these values over the repeats; undefined: not tried. */
function one(
  fact: string,
  values: readonly Observed[],
  { race = false, environment = {}, factors = { a: 1 } }: Over = {},
) {
  const cells = values.map((value, index) =>
    cellOf('x', factors, value === undefined ? {} : ({ [fact]: value } as CellRecord['facts']), {
      race,
      repeat: index + 1,
    }),
  );
  return runOf([experimentOf({ id: 'x', facts })], cells, { environment });
}
const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);
const compare = (fact: string, a: readonly Observed[], b: readonly Observed[], over: Over = {}): Comparison =>
  compareRuns([one(fact, a, over), one(fact, b, over)]);

test('a run does not differ from itself', () => {
  const comparison = compareRuns([sampleRun(), sampleRun()]);
  expect(comparison).toMatchObject({
    behaviour: 0,
    performance: 0,
    differences: [],
    unstable: [],
    contradicted: 0,
    verdicts: [],
    environment: [],
  });
  expect(comparison.compared).toMatchObject({ cells: 9, cellsNotComparable: 3 });
  expect(comparison.compared.facts).toBeGreaterThan(40);
});

test('what differs where a process was late is no difference in behaviour, and says so', () => {
  const late = (wireMs: number) => ({ harnessMs: 1, observersMs: 1, peersMs: {}, wireMs });
  const run = (word: string, wireMs: number) =>
    runOf([experimentOf({ id: 'x', facts })], [cellOf('x', { a: 1 }, { word }, { late: late(wireMs) })]);
  const found = compareRuns([run('a', 1), run('b', 1020)]);
  expect(found).toMatchObject({
    behaviour: 0,
    differences: [],
    notComparable: [{ cell: 'x/a=1', fact: 'word', reasons: { B: 'late: the wire was late by 1.02 s' } }],
  });
  expect(compareRuns([run('a', 1), run('b', 20)])).toMatchObject({ behaviour: 1, notComparable: [] });
  expect(compareRuns([run('a', 1), run('a', 1020)])).toMatchObject({ behaviour: 0, notComparable: [] });
});

test('a comparison is plain data', () => {
  const comparison = compare('word', ['a'], [undefined]);
  expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
});

test('one run cannot be compared', () => {
  expect(() => compareRuns([sampleRun()])).toThrow(LingerlabError);
});

describe('exact facts', () => {
  test.each<[string, Observed, Observed]>([
    ['word', 'a', 'b'],
    ['bytes', 1000, 1001],
    ['client.sawEnd', true, false],
    ['client.path', ['ESTABLISHED', 'CLOSED'], ['ESTABLISHED']],
    ['client.errors', [{ call: 'read', errno: 'ECONNRESET' }], []],
  ])('%s differs when its values are not equal', (fact, a, b) => {
    expect(compare(fact, [a], [b])).toMatchObject({
      behaviour: 1,
      performance: 0,
      differences: [
        {
          experiment: 'x',
          cell: 'x/a=1',
          fact,
          by: 'exact',
          values: [[{ value: a, times: 1 }], [{ value: b, times: 1 }]],
        },
      ],
    });
    expect(compare(fact, [a], [a]).behaviour).toBe(0);
  });

  test('not tried differs from tried', () => {
    expect(compare('word', ['a'], [undefined])).toMatchObject({
      behaviour: 1,
      differences: [{ values: [[{ value: 'a' }], [{ times: 1 }]] }],
    });
  });

  test('a counter that is absent did not change, if others of its namespace were recorded', () => {
    const run = (counters: CellRecord['facts']) =>
      runOf([experimentOf({ id: 'x', facts })], [cellOf('x', {}, counters)]);
    const a = run({ 'counters.lab.Tcp.OutRsts': 2, 'counters.lab.Tcp.ActiveOpens': 1 });
    expect(compareRuns([a, run({ 'counters.lab.Tcp.ActiveOpens': 1 })])).toMatchObject({
      behaviour: 1,
      differences: [{ fact: 'counters.lab.Tcp.OutRsts', values: [[{ value: 2 }], [{ value: 0 }]] }],
    });
    expect(compareRuns([a, run({})])).toMatchObject({ behaviour: 0, compared: { facts: 0, factsNotComparable: 2 } });
  });
});

describe('facts with a resolution', () => {
  test('are the same within it and differ beyond it', () => {
    expect(compare('near', [10], [15]).behaviour).toBe(0);
    expect(compare('near', [10], [15.1])).toMatchObject({
      behaviour: 1,
      differences: [{ by: 'within', resolution: 5 }],
    });
  });

  test('a timer may end a slot of the wheel late: 2.05 s at HZ=250', () => {
    expect(compare('lasted', [60.1], [62.1]).behaviour).toBe(0);
    expect(compare('lasted', [60.1], [62.3]).behaviour).toBe(1);
  });

  test("the coarser machine's slot counts: 4.1 s at HZ=1000", () => {
    const coarse = one('lasted', [64], { environment: { hz: 1000 } });
    expect(compareRuns([one('lasted', [60.1]), coarse]).behaviour).toBe(0);
    expect(compareRuns([one('lasted', [59.8]), coarse]).behaviour).toBe(1);
  });

  test('repeats compare by their medians', () => {
    expect(compare('near', [10, 10, 99], [11, 12, 12]).behaviour).toBe(0);
  });
});

describe('races', () => {
  const race = { race: true };
  /** A race of several cells in which `word` was `b` so often, of five repeats each. */
  const several = (...hits: readonly number[]) =>
    runOf(
      [experimentOf({ id: 'x', facts })],
      hits.flatMap((count, a) =>
        times(5, 0).map((_, repeat) =>
          cellOf(
            'x',
            { a, odd: a % 2 === 1 },
            { word: repeat < count ? 'b' : 'a' },
            { race: true, repeat: repeat + 1 },
          ),
        ),
      ),
    );

  test('differ in their odds when their distributions do: a difference in performance', () => {
    expect(
      compare('word', [...times(12, 'a'), ...times(8, 'b')], [...times(2, 'a'), ...times(18, 'b')], race),
    ).toMatchObject({
      behaviour: 0,
      performance: 1,
      races: [
        {
          fact: 'word',
          isBehaviour: false,
          cells: ['x/a=1'],
          values: [
            [
              { value: 'a', times: 12 },
              { value: 'b', times: 8 },
            ],
            [
              { value: 'b', times: 18 },
              { value: 'a', times: 2 },
            ],
          ],
        },
      ],
    });
  });

  test('differ in behaviour when the odds are further apart than load moves them', () => {
    expect(compare('word', times(10, 'a'), times(10, 'b'), race)).toMatchObject({
      behaviour: 1,
      performance: 0,
      races: [{ isBehaviour: true }],
    });
  });

  test('do not differ by what chance explains', () => {
    const comparison = compare('word', [...times(9, 'a'), 'b'], [...times(7, 'a'), ...times(3, 'b')], race);
    expect(comparison).toMatchObject({ behaviour: 0, performance: 0, compared: { facts: 1, tests: { race: 1 } } });
  });

  test('are tested once for all cells of their experiment: 12 of 20 against 2 of 20, in four cells', () => {
    const comparison = compareRuns([several(3, 3, 3, 3), several(1, 1, 0, 0)]);
    expect(comparison.compared).toMatchObject({ facts: 4, tests: { race: 1 } });
    expect(comparison.races).toMatchObject([
      { fact: 'word', cells: [0, 1, 2, 3].map((a) => `x/a=${a},odd=${a % 2 === 1}`) },
    ]);
    expect(comparison.races[0]?.test.adjusted).toBeLessThan(0.02);
    expect(compareRuns([several(3, 0, 0, 0), several(0, 0, 0, 0)]).races).toEqual([]);
  });

  test('that differ in the cells with one factor value only are said to differ there', () => {
    const comparison = compareRuns([several(3, 5, 3, 4, 2, 5), several(3, 0, 3, 1, 2, 1)]);
    expect(comparison.races).toMatchObject([{ cells: ['x/a=1,odd=true', 'x/a=3,odd=true', 'x/a=5,odd=true'] }]);
  });

  test('cells that cancel each other out differ, too', () => {
    expect(compareRuns([several(5, 0, 5, 0), several(0, 5, 0, 5)]).races).toHaveLength(1);
  });

  test('facts that tell the same results apart are one difference, named by the one that is shown first', () => {
    const run = (value: string) =>
      runOf(
        [experimentOf({ id: 'x', facts, shows: ['word'] })],
        times(10, 0).map((_, repeat) =>
          cellOf('x', {}, { 'client.path': [value], word: value }, { race: true, repeat: repeat + 1 }),
        ),
      );
    expect(compareRuns([run('a'), run('b')])).toMatchObject({
      behaviour: 1,
      races: [{ fact: 'word', alike: ['client.path'] }],
    });
  });

  test('with too few repeats are not comparable, even if they look alike', () => {
    for (const b of ['a', 'b']) {
      const comparison = compare('word', times(3, 'a'), times(3, b), race);
      expect(comparison).toMatchObject({ behaviour: 0, compared: { facts: 0, factsNotComparable: 1 } });
      expect(comparison.notComparable[0]?.reasons).toEqual({
        A: 'too few repeats (3)',
        B: 'too few repeats (3)',
      });
    }
  });

  test('one repeat in each of many cells is enough together', () => {
    const run = (value: (a: number) => string) =>
      runOf(
        [experimentOf({ id: 'x', facts })],
        times(12, 0).map((_, a) => cellOf('x', { a }, { word: value(a) }, { race: true })),
      );
    expect(compareRuns([run(() => 'a'), run(() => 'b')])).toMatchObject({ compared: { facts: 12 }, races: [{}] });
    expect(compareRuns([run((a) => (a % 2 ? 'a' : 'b')), run((a) => (a % 2 ? 'b' : 'a'))]).races).toEqual([]);
  });

  test('a number that only one run came to measure is no difference: the states tell it', () => {
    expect(compare('rate', [10], [undefined], race)).toMatchObject({
      behaviour: 0,
      notComparable: [],
      compared: { untested: 1, factsNotComparable: 0 },
    });
  });
});

describe('measurements', () => {
  const slow = [10, 11, 12, 13, 14, 15];
  const fast = slow.map((value) => value * 2);
  test('that differ are performance, never behaviour', () => {
    expect(compare('rate', slow, fast)).toMatchObject({
      behaviour: 0,
      performance: 1,
      measurements: [{ fact: 'rate', runs: ['A', 'B'], medians: [12.5, 25], repeats: [6, 6] }],
    });
  });

  test('that overlap do not differ', () => {
    expect(
      compare(
        'rate',
        slow,
        slow.map((value) => value + 1),
      ),
    ).toMatchObject({ performance: 0, compared: { facts: 1, untested: 0 } });
  });

  test('without repeats are not tested', () => {
    expect(compare('rate', [10], [1000])).toMatchObject({ performance: 0, compared: { facts: 0, untested: 1 } });
  });

  test('of three runs are each compared with the first', () => {
    const comparison = compareRuns([one('rate', slow), one('rate', fast), one('rate', slow)]);
    expect(comparison).toMatchObject({
      performance: 1,
      measurements: [{ runs: ['A', 'B'] }],
      compared: { tests: { measurement: 2 } },
    });
  });

  test('by less than the repeats of one run have in common are none', () => {
    const rates = Array.from({ length: 20 }, (_, nth) => 1000 + nth);
    const times = (factor: number) => rates.map((rate) => rate * factor);
    for (const factor of [1.025, 1 / 1.025]) expect(compare('rate', rates, times(factor)).performance).toBe(0);
    for (const factor of [1.1, 1 / 1.1]) expect(compare('rate', rates, times(factor)).performance).toBe(1);
  });
  test('that are all alike need no more repeats to be compared', () => {
    expect(compare('rate', [0], [0]).compared).toMatchObject({ facts: 0, untested: 1 });
    expect(compare('rate', times(5, 0), times(5, 0)).compared).toMatchObject({ facts: 1, untested: 0 });
  });
});

describe('unstable facts', () => {
  test('an exact fact that varied within a run is reported, and compared as a distribution', () => {
    const comparison = compare('word', ['a', 'a', 'b'], ['a', 'a', 'a']);
    expect(comparison).toMatchObject({
      behaviour: 0,
      unstable: [
        {
          run: 'A',
          fact: 'word',
          values: [
            { value: 'a', times: 2 },
            { value: 'b', times: 1 },
          ],
        },
      ],
    });
    expect(comparison.notComparable[0]?.reasons.A).toBe('too few repeats (3)');
  });

  test('a race that varies is not unstable', () => {
    expect(compare('word', ['a', 'b'], ['a', 'b'], { race: true }).unstable).toEqual([]);
  });
});

describe('sysctls that lingerlab sets', () => {
  const name = 'net.ipv4.tcp_max_tw_buckets';
  const on = (own?: string) => {
    const pinned = own === undefined ? {} : { pinned: { [name]: { set: '65536', own } } };
    return one('word', ['a'], { environment: { sysctls: { [name]: '65536' }, ...pinned } });
  };
  test('are compared as the kernel made them', () => {
    expect(compareRuns([on('131072'), on('16384')]).environment).toEqual([{ name, values: ['131072', '16384'] }]);
    expect(compareRuns([on('131072'), on('131072')]).environment).toEqual([]);
  });
  test('are compared as the cells ran, where the kernel refused what is set', () => {
    const cc = 'net.ipv4.tcp_congestion_control';
    const under = (set: string, refused?: string) =>
      one('word', ['a'], {
        environment: { sysctls: {}, pinned: { [cc]: { set, own: 'bbr', ...(refused && { refused }) } } },
      });
    expect(compareRuns([under('cubic'), under('bbr', 'cubic')]).environment).toEqual([
      { name: cc, values: ['bbr', 'bbr, cubic refused'] },
    ]);
  });
  test('are compared as the cells ran, where the user of one run asked for another value', () => {
    const under = (set: string, asked?: string) =>
      one('word', ['a'], {
        environment: { sysctls: { [name]: set }, pinned: { [name]: { set, own: '131072', ...(asked && { asked }) } } },
      });
    const { environment, runs } = compareRuns([under('65536'), under('8', '8')]);
    expect(environment).toEqual([{ name, values: ['65536', '8, as asked for'] }]);
    expect(runs.map(({ setting }) => setting.at(-1))).toEqual(['as root', `under ${name}=8`]);
    expect(compareRuns([under('8', '8'), under('8', '8')]).environment).toEqual([]);
  });
  test('are not compared where a run does not say what that was', () => {
    expect(compareRuns([on('131072'), on()]).environment).toEqual([]);
  });
});

describe('not comparable', () => {
  test('unknown in one run is no difference', () => {
    const comparison = compare('word', ['a'], [null]);
    expect(comparison).toMatchObject({ behaviour: 0, compared: { facts: 0, factsNotComparable: 1 } });
    expect(comparison.notComparable).toEqual([
      { experiment: 'x', cell: 'x/a=1', fact: 'word', reasons: { B: 'unknown' }, knownIn: ['A'], unknownIn: ['B'] },
    ]);
    expect(compare('word', [null], [null]).notComparable[0]).not.toHaveProperty('knownIn');
  });

  test('unknown in one of three runs leaves the others to compare', () => {
    const comparison = compareRuns([one('word', ['a']), one('word', [null]), one('word', ['b'])]);
    expect(comparison).toMatchObject({ behaviour: 1, compared: { facts: 1, factsNotComparable: 0 } });
    expect(comparison.differences[0]?.values[1]).toBeNull();
    expect(comparison.notComparable).toHaveLength(1);
  });

  test('an unknown repeat is left out', () => {
    expect(compare('word', ['a', null], ['a']).behaviour).toBe(0);
  });

  test('a cell of one run, an errored and an unsupported one are listed with the reason', () => {
    const cell = (a: number, over: Partial<CellRecord> = {}) => cellOf('x', { a }, { word: 'a' }, over);
    const experiment = experimentOf({ id: 'x', facts, factors: { a: [1, 2, 3, 4] } });
    const all = runOf([experiment], [cell(1), cell(2), cell(3), cell(4)]);
    const other = runOf(
      [experiment],
      [cell(2, { status: 'errored', reason: { code: 'PEER_DIED', message: 'gone' } }), cell(4)],
      {
        notRun: [{ id: 'x/a=3', reason: 'no veth', remedy: '' }],
      },
    );
    const comparison = compareRuns([all, other]);
    expect(comparison.compared).toMatchObject({ cells: 1, notAsked: 1, cellsNotComparable: 0 });
    expect(comparison.fates.map(({ cell: id, fates, reasons }) => [id, fates, reasons])).toEqual([
      ['x/a=2', ['ran', 'errored'], { B: 'errored: PEER_DIED: gone' }],
      ['x/a=3', ['ran', 'unsupported'], { B: 'unsupported: no veth' }],
    ]);
    expect(comparison).toMatchObject({ behaviour: 2, notComparable: [] });
    expect(comparisonText(toldOf(comparison), { color: false })).toContain(
      '≠ cell  A ran · B errored: PEER_DIED: gone\n    in x/a=2',
    );
  });

  test('a run that was cut off, or whose cells all errored, differs in every cell that the other ran', () => {
    const cell = (a: number, over: Partial<CellRecord> = {}) => cellOf('x', { a }, { word: 'a' }, over);
    const experiment = experimentOf({ id: 'x', facts, factors: { a: [1, 2, 3] } });
    const plan = ['x/a=1', 'x/a=2', 'x/a=3'];
    const all = runOf([experiment], [cell(1), cell(2), cell(3)], { plan });
    const cut = runOf([experiment], [cell(1)], { plan, status: 'interrupted' });
    expect(compareRuns([all, cut])).toMatchObject({ behaviour: 2, compared: { cells: 1, notAsked: 0 } });
    const errored = { status: 'errored', reason: { code: 'PEER_DIED', message: 'gone' } } as const;
    const failed = runOf([experiment], [cell(1, errored), cell(2, errored), cell(3, errored)], { plan });
    expect(compareRuns([all, failed])).toMatchObject({ behaviour: 3, compared: { cells: 0 } });
    // what became of a cell in both runs is no difference, and nothing that could be compared
    expect(compareRuns([failed, failed])).toMatchObject({
      behaviour: 0,
      compared: { cells: 0, cellsNotComparable: 3 },
    });
  });

  test('a cell of which one repeat errored differs from one whose repeats ran', () => {
    const cell = (repeat: number, over: Partial<CellRecord> = {}) =>
      cellOf('x', { a: 1 }, { word: 'a' }, { repeat, ...over });
    const experiment = experimentOf({ id: 'x', facts, factors: { a: [1] } });
    const partly = runOf([experiment], [cell(1), cell(2, { status: 'errored', reason: { message: 'gone' } })]);
    const comparison = compareRuns([runOf([experiment], [cell(1), cell(2)]), partly]);
    expect(comparison.fates.map(({ fates }) => fates)).toEqual([['ran', 'errored']]);
    expect(comparison.compared).toMatchObject({ cells: 1 });
  });

  test('results of loads that a run leaves out are left out, and what tells of other programs is not compared', () => {
    const declared = {
      rate: { type: 'number', compare: 'measurement' },
      'cpu.othersShare': { type: 'number', compare: 'measurement' },
    } as const;
    const load = (out: readonly number[]) => ({
      fact: 'rate.perSecond',
      margin: 0.03,
      alpha: 0.01,
      confidence: 0.95,
      leftOut: out.length,
      out: out.map((repeat) => ({ cell: 'x/a=1', repeat })),
      against: [],
    });
    const run = (rates: readonly number[], share: number, out: readonly number[] = []) =>
      runOf(
        [{ ...experimentOf({ id: 'x', facts: declared, factors: { a: [1] } }), load: load(out) }],
        rates.map((rate, index) =>
          cellOf('x', { a: 1 }, { rate, 'cpu.othersShare': share + index / 1000 }, { repeat: index + 1 }),
        ),
      );
    const quiet = [100, 101, 102, 103, 104, 105, 106, 107];
    const slow = quiet.map((rate) => rate / 2);
    expect(compareRuns([run(quiet, 0), run(slow, 0)]).performance).toBe(1);
    const disturbed = run(
      [...slow, ...quiet],
      0.5,
      slow.map((_, index) => index + 1),
    );
    expect(compareRuns([run(quiet, 0), disturbed])).toMatchObject({ performance: 0, compared: { facts: 1 } });
  });

  test('what loads measured is compared within one machine and boot; of others the ratios of rates are', () => {
    const declared = saved({ ...declarations(), ...loadDeclarations() });
    const pair = { cell: 'x/a=2', baseline: 'x/a=1', pairs: 8, ratio: 1, p: 1, differs: 'alike' } as const;
    const load = { fact: 'rate.perSecond', margin: 0.03, alpha: 0.05, confidence: 0.95, leftOut: 0, against: [pair] };
    const run = (rate: number, ratio: number, over: Parameters<typeof runOf>[2] = {}) =>
      runOf(
        [{ ...experimentOf({ id: 'x', facts: declared, factors: { a: [1, 2] } }), load }],
        [1, 2, 3, 4, 5, 6, 7, 8].flatMap((repeat) => {
          const own = rate + repeat;
          const of = (a: number, perSecond: number) =>
            cellOf('x', { a }, { 'rate.perSecond': perSecond }, { repeat, load: true });
          return [of(1, own), of(2, own * ratio * (1 + repeat / 1e6))];
        }),
        over,
      );
    const other = { environment: { cpu: 'another' } };
    const rebooted = { clock: { monotonicNs: '1', wall: '2025-11-20T10:00:00.000Z' } };
    const facts = ({ measurements }: Comparison) => measurements.map(({ cell, fact }) => `${cell} ${fact}`);
    expect(facts(compareRuns([run(100, 2), run(200, 2)]))).toEqual(['x/a=1 rate.perSecond', 'x/a=2 rate.perSecond']);
    for (const elsewhere of [other, rebooted]) {
      const same = compareRuns([run(100, 2), run(200, 2, elsewhere)]);
      expect(same).toMatchObject({ performance: 0, compared: { elsewhere: 2, facts: 1 } });
      expect(toldOf(same).extent.join(' ')).toContain('2 measured facts of loads not compared');
      const otherwise = compareRuns([run(100, 2), run(200, 3, elsewhere)]);
      expect(facts(otherwise)).toEqual(['x/a=2 rate relative to its baseline']);
      expect(comparisonText(toldOf(otherwise), { color: false })).toContain('A → B 2.00 → 3.00 (+50 %)');
      // a run of version 1 does not say which way is the baseline
      const { load: _load, ...older } = run(100, 2).run.experiments[0] as Run['run']['experiments'][number];
      const first = { ...run(100, 2), run: { ...run(100, 2).run, experiments: [older] } };
      expect(facts(compareRuns([first, run(200, 3, elsewhere)]))).toEqual(['x/a=2 rate relative to its baseline']);
    }
  });

  test('rates of machines whose calibrations agree are compared as they are, others by how fast the machine was, and it is said', () => {
    const declared = saved({ ...declarations(), ...loadDeclarations() });
    const run = (rate: number, jsUs: number) => {
      const speed = { jsUs, systemUs: 10 * jsUs };
      return runOf(
        [experimentOf({ id: 'x', facts: declared, factors: { a: [1] } })],
        [1, 2, 3, 4, 5, 6, 7, 8].map((repeat) =>
          cellOf(
            'x',
            { a: 1 },
            { 'rate.perSecond': rate + repeat, 'latency.p50Us': 1e6 / (rate + repeat) },
            { repeat, load: true },
          ),
        ),
        // booted in between: without calibrations nothing could be said
        {
          environment: { calibration: { before: speed, after: speed } },
          ...(jsUs === 50 ? {} : { clock: { monotonicNs: '1', wall: '2025-11-20T10:00:00.000Z' } }),
        },
      );
    };
    const measured = ({ measurements }: Comparison) => measurements.map(({ fact }) => fact).sort();
    const alike = compareRuns([run(1000, 50), run(2000, 51)]);
    expect(measured(alike)).toEqual(['latency.p50Us', 'rate.perSecond']);
    expect(toldOf(alike).extent.join(' ')).toContain('differ by a factor of 1.02');
    // twice as fast a machine does twice as much: no difference
    const faster = compareRuns([run(1000, 50), run(2000, 25)]);
    expect(faster).toMatchObject({ performance: 0, compared: { elsewhere: 0, facts: 2 } });
    expect(comparisonText(toldOf(faster), { color: false })).toContain('2.00 times as fast');
    // and one that is no slower at half the speed got better
    expect(measured(compareRuns([run(1000, 50), run(1000, 100)]))).toEqual(['latency.p50Us', 'rate.perSecond']);
  });

  test('a difference is shown where it is larger than what moved within a run', () => {
    const declared = saved({ ...declarations(), ...loadDeclarations() });
    const speed = (jsUs: number) => ({ jsUs, systemUs: 10 * jsUs });
    const run = (rates: readonly number[], after = 50) =>
      runOf(
        [experimentOf({ id: 'x', facts: declared, factors: { a: [1] } })],
        rates.map((rate, nth) => cellOf('x', { a: 1 }, { 'rate.perSecond': rate }, { repeat: nth + 1, load: true })),
        { environment: { calibration: { before: speed(50), after: speed(after) } } },
      );
    const steady = (rate: number) => Array.from({ length: 24 }, (_, nth) => rate + nth / 100);
    const found = (...runs: readonly [Run, Run]) => compareRuns(runs).performance;
    expect(found(run(steady(100)), run(steady(120)))).toBe(1);
    // the machine became 30 % slower in the last quarter of one run
    const drifting = steady(120).map((rate, nth) => (nth < 18 ? rate : rate / 1.3));
    expect(found(run(steady(100)), run(drifting))).toBe(0);
    expect(found(run(steady(50)), run(drifting))).toBe(1);
    // its fixed work took 30 % longer at its end
    expect(found(run(steady(100), 65), run(steady(125)))).toBe(0);
    expect(found(run(steady(100), 65), run(steady(200)))).toBe(1);
  });

  test('of runs that paired neighbours, ratios are to the baseline just before and just after', () => {
    const declared = saved({ ...declarations(), ...loadDeclarations() });
    const pair = { cell: 'x/a=2', baseline: 'x/a=1', pairs: 8, ratio: 1, p: 1, differs: 'alike' } as const;
    const method = { pairing: 'neighbours', test: 'signed-rank', estimate: 'hodges-lehmann', correction: 'holm' };
    const run = (ratio: number, over: Parameters<typeof runOf>[2] = {}) => {
      const load = {
        fact: 'rate.perSecond',
        margin: 0.03,
        alpha: 0.05,
        confidence: 0.95,
        leftOut: 0,
        against: [pair],
        method,
      } as unknown as NonNullable<Run['run']['experiments'][number]['load']>;
      // the machine becomes 10 % faster from each window to the next: a way between two baselines is free of that
      const at = (nth: number) => ({
        startedAt: new Date(Date.UTC(2025, 10, 20) + nth * 200).toISOString(),
        seconds: 0.1,
        load: true as const,
      });
      const speed = (nth: number) => 1000 * 1.1 ** nth;
      return runOf(
        [{ ...experimentOf({ id: 'x', facts: declared, factors: { a: [1, 2] } }), load }],
        Array.from({ length: 17 }, (_, nth) =>
          nth % 2 === 0
            ? cellOf('x', { a: 1 }, { 'rate.perSecond': speed(nth) }, { repeat: nth / 2 + 1, ...at(nth) })
            : cellOf(
                'x',
                { a: 2 },
                { 'rate.perSecond': ratio * speed(nth) * (1 + nth / 1e6) },
                { repeat: (nth + 1) / 2, ...at(nth) },
              ),
        ),
        over,
      );
    };
    const other = { environment: { cpu: 'another' } };
    const text = comparisonText(toldOf(compareRuns([run(2), run(3, other)])), { color: false });
    expect(text).toContain('A → B 2.00 → 3.00 (+50 %)');
    expect(compareRuns([run(2), run(2, other)])).toMatchObject({ performance: 0 });
  });

  test('facts that differ in the same way in the same cells are one difference', () => {
    const run = (of: 'a' | 'b') =>
      runOf(
        [experimentOf({ id: 'x', facts: saved({ one: kind.word('a', 'b'), two: kind.word('a', 'b') }) })],
        [cellOf('x', { a: 1 }, { one: of, two: of })],
      );
    const told = toldOf(compareRuns([run('a'), run('b')]));
    expect(told.experiments[0]?.behaviour).toMatchObject([{ fact: 'one', values: ['a', 'b'], alike: ['two'] }]);
    expect(comparisonText(told, { color: false })).toContain('  ≠ one  A a · B b\n    in x/a=1 (the same for two)\n');
  });

  test('a fact that the other run does not declare, or otherwise, is no difference', () => {
    const older = one('word', ['a']);
    const { word, ...rest } = facts;
    const without = { ...older, run: { ...older.run, experiments: [experimentOf({ id: 'x', facts: rest })] } };
    const comparison = compareRuns([one('word', ['b']), without]);
    expect(comparison).toMatchObject({
      behaviour: 0,
      notComparable: [{ reasons: { B: 'this run does not declare it' } }],
    });
    const otherwise = { ...rest, word: { ...word, compare: 'race' as const, type: 'word' as const } };
    const changed = { ...older, run: { ...older.run, experiments: [experimentOf({ id: 'x', facts: otherwise })] } };
    expect(compareRuns([one('word', ['b']), changed])).toMatchObject({
      behaviour: 0,
      notComparable: [{ reasons: { B: 'this run declares it otherwise' } }],
    });
  });
});

test('cells match by their factors, not by the order in which their ids name them', () => {
  const a = one('word', ['a'], { factors: { x: 1, y: 'b' } });
  const b = one('word', ['b'], { factors: { y: 'b', x: 1 } });
  expect(compareRuns([a, b])).toMatchObject({ behaviour: 1, compared: { cells: 1, cellsNotComparable: 0 } });
});

test('a claim that one run confirms and another refutes is a difference in behaviour; one that is left open is none', () => {
  const run = (verdict: 'confirmed' | 'refuted' | 'inconclusive') =>
    runOf(
      [experimentOf({ id: 'x', facts, claims: [claimOf({ id: 'c', verdict })] })],
      [cellOf('x', {}, { word: 'a' })],
    );
  expect(compareRuns([run('confirmed'), run('refuted')])).toMatchObject({
    behaviour: 1,
    contradicted: 1,
    verdicts: [{ claim: 'c', verdicts: ['confirmed', 'refuted'] }],
  });
  expect(compareRuns([run('confirmed'), run('inconclusive')])).toMatchObject({ behaviour: 0, contradicted: 0 });
});

test('kernel, HZ and sysctls that differ are listed', () => {
  const b = one('word', ['a'], {
    environment: { kernel: '6.1.192', hz: 1000, sysctls: { 'net.ipv4.tcp_fin_timeout': '30' } },
  });
  expect(compareRuns([one('word', ['a']), b]).environment).toEqual([
    { name: 'kernel', values: ['6.18.19', '6.1.192'] },
    { name: 'hz', values: ['250', '1000'] },
    { name: 'net.ipv4.tcp_fin_timeout', values: ['60', '30'] },
    { name: 'net.ipv4.tcp_tw_reuse', values: ['2', null] },
  ]);
});

test('counters that one kernel has and another lacks are listed, where both runs recorded them', () => {
  const on = (counters?: string[]) => one('word', ['a'], { environment: counters ? { counters } : {} });
  const both = compareRuns([on(['TcpExt.TW']), on(['TcpExt.TW', 'TcpExt.PAWSTimewait'])]);
  expect(both.environment).toEqual([{ name: 'counts: TcpExt.PAWSTimewait', values: [null, 'true'] }]);
  expect(compareRuns([on(['TcpExt.TW']), on()]).environment).toEqual([]);
});
