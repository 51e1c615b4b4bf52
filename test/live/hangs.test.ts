import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { instanceOf, leftSince, traceInstances } from './instances.ts';
import { descendants, eventually, firstWords, ofOneTest } from './processes.ts';
import { lingerlab, live, liveAtOnce, own, scratch } from './program.ts';
import { atRest, gone, left } from './resting.ts';

const reasons = async (out: string) =>
  Object.fromEntries((await readRun(out)).cells.map((cell) => [cell.id, cell.reason ? reasonText(cell) : cell.status]));

/** A folder with a program of this name, to be found before the system's. */
async function fake(name: string, script: string): Promise<Record<string, string>> {
  const folder = join(await scratch(), 'bin');
  await mkdir(folder);
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
  return { PATH: `${folder}${delimiter}${process.env.PATH}` };
}

const real = (await execa('which', ['ss'])).stdout;

// each waits for deadlines of 5 and 10 s
liveAtOnce('what does not answer', () => {
  test('an observer that is stopped ends the run, which is saved', async () => {
    const { env: mark, processes: ofTest } = ofOneTest();
    const nothingLeft = await left(ofTest);
    const folder = await scratch();
    const out = join(folder, 'run');
    const { run, family, release } = await atRest(out, mark);
    process.kill(family.find(({ command }) => command.includes('observers/process/main'))!.pid, 'SIGSTOP');
    await release();
    const { exitCode, stderr } = await run;
    expect(exitCode, stderr).toBe(1);
    expect(stderr).toMatch(/NO_ANSWER: the observer process did not answer "\w+" within 10 s/);
    expect(stderr).toContain(`the run so far is saved in ${out};`);
    const saved = await readRun(out);
    expect([saved.run.status, saved.cells.map(({ id }) => id)]).toEqual(['interrupted', ['resting/n=1']]);
    expect(gone(family.map(({ pid }) => pid))).toBe(true);
    await nothingLeft();
  });

  test('an `ss` that never ends: nothing can run here', async () => {
    const { env: mark, processes: ofTest } = ofOneTest();
    const nothingLeft = await left(ofTest);
    const folder = await scratch();
    const env = await fake('ss', 'sleep 1000');
    const { exitCode, stderr } = await lingerlab(['run', 'close-order', '-o', join(folder, 'run')], {
      env: { ...env, ...mark },
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('NO_SS: ss: ss -V did not end within 5 s');
    expect(ofTest().filter(({ command }) => command === 'sleep 1000 ')).toEqual([]);
    await nothingLeft();
  });

  test('an `ss` that does not end in one namespace: that cell is errored, the others go on', async () => {
    const { env: mark, processes: ofTest } = ofOneTest();
    const nothingLeft = await left(ofTest);
    const folder = await scratch();
    const once = join(folder, 'once');
    const env = await fake('ss', `[ "$1" != -V ] && mkdir ${once} 2>/dev/null && sleep 1000\nexec ${real} "$@"`);
    const out = join(folder, 'run');
    const { exitCode, stderr } = await lingerlab(['run', own('resting'), '-o', out], { env: { ...env, ...mark } });
    expect(exitCode, stderr).toBe(1);
    const found = Object.values(await reasons(out)).sort();
    expect(found).toEqual([expect.stringMatching(/^NO_ANSWER: ss -tanHOeo did not end within 5 s/), 'ran', 'ran']);
    expect(ofTest().filter(({ command }) => command === 'sleep 1000 ')).toEqual([]);
    await nothingLeft();
  });

  // beside busy programs its deadlines are eight times as long
  test('a peer that never finishes starting: its cell is errored, the others go on', { timeout: 400_000 }, async () => {
    const { env: mark, processes: ofTest } = ofOneTest();
    const nothingLeft = await left(ofTest);
    const folder = await scratch();
    const out = join(folder, 'run');
    const run = lingerlab(['run', own('resting'), '--out', out, '--jobs', '1'], { env: mark });
    let stopped: number | undefined;
    await eventually('a peer has just started', () => {
      stopped = descendants(run.pid as number).find(({ command }) => command.includes('peers/main'))?.pid;
      if (stopped) process.kill(stopped, 'SIGSTOP');
      return stopped !== undefined;
    });
    const { exitCode, stderr } = await run;
    expect(exitCode, stderr).toBe(1);
    const found = await reasons(out);
    const errored = Object.values(found).filter((reason) => reason !== 'ran');
    expect(errored).toEqual([
      expect.stringMatching(new RegExp(`^NO_ANSWER: peer \\w+ \\(pid ${stopped}\\) did not start within 10 s`)),
    ]);
    expect(Object.keys(found)).toHaveLength(3);
    expect(gone([stopped as number])).toBe(true);
    await nothingLeft();
  });
});

// by itself: what it leaves would be any other run's
live('what cannot be cleaned up', () => {
  test('is a warning of the run: a trace instance that another program has open', async () => {
    const before = await traceInstances();
    const out = join(await scratch(), 'run');
    const { run, family, release } = await atRest(out);
    const instance = instanceOf(family.map(({ pid }) => pid));
    const at = '/sys/kernel/tracing';
    const hold = `[ -d ${at}/instances ] || mount -t tracefs none ${at}; exec 3<${at}/instances/${instance}/trace_pipe; echo held; exec sleep 1000`;
    const holder = execa('unshare', ['--mount', 'sh', '-c', hold], { reject: false });
    try {
      await firstWords(holder);
      await release();
      const { exitCode, stderr } = await run;
      expect(exitCode, stderr).toBe(0);
      expect((await readRun(out)).run.warnings).toContainEqual(
        expect.objectContaining({
          code: 'clean-up-failed',
          text: expect.stringMatching(/the observer process ended: exit code 1; it wrote: could not clean up: EBUSY/),
        }),
      );
    } finally {
      await release();
      holder.kill();
      await holder;
    }
    expect(await leftSince(before)).toContain(instance);
  });
});

liveAtOnce('an experiment that does not give the thread back', () => {
  // side by side, since each place takes 5 s; in each run others follow
  test.each([
    [['nowhere', 'begin', 'awaiting', 'exit']],
    [['waiting', 'step', 'later']],
    [['timer', 'claim', 'nowhere']],
  ])(
    'is errored with file and line; process.exit() is its error, too; the others go on: %s',
    async (wheres) => {
      const { env: mark, processes: ofTest } = ofOneTest();
      const nothingLeft = await left(ofTest);
      const folder = await scratch();
      const out = join(folder, 'run');
      const file = own('loops');
      const { exitCode, stderr } = await lingerlab(
        ['run', file, '-o', out, '--jobs', '1', '--where', `where=${wheres.join(',')}`],
        { env: mark },
      );
      expect(exitCode, stderr).toBe(1);
      const held = (line: number) =>
        expect.stringMatching(
          new RegExp(`^BLOCKED: .*blocked the program's only thread for more than 5 s \\(${file}:${line}\\)`),
        );
      const exited = expect.stringContaining('SCENARIO_THREW: the scenario threw: it called process.exit(0)');
      const found: Readonly<Record<string, unknown>> = {
        nowhere: 'ran',
        begin: held(12),
        awaiting: held(13),
        waiting: held(14),
        step: held(20),
        timer: held(32),
        claim: held(32),
        exit: exited,
        later: exited,
      };
      expect(await reasons(out)).toEqual(
        Object.fromEntries(wheres.map((where) => [`loops/where=${where}`, found[where]])),
      );
      expect((await readRun(out)).run.status).toBe('complete');
      await nothingLeft();
    },
    300_000,
  );

  test.each([
    ['looping-file', "blocked the program's only thread for more than 5 s (FILE:4)"],
    ['exiting-file', 'FILE:4:9 threw while loading: Error: it called process.exit(0)'],
    ['unsettled-file', 'FILE did not finish loading within 10 s: an await at its top level does not end'],
  ])('at the top of its file: %s', async (name, said) => {
    const folder = await scratch();
    const { exitCode, stderr } = await lingerlab(['run', own(name), '-o', join(folder, 'run')]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('EXPERIMENT_LOAD');
    expect(stderr).toContain(said.replace('FILE', own(name)));
  });

  test('in its answer, when there is nothing left to go on with: the run ends, saved', async () => {
    const { env: mark, processes: ofTest } = ofOneTest();
    const nothingLeft = await left(ofTest);
    const folder = await scratch();
    const out = join(folder, 'run');
    const file = own('looping-answer');
    const { exitCode, stderr } = await lingerlab(['run', file, '-o', out], { env: mark });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`BLOCKED: .*\\(${file}:10\\)`));
    const saved = await readRun(out);
    expect([saved.run.status, saved.cells.length]).toEqual(['interrupted', 1]);
    await nothingLeft();
  });
});
