import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchStalls } from '../../src/process/stalls.ts';

const now = () => Number(process.hrtime.bigint());
const blockedMs = 60;
function block(ms = blockedMs): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
/** Of a stall of so many ms, whose beginning falls between two ticks. */
const seen = (ns: number) => ns / 1e6 > blockedMs - 10.5;

test('a stall right after the beginning is seen, though no timer fired between them', () => {
  const stalls = watchStalls(now);
  const since = now();
  block();
  expect(stalls.longest(since)).toSatisfy(seen);
});

test('a stall is still known after it', async () => {
  const since = now();
  const stalls = watchStalls(now);
  block();
  await sleep(30);
  expect(stalls.longest(since)).toSatisfy(seen);
});

test('what was before a moment does not count since then, and a longer one does not hide a later one', () => {
  const began = now();
  const stalls = watchStalls(now);
  block(3 * blockedMs);
  stalls.longest(began);
  const between = now();
  block();
  stalls.longest(began);
  const after = now();
  expect(stalls.longest(after)).not.toSatisfy(seen);
  expect(stalls.longest(between)).toSatisfy(seen);
  expect(stalls.longest(began)).toBeGreaterThan(stalls.longest(between));
});

test('a stall that a blocking call explains is a stall, and no lateness', () => {
  const late: number[] = [];
  const began = now();
  const stalls = watchStalls(now, (_, ns) => void late.push(ns));
  const from = now();
  block();
  // the same call, as seen by those who called it
  stalls.excuse(from + 1e6);
  stalls.excuse(from);
  expect(stalls.longest(began)).toSatisfy(seen);
  expect(late).not.toContainEqual(expect.toSatisfy(seen));
  block();
  stalls.longest(began);
  expect(late).toContainEqual(expect.toSatisfy(seen));
});

test('a blocking call during which the process was stopped explains nothing', async () => {
  const late: number[] = [];
  const stalls = watchStalls(now, (_, ns) => void late.push(ns));
  const from = now();
  block();
  stalls.excuse(from);
  // the timer comes first, as it may
  stalls.longest(from);
  expect(late).not.toContainEqual(expect.toSatisfy(seen));
  stalls.resumed();
  expect(late).toContainEqual(expect.toSatisfy(seen));
  late.length = 0;
  // one that was over before is no reason
  const again = now();
  block();
  stalls.excuse(again);
  await sleep(40);
  stalls.resumed();
  expect(late).not.toContainEqual(expect.toSatisfy(seen));
});

test('one that was asked for nothing of late is watched less often, until it is asked again', async () => {
  const late: number[] = [];
  const stalls = watchStalls(now, (_, ns) => void late.push(ns));
  stalls.attend();
  await sleep(200);
  const resting = now();
  block();
  // of a stall of 60 ms whose beginning falls between two looks 40 ms apart
  expect(stalls.longest(resting) / 1e6).toBeGreaterThan(blockedMs - 40.5);
  stalls.attend();
  const attended = now();
  block();
  expect(stalls.longest(attended)).toSatisfy(seen);
});

test('one that is paused is not watched, until it is asked again', () => {
  const late: number[] = [];
  const stalls = watchStalls(now, (_, ns) => void late.push(ns));
  const began = now();
  stalls.pause();
  block();
  stalls.attend();
  expect(stalls.longest(began)).not.toSatisfy(seen);
  block();
  expect(stalls.longest(began)).toSatisfy(seen);
  expect(late).toHaveLength(1);
});
