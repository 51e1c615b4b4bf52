import { expect, test } from 'vitest';
import { callOf, endOf, goesOn } from '../../src/peers/calls.ts';

test('a step is recorded with what it was given, without what numbers it', () => {
  expect(callOf('close', { endpoint: 3, by: 'end', andThen: 'destroy', sending: 9 })).toEqual({
    verb: 'close',
    by: 'end',
    andThen: 'destroy',
    sending: 9,
  });
  expect(callOf('set', { socket: 3, option: 'SO_LINGER', value: 0, length: 8 })).toEqual({
    verb: 'set',
    option: 'SO_LINGER',
    value: 0,
    length: 8,
  });
  expect(callOf('handOver', { socket: 3, mailbox: 'ab' })).toEqual({ verb: 'handOver' });
});

test('what only looks or waits is no step', () => {
  expect(callOf('info', { socket: 3 })).toBeUndefined();
  expect(callOf('received', { endpoint: 3, bytes: 1 })).toBeUndefined();
});

test('a call on a raw socket is recorded with what it got', () => {
  expect(callOf('read(2)', { socket: 3, asked: 10, wait: true })).toEqual({ verb: 'read(2)', asked: 10, wait: true });
  expect(endOf('read(2)', 'abc')).toEqual({ got: 3 });
  expect(endOf('write(2)', 7)).toEqual({ wrote: 7 });
  expect(endOf('error', 'EPIPE')).toEqual({ pending: 'EPIPE' });
  expect(endOf('close(2)', undefined)).toEqual({});
});

test('a connect(2) that waits is recorded when it has come to its end', () => {
  const ask = { socket: 3, to: { address: '127.0.0.1', port: 1 }, wait: true };
  const value = { endpoint: 4, local: ask.to, calledNs: 1, sentNs: 2, inProgress: true };
  expect(goesOn('connect(2)', ask, value)).toBe(true);
  expect(goesOn('connect(2)', ask, { ...value, inProgress: false })).toBe(false);
  expect(goesOn('connect(2)', { ...ask, wait: false }, value)).toBe(false);
  expect(endOf('connect(2)', value)).toEqual({ endpoint: 4, inProgress: true });
});
