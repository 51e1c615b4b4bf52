import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, scratch } from './program.ts';

const minutes = 60_000;

live('attempts to bind a port that an old socket is on', () => {
  test.each(['TIME-WAIT', 'FIN-WAIT-1', 'LISTEN'])(
    'share one in %s: each alone has the same outcome',
    {
      timeout: 2 * minutes,
    },
    async (old) => {
      const out = join(await scratch(), 'run');
      const where = ['--where', `old=${old}`, '--where', 'reuse=addr,both', '--where', 'held=own'];
      const { exitCode, stderr } = await lingerlab(['run', 'rebind', '--all', ...where, '--out', out]);
      expect(stderr).not.toContain('INTERNAL');
      expect(exitCode).toBe(0);
      const { cells } = await readRun(out);
      const attempted = (facts: object) =>
        Object.entries(facts).filter(([name]) => /^(bind|listen|connect)\./.test(name));
      for (const reuse of ['addr', 'both']) {
        const own = cells.filter(({ factors }) => factors.reuse === reuse);
        const together = own.filter(({ factors }) => factors.tries === 'all');
        const alone = own.filter(({ factors }) => factors.tries !== 'all');
        expect([together.length, alone.length]).toEqual([1, 12]);
        const outcomes = Object.fromEntries(alone.flatMap(({ facts }) => attempted(facts)));
        expect(Object.keys(outcomes).length).toBeGreaterThan(12);
        expect(outcomes).toEqual(Object.fromEntries(attempted(together[0]!.facts)));
      }
    },
  );
});
