import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processState } from '../../src/native/process-state.ts';
import { readRun } from '../../src/record/read.ts';
import { descendants, eventually, processes } from './processes.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('a peer that is started as another user', () => {
  test('is that user, in the namespace it was to be in', async () => {
    const folder = await scratch();
    const file = own('another-user');
    const out = join(folder, 'run');
    const { exitCode, stdout } = await lingerlab(['run', file, '--out', out]);
    expect(exitCode, stdout).toBe(0);
    const { cells } = await readRun(out);
    expect(cells[0]!.facts).toMatchObject({ own: 0, other: 65_534, there: true });
  });

  test('ends with the run, though that is killed and the peer stopped', async () => {
    const folder = await scratch();
    const file = own('another-user-lasting');
    const run = lingerlab(['run', file, '--out', join(folder, 'run')]);
    const pid = run.pid as number;
    const stopped = () =>
      descendants(pid).find((each) => each.command.includes('peers/main') && processState(each.pid) === 'T');
    await eventually('the other peer is stopped', () => stopped() !== undefined);
    const family = descendants(pid).map((each) => each.pid);
    process.kill(pid, 'SIGKILL');
    await run;
    await eventually('every process of the run is gone', () => !processes().some((each) => family.includes(each.pid)));
  });
});
