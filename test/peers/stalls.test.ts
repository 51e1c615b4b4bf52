import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchStalls } from '../../src/peers/stalls.ts';

const now = () => Number(process.hrtime.bigint());
const blockedMs = 60;
function block(): void {
  const until = performance.now() + blockedMs;
  while (performance.now() < until);
}
/** Of a stall of so many ms, whose beginning falls between two ticks. */
const seen = (ns: number) => ns / 1e6 > blockedMs - 10.5;

test('a stall right after a reset is seen, though no timer fired between them', () => {
  const stalls = watchStalls(now);
  stalls.reset();
  block();
  expect(stalls.longest()).toSatisfy(seen);
});

test('a stall is still known after it', async () => {
  const stalls = watchStalls(now);
  block();
  await sleep(30);
  expect(stalls.longest()).toSatisfy(seen);
});

test('what was before a reset does not count', () => {
  const stalls = watchStalls(now);
  block();
  stalls.reset();
  expect(stalls.longest()).not.toSatisfy(seen);
});
