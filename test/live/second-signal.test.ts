import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { descendants, eventually } from './processes.ts';
import { lingerlab, live, own, scratch } from './program.ts';
import { atRest, gone, left } from './resting.ts';

/** Sends the run two signals, too far apart to be one; the second ends it within a second. */
async function endsAtOnce(run: ReturnType<typeof lingerlab>, name: NodeJS.Signals): Promise<void> {
  const pid = run.pid as number;
  process.kill(pid, name);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const began = performance.now();
  process.kill(pid, name);
  const { exitCode, stderr } = await run;
  expect(performance.now() - began).toBeLessThan(1000);
  expect(exitCode, stderr).toBe(130);
  expect(stderr).toContain(`INTERRUPTED: stopped at once by a second signal, ${name}`);
}

live('a second signal', () => {
  test.each([
    ['a loop of its own', 'SIGINT', 'step'],
    ['a system call', 'SIGTERM', 'call'],
  ] as const)('ends everything within a second while the scenario is in %s', async (_, name, where) => {
    const nothingLeft = await left();
    const folder = await scratch();
    const [out, begun] = [join(folder, 'run'), join(folder, 'begun')];
    const args = ['run', own('loops'), '-w', `where=nowhere,${where}`, '--all', '--jobs', '1', '--out', out];
    const after = join(out, 'cells.ndjson');
    const run = lingerlab(args, { env: { LINGERLAB_TEST_BEGUN: begun, LINGERLAB_TEST_AFTER: after } });
    const pid = run.pid as number;
    await eventually('the scenario holds the thread', () => existsSync(begun), 20);
    const family = descendants(pid);
    await endsAtOnce(run, name);
    const { run: read, cells } = await readRun(out);
    expect([read.status, cells.map(({ id }) => id)]).toEqual(['interrupted', ['loops/where=nowhere']]);
    await eventually('every process of the run is gone', () => gone(family.map((each) => each.pid)), 5);
    await nothingLeft();
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends everything within a second, saved as far as it came',
    async (name) => {
      const nothingLeft = await left();
      const folder = await scratch();
      const out = join(folder, 'run');
      const { run, family } = await atRest(out);
      // it does not end by the first: a peer that is being stopped by another hand, say
      const stopped = family.find(({ command }) => command.includes('observers/process/main'))!.pid;
      process.kill(stopped, 'SIGSTOP');
      await endsAtOnce(run, name);
      const saved = await readRun(out);
      expect([saved.run.status, saved.cells.map(({ id }) => id)]).toEqual(['interrupted', ['resting/n=1']]);
      // the observer takes its trace instance away, a matter of the machine's speed
      await eventually('every process of the run is gone', () => gone(family.map((each) => each.pid)), 5);
      await nothingLeft();
    },
  );
});
