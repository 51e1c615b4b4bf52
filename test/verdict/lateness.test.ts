import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import { experiment } from '../../src/index.ts';
import type { Lateness } from '../../src/record/lateness.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { judgeCell } from '../../src/verdict/claims.ts';
import type { Readable } from '../../src/verdict/facts.ts';
import { movedFacts } from '../../src/verdict/lateness.ts';
import { judgeRun } from '../../src/verdict/run.ts';
import { closeOrder, goodRun, ranCell } from './example.ts';

const onTime: Lateness = { harnessMs: 0, observersMs: 0, peersMs: { client: 0, server: 0 }, wireMs: 0 };
const lateBy = (over: Partial<Lateness>): Lateness => ({ ...onTime, ...over });

const measured = {
  tookMs: kind.ms(),
  tookS: kind.seconds(),
  tookUs: kind.us(),
  sentAt: kind.times(),
  sent: kind.count(),
};
type Holds = (facts: Readable) => boolean;

function judged(holds: Holds, facts: CellRecord['facts'], late?: Lateness) {
  const { definition } = experiment({
    id: 'one',
    question: 'q',
    factors: {},
    measures: measured,
    scenario: async () => {},
    claims: [{ id: 'it', text: '', source: '', holds: holds as () => boolean }],
    answer: () => 'x',
  });
  return judgeCell(definition, { factors: {}, facts, unknown: {}, ...(late && { late }) })[0];
}

const num = (facts: Readable, name: string) => Number(facts[name]);
const list = (facts: Readable, name: string) => facts[name] as readonly number[];

describe('a refuted claim of a cell', () => {
  const under200: Holds = (facts) => num(facts, 'tookMs') < 200;

  test('is inconclusive where a time that it read would confirm it without the delay', () => {
    expect(judged(under200, { tookMs: 215 }, lateBy({ harnessMs: 5, peersMs: { client: 20 } }))).toEqual({
      id: 'it',
      verdict: 'inconclusive',
      detail: {
        on: 'late',
        latest: { process: 'peer', peer: 'client', ms: 20 },
        by: 'times',
        read: [{ fact: 'tookMs', value: 215 }],
        more: 0,
      },
    });
    expect(judged((facts) => num(facts, 'tookMs') > 200, { tookMs: 190 }, lateBy({ observersMs: 90 }))).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'late', latest: { process: 'observers', ms: 90 }, by: 'times' },
    });
  });

  test('stays refuted where it is so by more than the delay, or where nothing was late, or nobody knows', () => {
    for (const late of [lateBy({ peersMs: { client: 20 }, harnessMs: 30 }), onTime, undefined])
      expect(judged(under200, { tookMs: 260 }, late)).toMatchObject({ verdict: 'refuted', detail: { on: 'facts' } });
  });

  test('is asked again in the unit of each fact', () => {
    const late = lateBy({ harnessMs: 30 });
    expect(judged((facts) => num(facts, 'tookS') < 0.2, { tookS: 0.22 }, late)?.verdict).toBe('inconclusive');
    expect(judged((facts) => num(facts, 'tookS') < 0.2, { tookS: 0.24 }, late)?.verdict).toBe('refuted');
    expect(judged((facts) => num(facts, 'tookUs') < 200, { tookUs: 20_000 }, late)?.verdict).toBe('inconclusive');
    expect(judged((facts) => num(facts, 'tookUs') < 200, { tookUs: 40_000 }, late)?.verdict).toBe('refuted');
  });

  test('is asked again with one time later, and with all, those included that it did not come to', () => {
    const late = lateBy({ harnessMs: 30 });
    const facts = { tookMs: 100, tookS: 0.125 };
    const apart: Holds = (read) => Math.abs(num(read, 'tookMs') - num(read, 'tookS') * 1000) < 10;
    expect(judged(apart, facts, late)?.verdict).toBe('inconclusive');
    const both: Holds = (read) => num(read, 'tookMs') > 120 && num(read, 'tookS') > 0.14;
    expect(judged(both, facts, late)?.verdict).toBe('inconclusive');
    expect(judged((read) => apart(read) && num(read, 'tookMs') < 80, facts, late)?.verdict).toBe('refuted');
  });

  test('is asked again with a list later from any of its times on', () => {
    const even: Holds = (facts) => {
      const at = list(facts, 'sentAt');
      return at.slice(1).every((each, index) => Math.abs(each - (at[index] as number) - 0.2) < 0.01);
    };
    const late = lateBy({ harnessMs: 30 });
    expect(judged(even, { sentAt: [0.2, 0.4, 0.63, 0.83] }, late)?.verdict).toBe('inconclusive');
    expect(judged(even, { sentAt: [0.2, 0.43, 0.6] }, late)?.verdict).toBe('inconclusive');
    expect(judged(even, { sentAt: [0.2, 0.4, 0.7, 0.9] }, late)?.verdict).toBe('refuted');
  });

  test('is not asked again with another count', () => {
    expect(judged((facts) => facts.sent === 3, { sent: 4 }, lateBy({ harnessMs: 150, wireMs: 30 }))?.verdict).toBe(
      'refuted',
    );
  });

  test('is inconclusive whatever it read where a process was late for as long as a timer of the kernel', () => {
    const three: Holds = (facts) => facts.sent === 3;
    const of = (late: Partial<Lateness>) => judged(three, { sent: 4 }, lateBy(late));
    const changed = (latest: object) => ({ verdict: 'inconclusive', detail: { on: 'late', by: 'behaviour', latest } });
    expect(of({ wireMs: 40 })).toMatchObject(changed({ process: 'wire', ms: 40 }));
    expect(of({ peersMs: { client: 1000, server: 200 } })).toMatchObject(
      changed({ process: 'peer', peer: 'client', ms: 1000 }),
    );
    expect(of({ harnessMs: 300, wireMs: 50 })).toMatchObject(changed({ process: 'harness', ms: 300 }));
    expect(of({ wireMs: 39, harnessMs: 199, peersMs: { client: 199 } })?.verdict).toBe('refuted');
    expect(of({ observersMs: 5000 })?.verdict).toBe('refuted');
  });

  test('whose function throws or has no value with the other times stays refuted', () => {
    const throws: Holds = (facts) => {
      if (num(facts, 'tookMs') !== 210) throw new RangeError('no');
      return false;
    };
    expect(judged(throws, { tookMs: 210 }, lateBy({ harnessMs: 50 }))?.verdict).toBe('refuted');
    const lacks: Holds = (facts) => num(facts, 'tookMs') < 200 && num(facts, 'sent') === 1;
    expect(judged(lacks, { tookMs: 210, sent: null }, lateBy({ harnessMs: 50 }))?.verdict).toBe('refuted');
  });
});

