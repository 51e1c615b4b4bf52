import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { makePrograms } from '../../src/run/programs.ts';

/** A program that runs, in a process group of its own, with what ends it. */
async function sleeping() {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  return {
    pid: child.pid as number,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    },
  };
}

test('programs of a cell are guarded, and end with it', async () => {
  await using program = await sleeping();
  const guarded: number[] = [];
  const programs = makePrograms((pid) => guarded.push(pid));
  programs.add(program.pid, 'server.sleep');
  expect(await programs.end()).toEqual([]);
  expect(guarded).toEqual([program.pid]);
  expect(await programs.end()).toEqual([]);
});

test('one that does not end is a warning with its name and its pid', async () => {
  await using program = await sleeping();
  await using other = await sleeping();
  const programs = makePrograms(() => undefined, {
    end: (pid) => void (pid === other.pid && process.kill(pid, 'SIGKILL')),
    waitMs: 500,
  });
  programs.add(other.pid, 'client.sleep');
  programs.add(program.pid, 'server.sleep');
  expect(await programs.end()).toEqual([
    {
      code: 'program-not-ended',
      text: `program server.sleep (pid ${program.pid}) still ran 0.5 s after SIGKILL, in state S of /proc/${program.pid}/stat`,
      remedy: expect.stringContaining('/proc/PID/stack'),
    },
  ]);
});
