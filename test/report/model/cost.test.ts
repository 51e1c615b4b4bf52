import { expect, test } from 'vitest';
import type { SessionCpu } from '../../../src/record/schema.ts';
import { costOf, shortText, totalText, wireCostText } from '../../../src/report/model/overview.ts';
import { environment, runOf } from '../fixture.ts';

const runWith = (...cpu: readonly (SessionCpu | undefined)[]) =>
  runOf([], [], {
    sessions: cpu.map((each) => ({
      startedAt: '2025-11-20T09:00:00.000Z',
      finishedAt: '2025-11-20T09:01:00.000Z',
      environment: environment(),
      ...(each && { cpu: each }),
    })),
  });
const spent = (harness: number, observers: number, peers: number) => ({ harness, observers, peers });

test('sessions of a resumed run add up, and a short cell is their mean by result', () => {
  const cost = costOf(
    runWith(
      { ...spent(1, 2, 3), short: { results: 30, ...spent(0.01, 0.02, 0.03) } },
      { ...spent(10, 20, 30), short: { results: 10, ...spent(0.05, 0.06, 0.07) } },
    ),
  )!;
  expect(cost).toMatchObject({ harness: 11, observers: 22, peers: 33, unknown: 0 });
  expect(cost.short!.results).toBe(40);
  expect(cost.short!.harness).toBeCloseTo(0.02, 12);
  expect(cost.short!.observers).toBeCloseTo(0.03, 12);
  expect(cost.short!.peers).toBeCloseTo(0.04, 12);
});

test('a session that was killed before it could say is told of, and counted as nothing', () => {
  const cost = costOf(runWith(undefined, spent(1, 2, 3)))!;
  expect(cost).toEqual({ ...spent(1, 2, 3), unknown: 1 });
  expect(totalText(cost)).toBe(
    '6.00 s: harness 1.00, observers 2.00, peers 3.00, without 1 session that ended too soon to say',
  );
  expect(shortText(cost)).toBe('');
});

test('a run of which no session says costs nothing that is known', () => {
  expect(costOf(runWith(undefined))).toBeUndefined();
});

test('what a wire costs is told with its units', () => {
  const bulk = { mtu: 1500, packetsPerSecond: 131_234, megabytesPerSecond: 180.4 };
  const roundTripUs = { wire: { p50: 59.22, p99: 131.6 }, veth: { p50: 21.1, p99: 340 } };
  expect(wireCostText({ ...bulk, roundTripUs, addedP50Us: 38.12 })).toBe(
    'a round trip takes 59.2 µs (p99 132 µs), on veth 21.1 µs (p99 340 µs); 131k packets/s, 180 MB/s at MTU 1500',
  );
  expect(wireCostText({ ...bulk, addedP50Us: 38.12 })).toBe(
    'adds 38.1 µs to a round trip; 131k packets/s, 180 MB/s at MTU 1500',
  );
});
