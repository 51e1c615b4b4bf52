import { expect, test } from 'vitest';
import { callOf } from '../../src/peers/calls.ts';

test('a step is recorded with what it was given, without what numbers it', () => {
  expect(callOf({ id: 7, verb: 'close', endpoint: 3, by: 'end', andThen: 'destroy', sending: 9 })).toEqual({
    verb: 'close',
    by: 'end',
    andThen: 'destroy',
    sending: 9,
  });
  expect(callOf({ id: 8, verb: 'set', socket: 3, option: 'SO_LINGER', value: 0, length: 8 })).toEqual({
    verb: 'set',
    option: 'SO_LINGER',
    value: 0,
    length: 8,
  });
  expect(callOf({ id: 9, verb: 'handOver', socket: 3, mailbox: 'ab' })).toEqual({ verb: 'handOver' });
});

test('what only looks or waits is no step', () => {
  expect(callOf({ id: 7, verb: 'info', endpoint: 3 })).toBeUndefined();
  expect(callOf({ id: 7, verb: 'received', endpoint: 3, bytes: 1 })).toBeUndefined();
});
