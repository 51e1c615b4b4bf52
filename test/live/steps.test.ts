import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('steps of a scenario', () => {
  test('a value that a fact cannot have is its cell error, with the line; other cells run', async () => {
    const out = join(await scratch(), 'run');
    expect((await lingerlab(['run', own('noted'), '--out', out])).exitCode).toBe(1);
    const { cells } = await readRun(out);
    const told = Object.fromEntries(
      cells.map((cell) => [cell.factors.value, cell.reason ? reasonText(cell) : cell.status]),
    );
    expect(told).toEqual({
      fine: 'ran',
      nan: expect.stringMatching(/^SCENARIO_THREW: .*note: 'count' must be a finite number, not NaN .*noted\.ts:\d+/),
      undeclared: expect.stringMatching(/^SCENARIO_THREW: .*note: 'word' must be one of a, b, not 'c' .*noted\.ts:\d+/),
    });
  });

  test('a killed server has let go of its port when the signal has taken effect', async () => {
    const out = join(await scratch(), 'run');
    await lingerlab(['run', own('killed-server'), '--out', out]);
    const { cells } = await readRun(out);
    expect(cells).toHaveLength(12);
    expect(cells.filter(({ facts }) => facts.first !== 'ok')).toEqual([]);
  });
});
