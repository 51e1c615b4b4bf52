import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { socketConstants as c } from '../../src/native/constants.ts';
import { close, socket } from '../../src/native/libc.ts';
import {
  bindSocket,
  boundAddress,
  decodeAddress,
  encodeAddress,
  getNumbered,
  getOption,
  listenOn,
  pendingError,
  setNumbered,
  setOption,
  shutdownSocket,
  structLinger,
  tcpInfo,
} from '../../src/native/sockets.ts';

let fd = -1;
beforeEach(() => {
  fd = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
});
afterEach(() => {
  close(fd);
});

describe('a new socket has the kernel’s defaults', () => {
  test.each([
    ['SO_LINGER', 'off'],
    ['SO_REUSEADDR', false],
    ['SO_REUSEPORT', false],
    ['IP_BIND_ADDRESS_NO_PORT', false],
    ['SO_KEEPALIVE', false],
    ['TCP_USER_TIMEOUT', 0],
  ] as const)('%s is %s', (option, value) => {
    expect(getOption(fd, option)).toBe(value);
  });
});

describe('an option that is set reads back', () => {
  test.each(['off', 0, 5, 32_768, 'off'] as const)('SO_LINGER %s', (value) => {
    setOption(fd, 'SO_LINGER', 7);
    setOption(fd, 'SO_LINGER', value);
    expect(getOption(fd, 'SO_LINGER')).toBe(value);
  });

  test.each(['SO_REUSEADDR', 'SO_REUSEPORT', 'IP_BIND_ADDRESS_NO_PORT', 'SO_KEEPALIVE'] as const)(
    '%s, on and off',
    (option) => {
      setOption(fd, option, true);
      expect(getOption(fd, option)).toBe(true);
      setOption(fd, option, false);
      expect(getOption(fd, option)).toBe(false);
    },
  );

  test('SO_LINGER that is switched off keeps the seconds that it had, not those it is switched off with', () => {
    setOption(fd, 'SO_LINGER', 7);
    setOption(fd, 'SO_LINGER', { l_onoff: 0, l_linger: 5 });
    expect(structLinger(fd)).toEqual({ l_onoff: 0, l_linger: 7 });
  });

  test('SO_LINGER in four bytes is refused, in more than eight taken', () => {
    expect(() => setOption(fd, 'SO_LINGER', 5, 4)).toThrow(
      expect.objectContaining({ syscall: 'setsockopt', errno: 'EINVAL' }),
    );
    expect(structLinger(fd)).toEqual({ l_onoff: 0, l_linger: 0 });
    setOption(fd, 'SO_LINGER', 5, 12);
    expect(structLinger(fd)).toEqual({ l_onoff: 1, l_linger: 5 });
  });

  test('amounts, each by itself', () => {
    const amounts = { TCP_USER_TIMEOUT: 1500, TCP_KEEPIDLE: 11, TCP_KEEPINTVL: 12, TCP_KEEPCNT: 13 } as const;
    const options = Object.keys(amounts) as (keyof typeof amounts)[];
    for (const option of options) setOption(fd, option, amounts[option]);
    expect(Object.fromEntries(options.map((option) => [option, getOption(fd, option)]))).toEqual(amounts);
  });

  test('TCP_LINGER2: seconds; not at all; what is more than two minutes is two minutes', () => {
    const read = [5, -1, 120, 121].map((seconds) => {
      setOption(fd, 'TCP_LINGER2', seconds);
      return getOption(fd, 'TCP_LINGER2');
    });
    expect(read).toEqual([5, -1, 120, 120]);
  });

  test('IP_LOCAL_PORT_RANGE: the first and the last port', () => {
    setOption(fd, 'IP_LOCAL_PORT_RANGE', { low: 40_000, high: 65_535 });
    expect(getOption(fd, 'IP_LOCAL_PORT_RANGE')).toEqual({ low: 40_000, high: 65_535 });
    expect([...getNumbered(fd, { level: 'IPPROTO_IP', name: c.IP_LOCAL_PORT_RANGE }, 8)]).toEqual([
      0x40, 0x9c, 0xff, 0xff,
    ]);
  });

  test('names: a device, an algorithm', () => {
    expect(getOption(fd, 'SO_BINDTODEVICE')).toBe('');
    setOption(fd, 'SO_BINDTODEVICE', 'lo');
    setOption(fd, 'TCP_CONGESTION', 'reno');
    expect([getOption(fd, 'SO_BINDTODEVICE'), getOption(fd, 'TCP_CONGESTION')]).toEqual(['lo', 'reno']);
  });

  test('by numbers, as many bytes as there is room for', () => {
    setNumbered(fd, { level: 'IPPROTO_TCP', name: c.TCP_CONGESTION }, Buffer.from('reno'));
    expect(Buffer.from(getNumbered(fd, { level: 6, name: 13 }, 3)).toString()).toBe('ren');
    setNumbered(fd, { level: 'SOL_SOCKET', name: c.SO_KEEPALIVE }, Uint8Array.of(1), 4);
    expect(getOption(fd, 'SO_KEEPALIVE')).toBe(true);
    expect(() => getNumbered(fd, { level: 'IPPROTO_TCP', name: 999 }, 4)).toThrow(
      expect.objectContaining({ syscall: 'getsockopt', errno: 'ENOPROTOOPT' }),
    );
  });

  test('each by itself: one does not change another', () => {
    setOption(fd, 'SO_LINGER', 5);
    setOption(fd, 'SO_REUSEADDR', true);
    setOption(fd, 'TCP_LINGER2', 9);
    expect([getOption(fd, 'SO_LINGER'), getOption(fd, 'SO_REUSEPORT'), getOption(fd, 'TCP_LINGER2')]).toEqual([
      5,
      false,
      9,
    ]);
  });
});

