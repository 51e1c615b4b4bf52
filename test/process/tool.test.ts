import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startChild } from '../../src/process/child.ts';
import { runTool } from '../../src/process/tool.ts';

const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

test('what a program wrote, with the reason where it failed', async () => {
  expect(await runTool('sh', ['-c', 'cat; echo aside >&2'], { input: 'given' })).toEqual({
    stdout: 'given',
    problem: '',
  });
  expect(await runTool('sh', ['-c', 'echo bad >&2; exit 3'])).toEqual({ stdout: '', problem: 'bad' });
  expect(await runTool('sh', ['-c', 'kill -9 $$'])).toEqual({ stdout: '', problem: 'SIGKILL' });
  await expect(runTool('no-such-program', [])).rejects.toThrow('no-such-program is not on the PATH');
});

test('one that does not end in time is named and killed, with what it started', async () => {
  const began = performance.now();
  const pids: number[] = [];
  const script = 'sleep 60 & echo $! >&2; wait';
  const child = startChild({ program: 'sh', args: ['-c', script], descriptors: [null, 'output', 'complaint'] });
  child.streams.output.resume();
  await new Promise<void>((resolve) => {
    child.streams.complaint.setEncoding('utf8').on('data', (text: string) => {
      pids.push(child.pid, Number(text));
      resolve();
    });
  });
  await child.end();
  await expect(runTool('sh', ['-c', 'sleep 60 & wait'], { deadlineMs: 100 })).rejects.toMatchObject({
    code: 'NO_ANSWER',
    message: 'sh -c sleep 60 & wait did not end within 0.1 s',
  });
  expect(performance.now() - began).toBeLessThan(5000);
  expect(pids.filter(isAlive)).toEqual([]);
});

test('one that is stopped is asked to end, and goes on to do so', async () => {
  const script = 'trap "echo cleaned; exit 0" TERM; echo ready; while :; do sleep 0.01; done';
  const child = startChild({ program: 'sh', args: ['-c', script], descriptors: [null, 'output', null] });
  let text = '';
  await new Promise<void>((resolve) => {
    child.streams.output.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      resolve();
    });
  });
  child.signal('SIGSTOP');
  await child.end(5000);
  expect(text).toBe('ready\ncleaned\n');
  expect(await child.ended).toEqual({ code: 0 });
});
