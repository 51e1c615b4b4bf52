import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { builtins } from '../../src/catalogue/registry.ts';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { lingerlab, live, scratch } from './program.ts';

const minutes = 60_000;

// a load has tests of its own: load.test.ts; what claims and answers make of facts is in test/catalogue/claims.test.ts
const ids = (await builtins()).filter(({ group }) => group.title !== 'Load').map(({ definition }) => definition.id);

live('every experiment, as few cells as it takes to see each factor value', () => {
  let run: ReadRun;

  beforeAll(async () => {
    const out = join(await scratch(), 'run');
    const { exitCode, stderr } = await lingerlab(['run', ...ids, '--quick', '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    run = await readRun(out);
  }, 4 * minutes);

  test('runs every cell', () => {
    const failed = run.cells.filter(({ status }) => status !== 'ran');
    expect(failed.map(({ id, repeat, reason }) => `${id} #${repeat}: ${reason}`)).toEqual([]);
    expect(new Set(run.cells.map(({ id }) => id))).toEqual(new Set(run.run.plan));
    expect(new Set(run.cells.map(({ experiment }) => experiment))).toEqual(new Set(ids));
  });

  test('is sound: no event lost, every chain whole and counted, no observer contradicted', () => {
    const warnings = [
      ...run.run.warnings,
      ...run.cells.flatMap(({ id, warnings: own }) => own.map((warning) => ({ id, ...warning }))),
    ];
    expect(warnings).toEqual([]);
  });
});
