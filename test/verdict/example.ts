import type { AnyScenarioDefinition } from '../../src/experiment/definition.ts';
import { experiment } from '../../src/index.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { judgeCell } from '../../src/verdict/claims.ts';

/** Which end keeps TIME-WAIT, as a reader's first experiment might ask it. */
export const closeOrder: AnyScenarioDefinition = experiment({
  id: 'close-order',
  question: 'Which end is left in TIME-WAIT?',
  factors: { closes: ['client', 'server'], linger: ['off', 'zero'] },
  scenario: async () => {},
  claims: [
    {
      id: 'first-closer-waits',
      text: 'the end that closes first keeps TIME-WAIT',
      source: 'RFC 9293 §3.6.1',
      when: (cell) => cell.linger === 'off',
      holds: (facts, cell) => facts['timeWait.holder'] === cell.closes,
    },
    {
      id: 'reset-leaves-none',
      text: 'a reset leaves no TIME-WAIT',
      source: 'RFC 9293 §3.10.4',
      when: (cell) => cell.linger === 'zero',
      holds: (facts) => facts['timeWait.holder'] === 'none',
    },
  ],
  across: [
    {
      id: 'reset-is-not-slower',
      text: 'closing by a reset does not take longer',
      source: 'tcp_close()',
      holds: (outcomes) => {
        const slowest = (linger: string) =>
          Math.max(
            ...outcomes.filter(({ cell }) => cell.linger === linger).map(({ facts }) => facts['client.closeMs']),
          );
        return slowest('zero') <= slowest('off');
      },
    },
  ],
  answer: (outcomes) => {
    const off = outcomes.filter(({ cell }) => cell.linger === 'off');
    const first = off.every(({ cell, facts }) => facts['timeWait.holder'] === cell.closes);
    return first ? 'The end that closes first.' : 'Not always the end that closes first.';
  },
}).definition;

/** A cell of {@link closeOrder} that ran, judged. */
export function ranCell(
  closes: 'client' | 'server',
  linger: 'off' | 'zero',
  facts: CellRecord['facts'],
  change: Partial<CellRecord> = {},
): CellRecord {
  const cell: CellRecord = {
    id: `close-order/closes=${closes},linger=${linger}`,
    experiment: 'close-order',
    factors: { closes, linger },
    repeat: 1,
    race: false,
    status: 'ran',
    startedAt: '2025-11-20T09:00:00.000Z',
    seconds: 1,
    facts,
    unknown: {},
    paths: {},
    claims: [],
    warnings: [],
    ...change,
  };
  return cell.status === 'ran' ? { ...cell, claims: judgeCell(closeOrder, cell) } : cell;
}

/** What a kernel that follows RFC 9293 would show. */
export const goodRun = (): CellRecord[] => [
  ranCell('client', 'off', { 'timeWait.holder': 'client', 'client.closeMs': 0.2 }),
  ranCell('client', 'zero', { 'timeWait.holder': 'none', 'client.closeMs': 0.1 }),
  ranCell('server', 'off', { 'timeWait.holder': 'server', 'client.closeMs': 0.15 }),
  ranCell('server', 'zero', { 'timeWait.holder': 'none', 'client.closeMs': 0.1 }),
];