const anyMs = fc.double({ min: 0, max: 3000, noNaN: true });
const anyLate: fc.Arbitrary<Lateness> = fc.record({
  harnessMs: anyMs,
  observersMs: anyMs,
  peersMs: fc.dictionary(fc.constantFrom('client', 'server'), anyMs),
  wireMs: anyMs,
});

test('lateness turns no confirmed claim, and none into a confirmed one', () => {
  fc.assert(
    fc.property(anyLate, anyMs, anyMs, (late, tookMs, most) => {
      const holds: Holds = (facts) => num(facts, 'tookMs') < most;
      const punctual = judged(holds, { tookMs });
      const judgedLate = judged(holds, { tookMs }, late);
      if (punctual?.verdict === 'confirmed') expect(judgedLate).toEqual(punctual);
      else expect(judgedLate?.verdict).not.toBe('confirmed');
      expect(judged(holds, { tookMs }, onTime)).toEqual(punctual);
    }),
  );
});

test('no time is moved by more than the delay, or before 0', () => {
  fc.assert(
    fc.property(anyMs, anyMs, fc.array(anyMs, { maxLength: 5 }), (ms, tookMs, sentAt) => {
      const facts = { tookMs, sentAt: sentAt.map((each) => each / 1000), sent: 3 };
      const read = ['tookMs', 'sent'];
      for (const other of movedFacts({ facts, read, declared: measured }, ms)) {
        const now = other as typeof facts;
        expect(now.sent).toBe(3);
        for (const [is, was, most] of [
          [now.tookMs, tookMs, ms] as const,
          ...now.sentAt.map((each, index) => [each, facts.sentAt[index] as number, ms / 1000] as const),
        ]) {
          expect(is).toBeGreaterThanOrEqual(0);
          expect(Math.abs(is - was)).toBeLessThanOrEqual(most * (1 + 1e-9) + 1e-9);
        }
      }
    }),
    { numRuns: 50 },
  );
});

describe('a refuted claim across cells', () => {
  const slow = { 'timeWait.holder': 'none', 'client.closeMs': 900 };
  const claim = (cells: readonly CellRecord[]) =>
    judgeRun(closeOrder, cells).find(({ id }) => id === 'reset-is-not-slower');
  const late = lateBy({ wireMs: 1020 });

  test('is inconclusive where it is not refuted without the late results', () => {
    expect(claim([...goodRun(), ranCell('server', 'zero', slow, { repeat: 2, late })])).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'late-results', by: 'behaviour', late: 1, results: 5, latest: { process: 'wire', ms: 1020 } },
    });
  });

  test('is inconclusive where nothing decides it without them', () => {
    expect(
      claim(
        goodRun().map((cell) => ({
          ...cell,
          facts: { ...cell.facts, ...(cell.factors.linger === 'zero' && slow) },
          late,
        })),
      ),
    ).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'late-results', by: 'behaviour', late: 4, results: 4 },
    });
  });

  test('stays refuted where punctual results refute it, too', () => {
    const cells = [
      ...goodRun(),
      ranCell('server', 'zero', slow, { repeat: 2 }),
      ranCell('client', 'zero', slow, { repeat: 2, late }),
    ];
    expect(claim(cells)?.verdict).toBe('refuted');
    expect(claim([...goodRun(), ranCell('server', 'zero', slow, { repeat: 2, late: onTime })])?.verdict).toBe(
      'refuted',
    );
  });

  test('is inconclusive where the delay of one result can explain its times, and refuted where it cannot', () => {
    const times = { ...slow, 'client.closeMs': 30 };
    const by = (harnessMs: number) =>
      claim([...goodRun(), ranCell('server', 'zero', times, { repeat: 2, late: lateBy({ harnessMs }) })]);
    expect(by(50)).toMatchObject({
      verdict: 'inconclusive',
      detail: { on: 'late-results', by: 'times', late: 1, results: 5, latest: { process: 'harness', ms: 50 } },
    });
    expect(by(20)?.verdict).toBe('refuted');
  });
});
