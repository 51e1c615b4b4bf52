import { expect, test } from 'vitest';
import type { WireStatistics } from '../../src/record/wire-statistics.ts';
import { txDropped } from '../../src/wire/running.ts';
import { fallingBehind, oddPackets, stillHeld, wireWarnings } from '../../src/wire/statistics.ts';

const fine: WireStatistics = {
  carried: { client: 10, server: 10 },
  bytes: { client: 400, server: 400 },
  dropped: 3,
  waiting: 1,
  emitted: 2,
  // neighbour discovery and MLD
  others: { 'no-tcp': 4 },
  held: [],
  refused: {},
  refusedOwn: {},
  othersOwn: {},
  refusedAsExpected: {},
  txDropped: { client: 0, server: 0 },
  longestBacklogMs: 3,
  longestStallMs: 2,
  latestMs: 0.4,
  faults: [],
  deviceErrors: [],
  capture: { packets: 22, cut: 0, shortened: 9, fileBytes: 4000 },
};

test('a wire that did what it was told says nothing', () => {
  expect(fallingBehind(fine)).toEqual([]);
});

test.each<[Partial<WireStatistics>, RegExp]>([
  [{ txDropped: { client: 0, server: 7 } }, /dropped 7 packets of the server/],
  [{ longestBacklogMs: 135 }, /up to 135 ms/],
  [{ longestStallMs: 300 }, /did not run for up to 300 ms/],
  [{ latestMs: 102.25 }, /102\.3 ms later/],
  [{ refused: { EIO: 2 } }, /EIO 2/],
  [{ faults: ['nonsense'] }, /1 packets: nonsense/],
  [{ deviceErrors: ['read: EBADFD'] }, /EBADFD/],
  [{ capture: { packets: 1, cut: 5, shortened: 0, fileBytes: 1 } }, /5 packets are cut short/],
  [{ capture: { packets: 1, cut: 0, shortened: 9, fileBytes: 1, fileError: 'ENOSPC' } }, /ENOSPC/],
])('%o is said', (change, expected) => {
  const sentences = fallingBehind({ ...fine, ...change });
  expect(sentences).toHaveLength(1);
  expect(sentences[0]).toMatch(expected);
});

test('what the kernel refused of the scenario’s own packets is not the wire falling behind', () => {
  const statistics = { ...fine, refusedOwn: { EINVAL: 2 } };
  expect(fallingBehind(statistics)).toEqual([]);
  expect(wireWarnings(statistics)).toEqual([
    expect.objectContaining({ code: 'wire-refused', text: expect.stringContaining('EINVAL 2') }),
  ]);
  expect(wireWarnings({ ...fine, refused: { EIO: 2 } })).toEqual([
    expect.objectContaining({ code: 'wire-fell-behind' }),
  ]);
  expect(wireWarnings(fine)).toEqual([]);
});

test('a mapping that was forgotten while the wire was late is said; one forgotten before, or by the scenario, is not', () => {
  const addresses = { inside: { address: '10.0.0.1', port: 1 }, outside: { address: '10.0.0.6', port: 61_001 } };
  const forgotten = { source: 'wire', kind: 'mapping', ...addresses, forgotten: true } as const;
  const late = { ...fine, longestStallMs: 250 };
  const found = (ms: number) => [{ ...forgotten, t: 1e9, found: 1e9 + ms * 1e6 }];
  expect(wireWarnings({ ...fine, longestStallMs: 80 }, found(60))).toEqual([
    expect.objectContaining({
      code: 'wire-fell-behind',
      text: 'the mapping of 10.0.0.1:1 at 10.0.0.6:61001 was needed 60.0 ms after it had expired, and the wire was late by up to 80 ms: the packet may have come before the mapping expired',
    }),
  ]);
  expect(wireWarnings(late, found(249))).toHaveLength(2);
  expect(wireWarnings(late, found(251))).toHaveLength(1);
  expect(wireWarnings(fine, found(100))).toEqual([]);
  expect(wireWarnings(late, [{ ...forgotten, t: 1e9 }])).toHaveLength(1);
});

test('what a rule still holds is named, with its packets', () => {
  const waiting = (n: number, rule: number) =>
    ({ n, rule, from: 'client', bytes: new Uint8Array(), since: 0, why: 'held' }) as const;
  const held = stillHeld([waiting(3, 1), waiting(4, 2), ...[5, 6, 7, 8, 9, 10].map((n) => waiting(n, 1))], (rule) =>
    rule === 1 ? 'hold FIN' : 'hold SYN',
  );
  expect(wireWarnings({ ...fine, held }).map(({ code, text }) => `${code}: ${text}`)).toEqual([
    'wire-still-holds: rule 1 (hold FIN) still held #3, #5, #6, #7, #8 and 2 more when the scenario ended',
    'wire-still-holds: rule 2 (hold SYN) still held #4 when the scenario ended',
  ]);
});

test('the kernel’s drops are read from /proc/net/dev', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       1       2    3    4    5     6          7         8        9      10   11   12   13    14      15         16
 wire0:   840       10    0    9    0     0          0         0      840      10    0   17    0     0       0          0
`;
  expect(txDropped(text, 'wire0')).toBe(17);
  expect(txDropped(text, 'wire1')).toBe(0);
});

test('what was no segment and what the kernel refused is kept for the record, where there is any', () => {
  expect(oddPackets({ ...fine, others: {} })).toBeUndefined();
  expect(oddPackets({ ...fine, refusedAsExpected: { EINVAL: 3 } })).toEqual({
    others: { 'no-tcp': 4 },
    refusedAsExpected: { EINVAL: 3 },
  });
});
