import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { lockPorts } from '../../src/lab/ports.ts';

describe('a block of ports', () => {
  test('is locked by one: two have different ports', async () => {
    await using one = await lockPorts();
    await using two = await lockPorts();
    expect(two.block).not.toBe(one.block);
    expect(two.from >= one.to || two.to <= one.from).toBe(true);
  });

  test('can be locked again when it was released', async () => {
    const one = await lockPorts();
    await using two = await lockPorts();
    await one[Symbol.asyncDispose]();
    await using again = await lockPorts();
    expect(again.block).toBe(one.block);
    expect(again.block).not.toBe(two.block);
  });

  test('is locked against other processes, too: by an abstract Unix socket', async () => {
    await using ports = await lockPorts();
    const taken = new Promise<string | undefined>((resolve) => {
      const other = createServer();
      other.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      other.listen(`\0lingerlab-ports-${ports.block}`, () => other.close(() => resolve('free')));
    });
    expect(await taken).toBe('EADDRINUSE');
  });

  test('lies below the ephemeral range of every kernel, and above the privileged ports', async () => {
    await using ports = await lockPorts();
    expect(ports.from).toBeGreaterThanOrEqual(1024);
    expect(ports.to).toBeLessThanOrEqual(32_768);
  });
});

describe('the ports of a block', () => {
  test('are each taken once, all of the block and none outside, until there is none', async () => {
    await using ports = await lockPorts();
    const taken = Array.from({ length: ports.to - ports.from }, () => ports.take());
    expect(new Set(taken).size).toBe(taken.length);
    expect([Math.min(...taken), Math.max(...taken)]).toEqual([ports.from, ports.to - 1]);
    expect(() => ports.take()).toThrow(expect.objectContaining({ code: 'NO_PORTS' }));
  });

  test('rest after use for as long as there are others', async () => {
    await using ports = await lockPorts();
    const used = ports.take();
    ports.give(used);
    const others = Array.from({ length: ports.to - ports.from - 1 }, () => ports.take());
    expect(others).not.toContain(used);
    expect(ports.take()).toBe(used);
  });
});

test('when every block is locked, the next one is told so', async () => {
  await using locked = new AsyncDisposableStack();
  const all = async () => {
    for (;;) locked.use(await lockPorts());
  };
  await expect(all()).rejects.toMatchObject({ code: 'NO_PORTS', remedy: 'wait until one of them has ended' });
});
