import { describe, expect, test } from 'vitest';
import {
  acceptedArgument,
  acceptedOption,
  acceptedOptions,
  acceptedPayload,
  acceptedSetting,
  acceptedStart,
  acceptedStates,
} from '../../src/experiment/accepted-steps.ts';

describe('options of a step', () => {
  test.each([
    [
      'listen',
      { at: 'wildcrad' },
      `listen(): at: there is no 'wildcrad' (did you mean "wildcard"?); it is own, wildcard or other`,
    ],
    ['bind', { reuse: 'SO_REUSEADDR' }, "bind(): reuse: there is no 'SO_REUSEADDR'; it is none, addr, port or both"],
    ['bind', { v6only: true }, `bind(): there is no option 'v6only' (did you mean "ipv6Only"?)`],
    ['bind', { port: 70_000 }, 'bind(): port: must be a whole number from 0 to 65535, not 70000'],
    ['bind', { port: '9999' }, "bind(): port: must be a whole number from 0 to 65535, not '9999'"],
    ['bind', { noPort: 1 }, 'bind(): noPort: must be true or false, not 1'],
    ['place', { family: 'IPv6' }, "place(): family: must be 4 or 6, not 'IPv6'"],
    ['connect', { localPort: -1 }, 'connect(): localPort: must be a whole number from 0 to 65535, not -1'],
    ['open', { As: 'old' }, `open(): there is no option 'As' (did you mean "as"?)`],
    ['queue', { allowHalfOpen: true }, "queue(): there is no option 'allowHalfOpen'; there is backlog"],
    [
      'close',
      { andThen: 'close(2)' },
      "close(): andThen: there is no 'close(2)'; it is end, destroy or resetAndDestroy",
    ],
    ['close', { at: 5 }, 'close(): at: must be a moment that soon() gave, not 5'],
    ['write', { fill: '' }, "write(): fill: must be a text that is not empty, not ''"],
    ['poll', { for: ['POLLUP'] }, `poll(): for: there is no 'POLLUP'`],
    ['poll', { for: 'POLLIN' }, "poll(): for: must be a list, such as ['POLLIN'], not 'POLLIN'"],
    ['poll', { within: -1 }, 'poll(): within: must be a number from 0 on, not -1'],
    ['raw.connect', { localPort: 5 }, "connect(): there is no option 'localPort'; there is as, again or family"],
    ['raw.write', { wait: 'no' }, "write(): wait: must be true or false, not 'no'"],
    ['listen', 8080, 'listen(): must be an object with family, port, at, reuse, backlog or allowHalfOpen, not 8080'],
  ] as const)('of %s: %j', (step, given, says) => {
    expect(() => acceptedOptions(step, given)).toThrow(says);
  });

  test('that are right, or undefined, pass', () => {
    acceptedOptions('listen', { family: 6, port: 0, at: 'other', reuse: 'both', backlog: -1, allowHalfOpen: false });
    acceptedOptions('bind', { port: undefined, ipv6Only: false });
    acceptedOptions('close', { sending: 3, at: { ns: 5 }, andThen: 'destroy' });
  });
});

test('what write(2) is given: so many bytes, or these', () => {
  expect(acceptedPayload('write()', 5)).toBe(5);
  expect(acceptedPayload('write()', 'é')).toEqual(Buffer.from('é'));
  expect(acceptedPayload('write()', Uint8Array.of(1, 2))).toEqual(Buffer.of(1, 2));
  expect(() => acceptedPayload('write()', 2 ** 23)).toThrow('write(): must be a whole number from 0 to 4194304');
  expect(() => acceptedPayload('write()', ['a'])).toThrow('write(): must be a number of bytes, a text or a Uint8Array');
});

test.each([
  ['write(): bytes', -1, 'must be a whole number from 0 on, not -1'],
  ['close(): by', 'reset', "there is no 'reset'"],
  ['shutdown(): how', 'W', "there is no 'W'"],
  ['signal()', 'SIGKIL', 'did you mean "SIGKILL"?'],
  ['end(): by', 'exit', 'it is process.exit, natural, exception, SIGTERM or SIGKILL'],
] as const)('%s: %j', (what, given, says) => {
  expect(() => acceptedArgument(what, given)).toThrow(says);
});

describe('a socket option', () => {
  test.each([
    ['SO_LINGER', 'zero', "set('SO_LINGER'): must be 'off', a number of seconds or { l_onoff, l_linger }, not 'zero'"],
    [
      'SO_LINGER',
      { l_onof: 1, l_linger: 2 },
      `set('SO_LINGER'): there is no option 'l_onof' (did you mean "l_onoff"?)`,
    ],
    ['SO_KEEPALIVE', 1, "set('SO_KEEPALIVE'): must be true or false, not 1"],
    ['TCP_KEEPIDLE', true, "set('TCP_KEEPIDLE'): must be a whole number from -2147483648 to 2147483647, not true"],
  ] as const)('%s set to %j', (option, value, says) => {
    expect(() => acceptedSetting(option, value, {})).toThrow(says);
  });

  test('that there is not is refused with those that there are', () => {
    expect(() => acceptedOption('get', 'SO_LINGR')).toThrow(
      'get(): option: there is no \'SO_LINGR\' (did you mean "SO_LINGER"?)',
    );
    expect(() => acceptedSetting('IP_LOCAL_PORT_RANGE' as never, 5, {})).toThrow('it is SO_LINGER, TCP_LINGER2');
  });

  test.each([
    ['SO_LINGER', 'off'],
    ['SO_LINGER', 0],
    ['SO_LINGER', { l_onoff: 1, l_linger: -1 }],
    ['TCP_LINGER2', -1],
    ['IPV6_V6ONLY', true],
  ] as const)('%s set to %j passes', (option, value) => {
    acceptedSetting(option, value, { length: 3 });
  });
});

test('a process is started at an end that there is, by a name that a file can have', () => {
  expect(acceptedStart('other', 'server')).toEqual({ where: 'server' });
  expect(acceptedStart('other', { uid: 65_534 })).toEqual({ uid: 65_534 });
  expect(() => acceptedStart('other', 'servr')).toThrow(
    'start(): where: there is no \'servr\' (did you mean "server"?)',
  );
  expect(() => acceptedStart('other', { uid: -1 })).toThrow('start(): uid: must be a whole number');
  expect(() => acceptedStart('../other', 'server')).toThrow('start(): name: must be a word');
});

test('a state that is waited for is one of RFC 9293', () => {
  acceptedStates(['TIME-WAIT', 'CLOSED']);
  expect(() => acceptedStates(['TIME_WAIT'])).toThrow(
    'until(): state: there is no \'TIME_WAIT\' (did you mean "TIME-WAIT"?)',
  );
  expect(() => acceptedStates([])).toThrow('until(): needs at least one state: ');
});
