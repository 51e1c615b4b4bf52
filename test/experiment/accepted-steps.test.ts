import { describe, expect, test } from 'vitest';
import {
  acceptedArgument,
  acceptedNumbered,
  acceptedOption,
  acceptedOptionBytes,
  acceptedOptionLength,
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
      `listen(): at: unknown value 'wildcrad' (did you mean "wildcard"?); use own, wildcard, other or { address }`,
    ],
    ['bind', { reuse: 'SO_REUSEADDR' }, "bind(): reuse: unknown value 'SO_REUSEADDR'; use none, addr, port or both"],
    ['bind', { v6only: true }, `bind(): unknown option 'v6only' (did you mean "ipv6Only"?)`],
    ['bind', { port: 70_000 }, 'bind(): port: must be a whole number from 0 to 65535, not 70000'],
    ['bind', { port: '9999' }, "bind(): port: must be a whole number from 0 to 65535, not '9999'"],
    ['bind', { noPort: 1 }, 'bind(): noPort: must be true or false, not 1'],
    ['place', { family: 'IPv6' }, "place(): family: must be 4 or 6, not 'IPv6'"],
    ['connect', { localPort: -1 }, 'connect(): localPort: must be a whole number from 0 to 65535, not -1'],
    ['open', { As: 'old' }, `open(): unknown option 'As' (did you mean "as"?)`],
    ['queue', { allowHalfOpen: true }, "queue(): unknown option 'allowHalfOpen'; use backlog"],
    [
      'close',
      { andThen: 'close(2)' },
      "close(): andThen: unknown value 'close(2)'; use end, destroy or resetAndDestroy",
    ],
    ['exec', { env: { TO: 5 } }, 'exec(): env: must be an object of texts, not { TO: 5 }'],
    ['exec', { input: 5 }, 'exec(): input: must be a text, not 5'],
    ['exec', { env: { TO: 'a\0b' } }, 'exec(): env.TO: must be a text without NUL'],
    [
      'exec',
      { env: { 'A=B': 'c' } },
      `exec(): env: the name of a variable must be a text without "=" and NUL, not 'A=B'`,
    ],
    [
      'listen',
      { family: 4, ipv6Only: true },
      'listen(): ipv6Only: true is for a socket of IPv6; use it with family: 6, or leave it out',
    ],
    ['bind', { at: 'wildcard', ipv6Only: true }, 'bind(): ipv6Only: true is for a socket of IPv6'],
    ['listen', { at: { address: '127.0.0.2' }, ipv6Only: true }, 'listen(): ipv6Only: true is for a socket of IPv6'],
    ['raw.accept', { label: 'old' }, "accept(): unknown option 'label'; use wait, as or again"],
    ['next', { from: 'python3' }, "next(): unknown option 'from'; use as or again"],
    ['close', { at: 5 }, 'close(): at: must be a moment that soon() gave, not 5'],
    ['write', { fill: '' }, "write(): fill: must be a text that is not empty, not ''"],
    ['poll', { for: ['POLLUP'] }, `poll(): for: unknown value 'POLLUP'`],
    ['poll', { for: 'POLLIN' }, "poll(): for: must be a list, such as ['POLLIN'], not 'POLLIN'"],
    ['poll', { within: -1 }, 'poll(): within: must be a number from 0 on, not -1'],
    ['raw.connect', { localPort: 5 }, "connect(): unknown option 'localPort'; use as, again or family"],
    ['raw.write', { wait: 'no' }, "write(): wait: must be true or false, not 'no'"],
    ['fill', { bytes: 0 }, 'fill(): bytes: must be a whole number from 1 to 1073741824, not 0'],
    ['listen', { at: '127.0.0.2' }, "listen(): at: an address is written { address: '127.0.0.2' }"],
    [
      'bind',
      { at: { address: 'localhost' } },
      "bind(): at.address: must be an IPv4 or IPv6 address, such as '127.0.0.2' or '::1', not 'localhost'",
    ],
    ['bind', { at: { address: '127.0.0.256' } }, "not '127.0.0.256'"],
    ['bind', { at: { adress: '::1' } }, `bind(): at: unknown option 'adress' (did you mean "address"?)`],
    [
      'listen',
      { family: 6, at: { address: '127.0.0.2' } },
      "listen(): at.address: '127.0.0.2' is no address of family 6; mapped into IPv6 it is '::ffff:127.0.0.2'",
    ],
    ['place', { family: 4, at: { address: '::1' } }, "place(): at.address: '::1' is no address of family 4"],
    ['place', { at: 'wildcard' }, "place(): at: unknown value 'wildcard'; use own, other or { address }"],
    ['place', { port: 0 }, 'place(): port: must be a whole number from 1 to 65535, not 0'],
    ['connect', { localAddress: 'wildcard' }, "connect(): localAddress: unknown value 'wildcard'"],
    ['address', { at: 'wildcard' }, "address(): at: unknown value 'wildcard'; use own or other"],
    [
      'listen',
      8080,
      'listen(): must be an object with family, port, at, reuse, noPort, ipv6Only, backlog or allowHalfOpen, not 8080',
    ],
  ] as const)('of %s: %j', (step, given, says) => {
    expect(() => acceptedOptions(step, given)).toThrow(says);
  });

  test('that are right, or undefined, pass', () => {
    acceptedOptions('listen', { family: 6, port: 0, at: 'other', reuse: 'both', backlog: -1, allowHalfOpen: false });
    acceptedOptions('bind', { port: undefined, ipv6Only: false });
    acceptedOptions('listen', { at: { address: '127.0.0.2' }, noPort: true });
    acceptedOptions('listen', { at: { address: '::1' }, ipv6Only: true });
    acceptedOptions('bind', { family: 6, at: 'wildcard', ipv6Only: true });
    acceptedOptions('bind', { family: 6, at: { address: '::ffff:127.0.0.1' } });
    acceptedOptions('bind', { at: { address: 'fe80::1%veth0' } });
    acceptedOptions('connect', { localAddress: { address: '::1' }, localPort: 5000 });
    acceptedOptions('place', { port: 80, at: 'other' });
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
  ['close(): by', 'reset', "unknown value 'reset'"],
  ['closeInTurn(): by', 'reset', "unknown value 'reset'"],
  ['shutdown(): how', 'W', "unknown value 'W'"],
  ['signal()', 'SIGKIL', 'did you mean "SIGKILL"?'],
  ['ports(): count', 65, 'must be a whole number from 1 to 64, not 65'],
  [
    'exec(): command',
    'a\0b',
    "exec(): command: must be a text without NUL, which a program cannot be given, not 'a\\x00b'",
  ],
  [
    'exec(): args',
    ['-c', 'a\0b'],
    "exec(): args[1]: must be a text without NUL, which a program cannot be given, not 'a\\x00b'",
  ],
  ['exec(): args', 'x', "exec(): args: must be a list of texts, not 'x'"],
  ['end(): by', 'exit', 'use process.exit, natural, exception, SIGTERM or SIGKILL'],
] as const)('%s: %j', (what, given, says) => {
  expect(() => acceptedArgument(what, given)).toThrow(says);
});

