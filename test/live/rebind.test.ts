import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, scratch } from './program.ts';

const minutes = 60_000;
const olds = 'TIME-WAIT,FIN-WAIT-1,LISTEN,BOUND-then-set';

live('attempts to bind a port that an old socket is on', () => {
  test("share one: each at an old socket of its own has the same outcome, another user's too", {
    timeout: 2 * minutes,
  }, async () => {
    const out = join(await scratch(), 'run');
    const where = ['--where', `old=${olds}`, '--where', 'reuse=addr,both', '--where', 'held=own'];
    const { exitCode, stderr } = await lingerlab(['run', 'rebind', 'listening-port', '--all', ...where, '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    const { cells } = await readRun(out);
    const attempted = (facts: object) =>
      Object.fromEntries(Object.entries(facts).filter(([name]) => /^(own|wildcard|other)\./.test(name)));
    const together = cells.filter(({ factors }) => factors.tries === 'together');
    expect(together).toHaveLength(16);
    for (const { factors, facts } of together) {
      const alone = cells.filter(
        (other) => JSON.stringify({ ...other.factors, tries: 'together' }) === JSON.stringify(factors),
      );
      expect(alone).toHaveLength(2);
      expect(Object.keys(attempted(facts))).toHaveLength(12);
      for (const other of alone) expect(attempted(other.facts)).toEqual(attempted(facts));
    }
  });
});
