import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lockPorts } from '../../src/lab/ports.ts';

describe('a block of ports', () => {
  test('is locked by one: two have different ports', () => {
    using one = lockPorts();
    using two = lockPorts();
    expect(two.block).not.toBe(one.block);
    expect(two.from >= one.to || two.to <= one.from).toBe(true);
  });

  test('is none of those that were found to be taken', () => {
    const free = lockPorts();
    free[Symbol.dispose]();
    using other = lockPorts(new Set([free.block]));
    expect(other.block).not.toBe(free.block);
  });

  test('can be locked again when it was released', () => {
    const one = lockPorts();
    using two = lockPorts();
    one[Symbol.dispose]();
    using again = lockPorts();
    expect(again.block).toBe(one.block);
    expect(again.block).not.toBe(two.block);
  });

  test('is locked against other processes, too, in whatever network namespace: by flock(2)', () => {
    const tries = (block: number) => spawnSync('flock', ['-n', `/tmp/lingerlab-ports-${block}`, 'true']).status;
    let block: number;
    {
      using ports = lockPorts();
      block = ports.block;
      expect(tries(block)).toBe(1);
    }
    expect(tries(block)).toBe(0);
  });

  test('leaves no file behind when it is released, and removes what killed runs left', () => {
    const path = (block: number) => `/tmp/lingerlab-ports-${block}`;
    const left = 21;
    {
      using one = lockPorts();
      using other = lockPorts();
      if (!existsSync(path(left))) writeFileSync(path(left), '');
      expect([one, other].map(({ block }) => existsSync(path(block)))).toEqual([true, true]);
    }
    expect(existsSync(path(left))).toBe(false);
  });

  test('whose file was removed between opening and locking it is not taken for locked', () => {
    const race = `
      import { lockPorts } from ${JSON.stringify(new URL('../../src/lab/ports.ts', import.meta.url).href)};
      for (let n = 0; n < 300; n++) {
        const ports = lockPorts();
        process.stdout.write(\`\${process.hrtime.bigint()} + \${ports.block}\\n\`);
        process.stdout.write(\`\${process.hrtime.bigint()} - \${ports.block}\\n\`);
        ports[Symbol.dispose]();
      }`;
    const script = Array.from(
      { length: 4 },
      () => '"$0" --conditions=lingerlab-source --input-type=module -e "$1" &',
    ).join(' ');
    const { stdout, stderr, status } = spawnSync('bash', ['-c', `${script} wait`, process.execPath, race], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const steps = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string, string])
      .sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1));
    expect(steps).toHaveLength(2400);
    const held = new Set<string>();
    for (const [, sign, block] of steps) {
      expect(held.has(block), `block ${block} ${sign}`).toBe(sign === '-');
      if (sign === '+') held.add(block);
      else held.delete(block);
    }
  });

  test('lies below the ephemeral range of every kernel, and above the privileged ports', () => {
    using ports = lockPorts();
    expect(ports.from).toBeGreaterThanOrEqual(1024);
    expect(ports.to).toBeLessThanOrEqual(32_768);
  });
});

describe('the ports of a block', () => {
  test('are each taken once, all of the block and none outside, until there is none', () => {
    using ports = lockPorts();
    const taken = Array.from({ length: ports.to - ports.from }, () => ports.take());
    expect(new Set(taken).size).toBe(taken.length);
    expect([Math.min(...taken), Math.max(...taken)]).toEqual([ports.from, ports.to - 1]);
    expect(() => ports.take()).toThrow(expect.objectContaining({ code: 'NO_PORTS' }));
  });

  test('rest after use for as long as there are others', () => {
    using ports = lockPorts();
    const used = ports.take();
    ports.give(used);
    const others = Array.from({ length: ports.to - ports.from - 1 }, () => ports.take());
    expect(others).not.toContain(used);
    expect(ports.take()).toBe(used);
  });
});

test('when every block is locked, the next one is told so', () => {
  using locked = new DisposableStack();
  const all = () => {
    for (;;) locked.use(lockPorts());
  };
  expect(all).toThrow(expect.objectContaining({ code: 'NO_PORTS', remedy: 'wait until another run has ended' }));
});
