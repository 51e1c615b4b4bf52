import { expect, test } from 'vitest';
import load from '../../experiments/load/load.ts';

/** What a run of 20 repeats came to: how keep-alive compares, of so many pairs, beside a way that is shown to be dearer. */
function headline(differs: 'more' | 'not shown', pairs: number): string {
  const cell = { inFlight: 32, requests: 1, bytes: 1, servers: 1, arrival: 'closed', on: 'loopback' };
  const baseline = { ...cell, closer: 'client', by: 'destroy' };
  const outcomes = [{ cell: baseline, repeat: 20, facts: { 'cpu.othersShare': 0, 'cpu.saturated': 'client' } }];
  const compared = [
    { cell: { ...cell, closer: 'client', by: 'linger-1' }, baseline, pairs: 10, ratio: 0.6, differs: 'fewer' },
    { cell: { ...cell, closer: 'neither', by: 'destroy' }, baseline, pairs, ratio: 6, differs },
  ];
  const said = load.definition.answer(outcomes as never, compared as never);
  return String((said as { headline: unknown }).headline);
}

test('what too few pairs do not show is not said to be absent', () => {
  expect(headline('more', 12)).toMatch(/^Keep connections open: keep-alive served 6\.0 ×/);
  expect(headline('not shown', 12)).toMatch(/saves no significant CPU/);
  expect(headline('not shown', 4)).toMatch(/^Too few repeats could be compared/);
});
