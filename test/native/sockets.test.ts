import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { socketConstants as c } from '../../src/native/constants.ts';
import { close, socket } from '../../src/native/libc.ts';
import { getOption, pendingError, setOption, shutdownSocket, tcpInfo } from '../../src/native/sockets.ts';

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

  test.each(['SO_REUSEADDR', 'SO_REUSEPORT', 'IP_BIND_ADDRESS_NO_PORT'] as const)('%s, on and off', (option) => {
    setOption(fd, option, true);
    expect(getOption(fd, option)).toBe(true);
    setOption(fd, option, false);
    expect(getOption(fd, option)).toBe(false);
  });

  test('TCP_LINGER2: seconds; not at all; what is more than two minutes is two minutes', () => {
    const read = [5, -1, 120, 121].map((seconds) => {
      setOption(fd, 'TCP_LINGER2', seconds);
      return getOption(fd, 'TCP_LINGER2');
    });
    expect(read).toEqual([5, -1, 120, 120]);
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
  expect(tcpInfo(fd)).toEqual({ state: 'CLOSED', retransmits: 0, unacked: 0, rtoUs: 1_000_000, rttUs: 0 });
});

test('a socket without an error has none', () => {
  expect(pendingError(fd)).toBe('none');
});

test('shutdown of a socket that is not connected is refused: ENOTCONN', () => {
  expect(() => shutdownSocket(fd, 'WR')).toThrow(expect.objectContaining({ syscall: 'shutdown', errno: 'ENOTCONN' }));
});
