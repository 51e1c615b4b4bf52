import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

const minutes = 60_000;

live('a socket made by libc', () => {
  test('is reached wherever it listens, and one whose port the kernel chooses takes no event of another cell', {
    timeout: 2 * minutes,
  }, async () => {
    const folder = await scratch();
    const file = own('listening-places');
    const out = join(folder, 'run');
    const { exitCode, stderr } = await lingerlab(['run', file, '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    const { cells } = await readRun(out);
    expect(cells).toHaveLength(24);
    for (const { factors, facts, warnings } of cells) {
      expect(warnings).toEqual([]);
      expect(facts.port).toBe(0);
      const none = factors.net === 'loopback' && factors.family === 6 && factors.at === 'other';
      expect(facts.result).toBe(none ? 'EADDRNOTAVAIL' : 'ok');
      if (factors.at === 'wildcard') expect(facts.address).toBe(factors.family === 4 ? '0.0.0.0' : '::');
    }
  });
});
