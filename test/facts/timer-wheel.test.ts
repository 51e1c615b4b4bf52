import { expect, test } from 'vitest';
import { timerSlotSeconds } from '../../src/facts/timer-wheel.ts';

test('a slot of the timer wheel is 8^level jiffies: TIME-WAIT ends up to 2.05 s late at HZ=250, 4.1 s at 1000', () => {
  expect(timerSlotSeconds(60, 250)).toBeCloseTo(512 / 250, 9);
  expect(timerSlotSeconds(60, 1000)).toBeCloseTo(4.096, 9);
  expect(timerSlotSeconds(60, 100)).toBeCloseTo(5.12, 9);
});

test('levels change at 64, 512, 4096, 32768 and 262144 jiffies', () => {
  const jiffies = [63, 64, 511, 512, 4095, 4096, 32_767, 32_768, 262_143, 262_144];
  expect(jiffies.map((timeout) => timerSlotSeconds(timeout, 1))).toEqual([
    1, 8, 8, 64, 64, 512, 512, 4096, 4096, 32_768,
  ]);
});
