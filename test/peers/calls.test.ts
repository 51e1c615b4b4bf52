import { expect, test } from 'vitest';
import { callOf } from '../../src/peers/calls.ts';

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
  expect(callOf('info', { endpoint: 3 })).toBeUndefined();
  expect(callOf('received', { endpoint: 3, bytes: 1 })).toBeUndefined();
});
