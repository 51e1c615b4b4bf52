import { describe, expect, test } from 'vitest';
import type { AnyDefinition, AnyScenarioDefinition } from '../../src/experiment/definition.ts';
import { experiment, finding, share } from '../../src/index.ts';
import { falsifiers, fixedParts } from '../../src/verdict/falsifiable.ts';
import { closeOrder, goodRun, ranCell } from './example.ts';

const withClaim = (holds: (facts: Record<string, unknown>) => boolean): AnyDefinition => ({
  ...closeOrder,
  claims: [{ id: 'it', text: '', source: '', holds: holds as never }],
  across: [],
});

describe('falsifiers', () => {
  test("other cells' facts refute each claim of a good experiment", () => {
    expect(falsifiers(closeOrder, goodRun())).toEqual([
      {
        claim: 'first-closer-waits',
        refutedBy: 'the facts of close-order/closes=client,linger=zero in close-order/closes=client,linger=off',
      },
      {
        claim: 'reset-leaves-none',
        refutedBy: 'the facts of close-order/closes=client,linger=off in close-order/closes=client,linger=zero',
      },
      {
        claim: 'reset-is-not-slower',
        refutedBy:
          'the facts of close-order/closes=client,linger=off and close-order/closes=client,linger=zero exchanged',
      },
    ]);
  });

  test('shows a claim that nothing refutes', () => {
    expect(
      falsifiers(
        withClaim(() => true),
        goodRun(),
      ),
    ).toEqual([{ claim: 'it', refutedBy: null }]);
    expect(
      falsifiers(
        withClaim((facts) => facts['timeWait.holder'] !== 'never'),
        goodRun(),
      ),
    ).toEqual([{ claim: 'it', refutedBy: null }]);
    const across = { id: 'a', text: '', source: '', holds: (all: readonly { facts: object }[]) => all.length > 0 };
    expect(falsifiers({ ...closeOrder, claims: [], across: [across] }, goodRun())).toEqual([
      { claim: 'a', refutedBy: null },
    ]);
  });

  test('an unknown fact or a crash refutes nothing', () => {
    const needy = withClaim((facts) => facts['timeWait.seconds'] === 60);
    expect(falsifiers(needy, goodRun())).toEqual([{ claim: 'it', refutedBy: null }]);
    const crashing = withClaim((facts) => (facts['client.path'] as string[]).at(-1) === 'CLOSED');
    expect(falsifiers(crashing, goodRun())).toEqual([{ claim: 'it', refutedBy: null }]);
  });

  test('takes records made by hand where no cell can refute', () => {
    const minute = withClaim((facts) => Number(facts['timeWait.seconds']) > 59);
    const cells = [ranCell('client', 'off', { 'timeWait.seconds': 60.5 })];
    expect(falsifiers(minute, cells)[0]?.refutedBy).toBeNull();
    const handMade = { [minute.claims[0]!.id]: { facts: { 'timeWait.seconds': 1 } } };
    expect(falsifiers(minute, cells, handMade)[0]?.refutedBy).toBe(
      'the facts of a record made by hand in close-order/closes=client,linger=off',
    );
  });

  test('exchanges ends in names, in words and in counters, and connections in names', () => {
    const definition: AnyDefinition = experiment({
      id: 'close-order',
      question: 'q',
      factors: {},
      connections: ['old', 'new'],
      scenario: async () => {},
      claims: [
        { id: 'name', text: '', source: '', holds: (facts) => facts['old.client.sawEnd'] },
        { id: 'word', text: '', source: '', holds: (facts) => facts['new.timeWait.holder'] === 'client' },
        { id: 'counter', text: '', source: '', holds: (facts) => facts['counters.client.Tcp.OutRsts'] === 1 },
        { id: 'label', text: '', source: '', holds: (facts) => facts['old.client.retransmits'] === 1 },
      ],
      answer: () => 'x',
    }).definition;
    const cell = {
      ...ranCell('client', 'off', {}),
      id: 'close-order',
      factors: {},
      facts: {
        'old.client.sawEnd': true,
        'old.server.sawEnd': false,
        'new.timeWait.holder': 'client',
        'counters.client.Tcp.OutRsts': 1,
        'counters.server.Tcp.ActiveOpens': 1,
        'old.client.retransmits': 1,
        'old.server.retransmits': 1,
        'new.client.retransmits': 0,
        'new.server.retransmits': 0,
      },
    };
    expect(falsifiers(definition, [cell])).toEqual([
      { claim: 'name', refutedBy: 'the facts of close-order with client and server exchanged in close-order' },
      { claim: 'word', refutedBy: 'the facts of close-order with client and server exchanged in close-order' },
      { claim: 'counter', refutedBy: 'the facts of close-order with client and server exchanged in close-order' },
      { claim: 'label', refutedBy: 'the facts of close-order with old and new exchanged in close-order' },
    ]);
  });
});

describe('the parts of an answer that are fixed', () => {
  const answering = (answer: AnyScenarioDefinition['answer']) => ({ ...closeOrder, answer });
  type Outcomes = Parameters<AnyScenarioDefinition['answer']>[0];
  const keeps = (outcomes: Outcomes, holder: string) =>
    outcomes.filter(({ facts }) => facts['timeWait.holder'] === holder);

  test('are none where other facts give another headline', () => {
    expect(fixedParts(closeOrder, goodRun())).toEqual({ headline: false, findings: [] });
  });

  test('are a headline that says the same of any facts, and each finding that does', () => {
    const definition = answering((outcomes) => ({
      headline: 'The end that closes first.',
      findings: [
        finding(share(keeps(outcomes, 'client'), outcomes), 'The client keeps TIME-WAIT.'),
        finding('1 of 1', 'It was always so.', outcomes),
      ],
    }));
    expect(fixedParts(definition, goodRun())).toEqual({ headline: true, findings: [1] });
  });

  test('move with facts made by hand, which change the cells as they are', () => {
    const definition = answering((outcomes) => {
      const quick = outcomes.filter(({ facts }) => facts['client.closeMs'] < 5);
      return { headline: `${keeps(outcomes, 'client').length}`, findings: [finding(share(quick, outcomes), 'Quick.')] };
    });
    expect(fixedParts(definition, goodRun())?.findings).toEqual([0]);
    expect(fixedParts(definition, goodRun(), { any: { facts: { 'client.closeMs': 9 } } })?.findings).toEqual([]);
  });

  test('cannot be told where there is no answer', () => {
    expect(fixedParts(closeOrder, [])).toBeNull();
  });
});
