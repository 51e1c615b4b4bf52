import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { type Mark, markNow } from '../../src/load/mark.ts';
import { between } from '../../src/load/usage.ts';
import { parseCounters } from '../../src/tcp/counters.ts';

const own = '/proc/thread-self/ns/net';

/** Uses CPU, as this process's own code and in its kernel. */
function work(seconds: number): void {
  const began = process.cpuUsage();
  while ((process.cpuUsage(began).user + process.cpuUsage(began).system) / 1e6 < seconds);
}

test('between two marks lies what the client and the servers used, each by itself, and what the kernel did of it', async () => {
  const server = spawn(process.execPath, ['-e', "process.stdout.write('.'); for (;;);"], { stdio: 'pipe' });
  try {
    await once(server.stdout, 'data');
    const marked = { servers: [server.pid as number], spaces: [] };
    const before = process.cpuUsage();
    const from = markNow(marked, own);
    work(0.2);
    const to = markNow(marked, own);
    const around = process.cpuUsage(before);
    const used = between(from.usage, to.usage);
    expect(used.client).toBeGreaterThanOrEqual(0.2);
    expect(used.client).toBeLessThanOrEqual((around.user + around.system) / 1e6 + 0.01);
    // its other threads use CPU beside its own, as V8's
    expect(used.servers).toBeLessThanOrEqual(((to.at - from.at) / 1000) * availableParallelism() + 0.01);
    const busy = (of: 'client' | 'servers') => ({
      all: to[of].all - from[of].all,
      user: to[of].user - from[of].user,
    });
    // by ticks, which hit whoever has the CPU just then
    for (const of of ['client', 'servers'] as const) expect(busy(of).user).toBeLessThanOrEqual(busy(of).all + 0.01);
    expect(busy('client').all).toBeGreaterThan(0);
  } finally {
    server.kill('SIGKILL');
  }
});

test('counters of each namespace are read inside it, and the client is back in its own', () => {
  const read = (mark: Mark) => mark.counters.map(([snmp, netstat]) => parseCounters(snmp, netstat)['Tcp.ActiveOpens']);
  expect(read(markNow({ servers: [], spaces: [] }, own))).toEqual([expect.any(Number)]);
  expect(read(markNow({ servers: [], spaces: [own] }, own))).toEqual([expect.any(Number), expect.any(Number)]);
});