describe('a socket option by its numbers', () => {
  test.each([
    [
      { level: 'SOL_TCP', name: 1 },
      "set(): option.level: unknown value 'SOL_TCP'; use SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6 or IPPROTO_TCP",
    ],
    [{ level: 6, name: 'TCP_NODELAY' }, 'set(): option.name: must be a whole number from'],
    [{ level: 6, optname: 1 }, "set(): option: unknown option 'optname'"],
  ])('%j is refused', (option, says) => {
    expect(() => acceptedNumbered('set', option)).toThrow(says);
  });

  test('is told from one by its name', () => {
    expect(acceptedNumbered('get', { level: 'IPPROTO_TCP', name: 13 })).toBe(true);
    expect(acceptedNumbered('get', { level: 255, name: -1 })).toBe(true);
    expect(acceptedNumbered('get', 'TCP_CONGESTION')).toBe(false);
  });

  test('takes an int, or any bytes', () => {
    expect([...acceptedOptionBytes(-2)]).toEqual([254, 255, 255, 255]);
    expect([...acceptedOptionBytes(Uint8Array.of(1, 2))]).toEqual([1, 2]);
    expect(() => acceptedOptionBytes('reno')).toThrow(
      "must be a number or a Uint8Array of at most 65,536 bytes, not 'reno'",
    );
    expect(() => acceptedOptionBytes(2 ** 31)).toThrow('must be a whole number');
    expect(() => acceptedOptionLength(-1)).toThrow('get(): length: must be a whole number from 0 to 65536, not -1');
  });
});

describe('a socket option', () => {
  test.each([
    ['SO_LINGER', 'zero', "set('SO_LINGER'): must be 'off', a number of seconds or { l_onoff, l_linger }, not 'zero'"],
    ['SO_LINGER', { l_onof: 1, l_linger: 2 }, `set('SO_LINGER'): unknown option 'l_onof' (did you mean "l_onoff"?)`],
    ['SO_KEEPALIVE', 1, "set('SO_KEEPALIVE'): must be true or false, not 1"],
    [
      'IP_LOCAL_PORT_RANGE',
      { low: 40_000, hi: 40_001 },
      "set('IP_LOCAL_PORT_RANGE'): unknown option 'hi' (did you mean \"high\"?); use low or high",
    ],
    [
      'IP_LOCAL_PORT_RANGE',
      { low: 40_000, high: 65_536 },
      "set('IP_LOCAL_PORT_RANGE').high: must be a whole number from 0 to 65535, not 65536",
    ],
    [
      'SO_BINDTODEVICE',
      'a-name-that-is-too-long',
      "set('SO_BINDTODEVICE'): must be a text of at most 15 characters, not 'a-name-that-is-too-long'",
    ],
    ['TCP_KEEPIDLE', true, "set('TCP_KEEPIDLE'): must be a whole number from -2147483648 to 2147483647, not true"],
  ] as const)('%s set to %j', (option, value, says) => {
    expect(() => acceptedSetting(option, value, {})).toThrow(says);
  });

  test('that there is not is refused with those that there are', () => {
    expect(() => acceptedOption('get', 'SO_LINGR')).toThrow(
      'get(): option: unknown value \'SO_LINGR\' (did you mean "SO_LINGER"?)',
    );
    expect(() => acceptedSetting('IP_TOS', 5, {})).toThrow('use SO_LINGER, TCP_LINGER2');
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
    'start(): where: unknown value \'servr\' (did you mean "server"?)',
  );
  expect(() => acceptedStart('other', { uid: -1 })).toThrow('start(): uid: must be a whole number');
  expect(() => acceptedStart('../other', 'server')).toThrow('start(): name: must be a word');
});

test('a state that is waited for is one of RFC 9293', () => {
  acceptedStates(['TIME-WAIT', 'CLOSED']);
  expect(() => acceptedStates(['TIME_WAIT'])).toThrow(
    'until(): state: unknown value \'TIME_WAIT\' (did you mean "TIME-WAIT"?)',
  );
  expect(() => acceptedStates([])).toThrow('until(): needs at least one state: ');
});
