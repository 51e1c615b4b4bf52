import { expect, test } from 'vitest';
import { fineTimer } from '../../src/native/timer.ts';

const afterMs = (ms: number): bigint => process.hrtime.bigint() + BigInt(Math.round(ms * 1e6));

test('a timer calls back at its moment, never before, between whole milliseconds too', async () => {
  const early: bigint[] = [];
  for (const ms of [0.3, 1.7, 2.2]) {
    const due = afterMs(ms);
    await new Promise<void>((resolve) => {
      const timer = fineTimer(() => {
        early.push(due - process.hrtime.bigint());
        timer[Symbol.dispose]();
        resolve();
      });
      timer.arm(due);
    });
  }
  expect(early.every((ns) => ns <= 0n)).toBe(true);
});

test('arming again replaces the moment before, a moment that has passed is now, and never is never', async () => {
  let calls = 0;
  const called = Promise.withResolvers<void>();
  using timer = fineTimer(() => {
    calls++;
    called.resolve();
  });
  using never = fineTimer(() => {
    throw new Error('it was disarmed');
  });
  never.arm(afterMs(1));
  never.arm(undefined);
  timer.arm(afterMs(60_000));
  timer.arm(0n);
  await called.promise;
  const later = Promise.withResolvers<void>();
  using other = fineTimer(later.resolve);
  other.arm(afterMs(3));
  await later.promise;
  expect(calls).toBe(1);
});
