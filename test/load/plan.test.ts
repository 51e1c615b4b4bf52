import { expect, test } from 'vitest';
import { planOf } from '../../src/load/plan.ts';

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
  expect(planOf({ seconds: 1, driver: 'tinybench' }).inFlight).toBe(1);
  for (const other of [
    { closer: 'neither' as const },
    { requests: 2 },
    { perSecond: 5 },
    { inFlight: 32 },
    { source: 'bound' as const },
  ])
    expect(() => planOf({ seconds: 1, driver: 'tinybench', ...other })).toThrow(TypeError);
});

test('system calls alone close each connection at once, after one request', () => {
  expect(planOf({ seconds: 1, sockets: 'libc', by: 'linger-0' }).sockets).toBe('libc');
  for (const other of [
    { closer: 'server' as const },
    { by: 'end' as const },
    { requests: 2 },
    { perSecond: 5 },
    { source: 'bound' as const },
    { driver: 'tinybench' as const },
  ])
    expect(() => planOf({ seconds: 1, sockets: 'libc', ...other })).toThrow(TypeError);
});

test.each([
  { seconds: Number.NaN },
  { seconds: 0 },
  { seconds: 1, inFlight: 0 },
  { seconds: 1, inFlight: 2.5 },
  { seconds: 1, perSecond: -5 },
  { seconds: 1, perSecond: 1e9 },
  { seconds: 1, requestBytes: 0 },
  { seconds: 1, addresses: 300 },
  { seconds: 1, servers: 0 },
  { seconds: 1, watched: -1 },
  { seconds: 1, by: 'foo' },
  { seconds: 1, inflight: 4 },
  { seconds: 1, closer: 'neither', perSecond: 5 },
])('what cannot be is refused by its name: %j', (options) => {
  const wrong = Object.keys(options).at(-1);
  expect(() => planOf(options as never)).toThrow(new RegExp(`^load: .*(${wrong}|schedule)`));
});
