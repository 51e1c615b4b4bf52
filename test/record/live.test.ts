import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { parseProcessStat, processStart } from '../../src/native/process-state.ts';
import { isLive } from '../../src/record/live.ts';
import { deadPid } from '../record/example.ts';

test('reads state and start past a name that looks like fields', () => {
  const stat =
    '5342 (a) R 1 (b) S 5334 5334 2616 0 -1 4194304 101 0 0 0 0 0 0 0 20 0 1 0 110332 3133440 358 18446744073709551615';
  expect(parseProcessStat(stat)).toMatchObject({ state: 'S', startTicks: 110332 });
});

test('a run is live while the process that makes it is', () => {
  const pidStart = processStart(process.pid)!;
  expect(pidStart).toBeGreaterThan(0);
  expect(isLive({ status: 'running', pid: process.pid, pidStart })).toBe(true);
  expect(isLive({ status: 'running', pid: process.pid })).toBe(true);
});

test('a run is not live by its number alone: a later process may have got that', () => {
  expect(isLive({ status: 'running', pid: process.pid, pidStart: processStart(process.pid)! - 1 })).toBe(false);
});

test('a run is not live when its process is gone, or when it says that it ended', () => {
  const { pid } = spawnSync('true');
  expect(isLive({ status: 'running', pid })).toBe(false);
  expect(isLive({ status: 'running', pid: deadPid })).toBe(false);
  expect(isLive({ status: 'complete', pid: process.pid })).toBe(false);
});
