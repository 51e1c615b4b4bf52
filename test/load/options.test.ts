import { expect, test } from 'vitest';
import { planOf } from '../../src/load/options.ts';

test('what is not said is 32 connections at once that the client closes with destroy(), a byte each way', () => {
  expect(planOf({ seconds: 2 })).toMatchObject({
    closer: 'client',
    by: 'destroy',
    inFlight: 32,
    requests: 1,
    requestBytes: 1,
    responseBytes: 1,
    servers: 1,
    driver: 'loop',
    seconds: 2,
  });
});

test('tinybench times one after the other, and refuses what it cannot time', () => {
  expect(planOf({ seconds: 1, driver: 'tinybench', inFlight: 32 }).inFlight).toBe(1);
  for (const other of [{ closer: 'neither' as const }, { requests: 2 }, { perSecond: 5 }])
    expect(() => planOf({ seconds: 1, driver: 'tinybench', ...other })).toThrow(TypeError);
});