test('a descriptor that is none has no options: EBADF, with the call', () => {
  expect(() => setOption(-1, 'SO_LINGER', 0)).toThrow(
    expect.objectContaining({ syscall: 'setsockopt', errno: 'EBADF' }),
  );
  expect(() => getOption(-1, 'SO_LINGER')).toThrow(expect.objectContaining({ syscall: 'getsockopt', errno: 'EBADF' }));
});

test('a UDP socket has no TCP options, and no TCP_INFO', () => {
  const udp = socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
  try {
    expect(() => setOption(udp, 'TCP_LINGER2', 1)).toThrow(
      expect.objectContaining({ syscall: 'setsockopt', errno: expect.stringMatching(/^E(NOPROTOOPT|OPNOTSUPP)$/) }),
    );
    expect(() => tcpInfo(udp)).toThrow(expect.objectContaining({ syscall: 'getsockopt' }));
  } finally {
    close(udp);
  }
});

test('TCP_INFO of a socket that was never connected: CLOSED, with the initial retransmission timeout of one second', () => {
  expect(tcpInfo(fd)).toEqual({
    state: 'CLOSED',
    notSentBytes: 0,
    retransmits: 0,
    unacked: 0,
    rtoUs: 1_000_000,
    rttUs: 0,
    windowBytes: 0,
    segmentBytes: 536,
  });
});

test('a socket without an error has none', () => {
  expect(pendingError(fd)).toBe('none');
});

test('shutdown of a socket that is not connected is refused: ENOTCONN', () => {
  expect(() => shutdownSocket(fd, 'WR')).toThrow(expect.objectContaining({ syscall: 'shutdown', errno: 'ENOTCONN' }));
});

describe('an address as the kernel has it', () => {
  test.each([
    { address: '127.64.0.1', port: 10_240 },
    { address: '0.0.0.0', port: 0 },
    { address: '::1', port: 65_535 },
    { address: 'fd77::12', port: 1 },
    { address: '::', port: 80 },
  ])('$address:$port is the same after both ways', (address) => {
    expect(decodeAddress(encodeAddress(address))).toEqual(address);
  });

  test('is struct sockaddr_in: family as the machine counts, port and address as the network does', () => {
    expect([...encodeAddress({ address: '127.0.0.2', port: 0x1234 })]).toEqual([
      2, 0, 0x12, 0x34, 127, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });

  test('is struct sockaddr_in6: the address after the flow information', () => {
    const encoded = encodeAddress({ address: '2001:db8::7', port: 0x1234 });
    expect(encoded).toHaveLength(28);
    expect(encoded.subarray(0, 8).toString('hex')).toBe('0a00123400000000');
    expect(encoded.subarray(8, 24).toString('hex')).toBe('20010db8000000000000000000000007');
  });

  test('has its scope behind the address, by the name of a device or its number', () => {
    const named = encodeAddress({ address: 'fe80::1%lo', port: 1 });
    expect(named.readUInt32LE(24)).toBe(1);
    expect(encodeAddress({ address: 'fe80::1%7', port: 1 }).readUInt32LE(24)).toBe(7);
    expect(decodeAddress(named)).toEqual({ address: 'fe80::1%lo', port: 1 });
    // which bind(2) refuses
    expect(encodeAddress({ address: 'fe80::1%no-such', port: 1 }).readUInt32LE(24)).toBe(0);
  });

  test('is none where the text is none', () => {
    expect(() => encodeAddress({ address: '127.0.0.256', port: 1 })).toThrow('not an address: 127.0.0.256');
  });
});

describe('a socket bound by libc', () => {
  test('has the options it was asked for, and no other', () => {
    const bound = bindSocket({ address: '127.0.0.1', port: 0 }, { SO_REUSEPORT: true });
    try {
      expect(getOption(bound, 'SO_REUSEPORT')).toBe(true);
      expect(getOption(bound, 'SO_REUSEADDR')).toBe(false);
      expect(boundAddress(bound)).toEqual({ address: '127.0.0.1', port: expect.any(Number) });
      listenOn(bound, 1);
      expect(tcpInfo(bound).state).toBe('LISTEN');
    } finally {
      close(bound);
    }
  });

  test('at an address that this machine does not have is refused: EADDRNOTAVAIL', () => {
    expect(() => bindSocket({ address: '192.0.2.1', port: 0 }, {})).toThrow(
      expect.objectContaining({ syscall: 'bind', errno: 'EADDRNOTAVAIL' }),
    );
  });
});
