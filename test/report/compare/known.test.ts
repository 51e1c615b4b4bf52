import { describe, expect, test } from 'vitest';
import { builtins, registry } from '../../../src/catalogue/registry.ts';
import { kind } from '../../../src/facts/kinds.ts';
import { declarations } from '../../../src/facts/table.ts';
import type { CellRecord, Run, Verdict } from '../../../src/record/schema.ts';
import { compareRuns } from '../../../src/report/compare/compare.ts';
import { type Differing, kernelNames, knownChanges, knownFor } from '../../../src/report/compare/known.ts';
import { comparisonMarkdown } from '../../../src/report/compare/markdown.ts';
import { comparisonText } from '../../../src/report/compare/text.ts';
import { toldOf } from '../../../src/report/compare/told.ts';
import { cellOf, claimOf, experimentOf, runOf, saved } from '../fixture.ts';

const kept = (values: Differing['values']): Differing => ({
  experiment: 'linger-values',
  factors: { value: 'minus-1' },
  fact: 'kept',
  values,
});
const idsOf = (differing: Differing, kernels: readonly string[]) =>
  knownFor(differing, kernels)?.map(({ id }) => id) ?? 'new';

test('a kernel is named by its series, or by as much more as no other one has', () => {
  const [debian, host] = ['6.18.15+deb13-cloud-amd64', '6.18.44-fc-v782'];
  expect(kernelNames(['5.10.0-46-cloud-amd64', debian, host])).toEqual(['5.10', '6.18.15', '6.18.44']);
  expect(kernelNames([host, '6.18.44-other'])).toEqual([host, '6.18.44-other']);
  expect(kernelNames([host, host, ''])).toEqual([undefined, undefined, undefined]);
});

describe('a difference is known', () => {
  test('where a change came in between the kernels that differ', () => {
    expect(idsOf(kept(['a', 'b']), ['5.10.0-46-cloud-amd64', '6.1.0-57-cloud-amd64'])).toEqual(['linger-range']);
    expect(idsOf(kept(['b', 'a', 'b']), ['6.18.44', '5.10.0', '7.3.4'])).toEqual(['linger-range']);
  });

  test('not where kernels differ that both have the change, or neither', () => {
    expect(idsOf(kept(['a', 'b']), ['6.12.1', '6.18.1'])).toBe('new');
    expect(idsOf(kept(['a', 'b', 'c']), ['5.10.0', '6.1.0', '6.12.0'])).toBe('new');
    expect(idsOf(kept(['a', 'b']), ['5.4.0', '5.10.0'])).toBe('new');
  });

  test('from the stable kernels on that have the change, too', () => {
    const late: Differing = {
      experiment: 'simultaneous-close',
      factors: { order: 'one-fin-late' },
      fact: 'lateFin',
      values: ['challenged', 'accepted'],
    };
    expect(idsOf(late, ['5.10.0', '6.1.0-57-cloud-amd64'])).toEqual(['old-ack-while-closing']);
    expect(idsOf({ ...late, factors: { order: 'in-turn' } }, ['5.10.0', '6.1.0'])).toBe('new');
  });

  test('of a cell that one kernel cannot run, and of a claim', () => {
    const fate: Differing = { experiment: 'lost-last-ack', factors: { left: 'ss-K' }, values: ['unsupported', 'ran'] };
    expect(idsOf(fate, ['5.10.0', '7.3.4'])).toEqual(['time-wait-can-be-destroyed']);
    const claim: Differing = {
      experiment: 'bound-port',
      claim: 'free-once-it-is-closed',
      values: ['refuted', 'confirmed'],
    };
    expect(idsOf(claim, ['6.16.12', '6.18.15'])).toEqual(['bind-bucket-state']);
    expect(idsOf({ ...claim, claim: 'another' }, ['6.16.12', '6.18.15'])).toBe('new');
  });

  test('not where a run says nothing of its kernel', () => {
    expect(knownFor(kept(['a', 'b']), [undefined, '6.1.0'])).toBeUndefined();
  });
});

