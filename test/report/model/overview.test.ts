import { expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { longestTook, overviewOf, setting, underText } from '../../../src/report/model/overview.ts';
import { cellOf, environment, experimentOf, runOf, sampleRun } from '../fixture.ts';

test('cells are counted once, whatever their repeats', () => {
  expect(overviewOf(sampleRun())).toMatchObject({
    cells: { planned: 12, ran: 9, unsupported: 2, errored: 1 },
    repeats: 18,
    verdicts: { confirmed: 1, refuted: 1, inconclusive: 1 },
    missing: [],
  });
});

test('an unsupported cell that is both planned away and recorded counts once and keeps its remedy', () => {
  const cells = [cellOf('x', {}, {}, { status: 'unsupported', reason: { message: 'no veth' } })];
  const run = runOf([experimentOf({ id: 'x' })], cells, {
    notRun: [{ id: 'x', reason: 'no veth', remedy: 'modprobe veth' }],
  });
  expect(overviewOf(run).unsupported).toEqual([{ reason: 'no veth', remedy: 'modprobe veth', cells: ['x'] }]);
});

test('the time between two sessions of a resumed run is not counted', () => {
  const session = (startedAt: string, finishedAt: string | null) => ({
    startedAt,
    finishedAt,
    environment: environment(),
  });
  const run = runOf(
    [experimentOf({ id: 'x' })],
    [
      cellOf('x', { a: 1 }, {}, { startedAt: '2025-01-01T10:00:10Z', seconds: 2 }),
      cellOf('x', { a: 2 }, {}, { startedAt: '2025-01-01T11:00:01Z', seconds: 1 }),
    ],
    {
      sessions: [session('2025-01-01T10:00:00Z', null), session('2025-01-01T11:00:00Z', '2025-01-01T11:00:05Z')],
    },
  );
  expect(overviewOf(run).wallSeconds).toBe(12 + 5);
});

test('a guest in virtual time says so', () => {
  const run = runOf([], [], { environment: { accelerator: 'tcg', clockRule: 'virtual' } });
  expect(setting(run)).toContain('under tcg in virtual time');
});

test('a guest says what it runs under', () => {
  const run = runOf([], [], { environment: { accelerator: 'tcg', privileged: false, node: '24.1.0' } });
  expect(setting(run)).toEqual([
    'lingerlab 0.1.0',
    'Linux 6.18.19',
    'HZ 250',
    'under tcg',
    'Node 24.1.0',
    'iproute2 6.1.0',
    'without root',
  ]);
});

test('the longest cell is that of those that ran, said so where one that errored took longer', () => {
  const [ran, hung] = [cellOf('x', { a: 1 }, {}, { seconds: 2 }), cellOf('x', { a: 2 }, {}, { seconds: 40 })];
  const longest = (cells: CellRecord[]) => overviewOf(runOf([experimentOf({ id: 'x' })], cells)).longest;
  expect(longest([ran, hung])).toMatchObject({ id: 'x/a=2', isOfRan: false });
  expect(longest([ran, { ...hung, status: 'errored' }])).toMatchObject({ id: 'x/a=1', isOfRan: true });
});

test('beside loads, the time of the other cells is told apart', () => {
  const longest = { id: 'x/a=1', seconds: 60, runSeconds: 90, isOfRan: false };
  expect(longestTook(30, longest)).toBe('the other cells took 1 min 30 s; the longest took');
  expect(longestTook(0, longest)).toBe('the longest cell took');
  expect(longestTook(30, { id: 'x/a=1', seconds: 60, isOfRan: true })).toBe('the longest cell that ran took');
});

test('of many settings that the user asked for, the first three are named', () => {
  const asked = { 'net.a': '1', 'net.b': '1 2 3', 'net.c': '3', 'net.d': '4', 'net.e': '5' };
  expect(underText(asked)).toBe('under net.a=1, net.b="1 2 3", net.c=3 and 2 more settings');
  expect(underText({ 'net.a': '1' })).toBe('under net.a=1');
});
