import { describe, expect, test } from 'vitest';
import type { Usage } from '../../src/experiment/load.ts';
import { between, othersShare, saturated, usage } from '../../src/load/usage.ts';

const used = (given: Partial<Usage>): Usage => ({ client: 0.5, servers: 0.5, softirq: 0, idle: 1, busy: 1, ...given });

describe('what was CPU-bound', () => {
  test('is the client that used all of one CPU, before anyone else', () => {
    expect(saturated(used({ client: 0.97, servers: 0.99, idle: 0 }), 1, 1, 2)).toBe('client');
  });
  test('is the server; of two servers only both together', () => {
    expect(saturated(used({ servers: 0.95 }), 1, 1, 2)).toBe('server');
    expect(saturated(used({ servers: 0.95 }), 1, 2, 4)).toBe('nobody');
    expect(saturated(used({ servers: 1.9 }), 1, 2, 4)).toBe('server');
  });
  test('is the kernel where nothing of the machine is idle and no process is at its end', () => {
    expect(saturated(used({ client: 0.8, servers: 0.8, idle: 0.1, busy: 1.7 }), 1, 1, 2)).toBe('kernel');
    expect(saturated(used({ client: 0.8, servers: 0.8, idle: 0.3 }), 1, 1, 2)).toBe('nobody');
  });
  test('is others where these had more than 15 % of the machine', () => {
    expect(saturated(used({ client: 0.5, servers: 0.8, idle: 0.1, busy: 1.9 }), 1, 1, 2)).toBe('others');
  });
  test('counts by the seconds of the window', () => {
    expect(saturated(used({ client: 1.9, idle: 2 }), 2, 1, 2)).toBe('client');
    expect(saturated(used({ client: 0.97, idle: 2 }), 2, 1, 2)).toBe('nobody');
  });
});

test('what others used is what the machine was busy with, less the load itself, and never less than nothing', () => {
  expect(othersShare(used({ client: 0.9, servers: 0.8, busy: 1.9 }), 1, 2)).toBeCloseTo(0.1);
  expect(othersShare(used({ client: 0.9, servers: 0.8, busy: 1.69 }), 1, 2)).toBe(0);
});

test('what this process used between two looks is in its usage', () => {
  const from = usage(process.pid, []);
  const began = process.cpuUsage();
  // CPU time, not time: another program may have the CPU
  while (process.cpuUsage(began).user < 100_000);
  const { client, servers } = between(from, usage(process.pid, []));
  expect(client).toBeGreaterThan(0.02);
  expect(servers).toBe(0);
});
