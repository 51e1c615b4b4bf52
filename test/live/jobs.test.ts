import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lingerlab, live, scratch } from './program.ts';

live('cells at work at once', () => {
  test('change nothing of what the kernel does: 2 jobs against 8', async () => {
    const folder = await scratch();
    const matrix = ['linger-values', 'time-wait-limit', 'bound-port', 'linger-life'];
    for (const jobs of ['2', '8']) {
      const { exitCode, stderr } = await lingerlab(['run', ...matrix, '--jobs', jobs, '-o', join(folder, jobs)]);
      expect(exitCode, stderr).toBe(0);
    }
    const { stdout, exitCode } = await lingerlab([
      'compare',
      join(folder, '2'),
      join(folder, '8'),
      '--json',
      '--fail-on',
      'behaviour',
    ]);
    const { behaviour, compared, differences } = JSON.parse(stdout);
    expect(differences).toEqual([]);
    expect({ behaviour, exitCode, cellsNotComparable: compared.cellsNotComparable }).toEqual({
      behaviour: 0,
      exitCode: 0,
      cellsNotComparable: 0,
    });
    expect(compared.cells).toBeGreaterThan(40);
    expect(compared.facts).toBeGreaterThan(1000);
  });
});