test('what the known changes name exists: experiments, claims, factors and their values', async () => {
  const all = new Map(registry(await builtins()).map((each) => [each.definition.id, each.definition]));
  for (const { explains } of knownChanges)
    for (const { experiment, claims = [], factors = {}, facts } of explains) {
      const definition = all.get(experiment);
      expect(definition, experiment).toBeDefined();
      const ids = [...definition!.claims, ...(definition!.across ?? [])].map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining([...claims]));
      for (const [name, values] of Object.entries(factors))
        expect(definition!.factors[name]).toEqual(expect.arrayContaining([...values]));
      const own = Object.keys({ ...declarations(), ...('measures' in definition! ? definition.measures : {}) });
      if (facts) expect([...own, 'counters.server.TcpExt.PAWSEstab'].some((name) => facts.test(name))).toBe(true);
    }
  expect(new Set(knownChanges.map(({ id }) => id)).size).toBe(knownChanges.length);
});

describe('a comparison', () => {
  const facts = saved({ ...declarations(), kept: kind.word('a', 'b'), other: kind.word('a', 'b') });
  const on = (kernel: string, values: CellRecord['facts'], verdict: Verdict = 'confirmed'): Run =>
    runOf(
      [
        experimentOf({
          id: 'linger-values',
          facts,
          claims: [claimOf({ id: 'kept-as-given', verdict }), claimOf({ id: 'x', verdict })],
        }),
      ],
      [cellOf('linger-values', { value: 'minus-1' }, values)],
      { environment: { kernel } },
    );
  const compared = compareRuns([
    on('5.10.0-46-cloud-amd64', { kept: 'a', other: 'a' }, 'refuted'),
    on('7.3.4', { kept: 'b', other: 'b' }),
  ]);

  test('counts what no known change explains', () => {
    expect(compared).toMatchObject({ behaviour: 4, unexplained: 2 });
    expect(toldOf(compared).headline).toContain(
      '4 differences in behaviour (2 known, 2 new), among them 2 claims that ',
    );
  });

  test('knows a contradiction also beside a run that decides nothing', () => {
    const three = compareRuns([
      on('5.10.0-46-cloud-amd64', { kept: 'a' }, 'refuted'),
      on('5.10.0-47-cloud-amd64', { kept: 'a' }, 'inconclusive'),
      on('7.3.4', { kept: 'b' }),
    ]);
    expect(three.verdicts.map(({ claim, known }) => [claim, known?.map(({ id }) => id)])).toEqual([
      ['kept-as-given', ['linger-range']],
      ['x', undefined],
    ]);
  });

  test('says once that all are known', () => {
    const one = compareRuns([
      on('5.10.0-46-cloud-amd64', { kept: 'a', other: 'b' }),
      on('7.3.4', { kept: 'b', other: 'b' }),
    ]);
    expect(toldOf(one).headline).toMatch(/^1 known difference in behaviour; none in performance\. Compared: /);
  });

  test('prints beside each difference whether it is known or new, and what the changes are', () => {
    const markdown = comparisonMarkdown(toldOf(compared));
    expect(markdown).toMatch(/`kept` \| a \| b \| .*; known since Linux 6\.6, in stable kernels from 6\.1 on \|/);
    expect(markdown).toMatch(/`other` \| a \| b \| .*; \*\*new\*\* \|/);
    expect(markdown).toMatch(
      /kept-as-given`\); known since Linux 6\.6, in stable kernels from 6\.1 on \| refuted \| confirmed/,
    );
    expect(markdown).toMatch(/\| 6\.6, stable kernels from 6\.1 on \| SO_LINGER −1 and INT_MAX read back/);
    const text = comparisonText(toldOf(compared), { color: false });
    expect(text).toMatch(/≠ other {2}A a · B b\n {4}in linger-values\/value=minus-1; new\n/);
    expect(text).toMatch(/Known changes of Linux\n {2}6\.6\D.*SO_LINGER −1/);
  });

  test('of runs on one kernel says nothing of changes', () => {
    const same = compareRuns([on('7.3.4', { kept: 'a' }), on('7.3.4', { kept: 'b' })]);
    expect(same.unexplained).toBeUndefined();
    expect(comparisonMarkdown(toldOf(same))).not.toMatch(/known since|new\*\*/);
  });
});
