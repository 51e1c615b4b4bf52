import { expect, test } from 'vitest';
import { whileAlive } from '../../src/process/deadline.ts';

test('what comes late is waited for as long as there are signs of life', async () => {
  const late = Promise.withResolvers<string>();
  let asked = 0;
  const alive = async (): Promise<void> => {
    if (++asked === 2) late.resolve('came');
  };
  expect(await whileAlive(late.promise, 1, alive)).toBe('came');
  expect(asked).toBe(2);
});

test('where there are none any more, that is the error', async () => {
  const dead = new Error('no answer');
  await expect(whileAlive(new Promise(() => undefined), 1, () => Promise.reject(dead))).rejects.toBe(dead);
});

test('what rejects is not asked after', async () => {
  const alive = () => Promise.reject(new Error('asked'));
  await expect(whileAlive(Promise.reject(new Error('failed')), 1000, alive)).rejects.toThrow('failed');
});
