import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { socketConstants as c } from '../../src/native/constants.ts';
import {
  close,
  closeInPool,
  dup,
  errnoName,
  readAvailable,
  SystemCallError,
  socket,
  write,
} from '../../src/native/libc.ts';

describe('the name of an errno', () => {
  test.each([
    [1, 'EPERM'],
    [9, 'EBADF'],
    [11, 'EAGAIN'],
    [22, 'EINVAL'],
    [32, 'EPIPE'],
    [95, 'EOPNOTSUPP'],
    [98, 'EADDRINUSE'],
    [99, 'EADDRNOTAVAIL'],
    [104, 'ECONNRESET'],
    [110, 'ETIMEDOUT'],
    [111, 'ECONNREFUSED'],
  ])('%i is %s, as the kernel calls it', (errno, name) => {
    expect(errnoName(errno)).toBe(name);
  });

  test('is its number where it has no name here', () => {
    expect(errnoName(4711)).toBe('E4711');
  });
});

describe('a call that the kernel refuses', () => {
  test('throws the call and the errno: EBADF for a descriptor that is none', () => {
    expect(() => close(-1)).toThrow(SystemCallError);
    expect(() => close(-1)).toThrow(
      expect.objectContaining({ syscall: 'close', errno: 'EBADF', message: 'close: EBADF' }),
    );
    expect(() => dup(-1)).toThrow(expect.objectContaining({ syscall: 'dup', errno: 'EBADF' }));
  });

  test('throws EINVAL for a socket of a type that there is not', () => {
    expect(() => socket(c.AF_INET, 99, 0)).toThrow(expect.objectContaining({ syscall: 'socket', errno: 'EINVAL' }));
  });

  test('throws each time with its own errno', () => {
    const errnos = [() => close(-1), () => socket(c.AF_INET, 99, 0), () => dup(-1)].map((call) => {
      try {
        return call();
      } catch (error) {
        return (error as SystemCallError).errno;
      }
    });
    expect(errnos).toEqual(['EBADF', 'EINVAL', 'EBADF']);
  });
});

describe('close(2) in the thread pool', () => {
  test('closes', async () => {
    const fd = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0);
    await closeInPool(fd);
    expect(() => dup(fd)).toThrow(expect.objectContaining({ errno: 'EBADF' }));
  });

  test('is refused without an errno', async () => {
    await expect(closeInPool(-1)).rejects.toMatchObject({ syscall: 'close', errno: 'unknown' });
  });
});

test('a duplicate is another descriptor, which stays when the first is closed', () => {
  const first = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0);
  const second = dup(first);
  expect(second).not.toBe(first);
  close(first);
  expect(() => close(first)).toThrow(expect.objectContaining({ errno: 'EBADF' }));
  expect(close(second)).toBe(0);
});

describe('reading what a descriptor has', () => {
  function fifo(read: (from: number, to: number) => void): void {
    const folder = mkdtempSync(join(tmpdir(), 'lingerlab-fifo-'));
    try {
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      const from = openSync(join(folder, 'fifo'), constants.O_RDONLY | constants.O_NONBLOCK);
      const to = openSync(join(folder, 'fifo'), constants.O_WRONLY);
      try {
        read(from, to);
      } finally {
        closeSync(from);
        closeSync(to);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('gives the bytes, and -1 instead of waiting for more', () => {
    fifo((from, to) => {
      const page = Buffer.alloc(16);
      writeSync(to, 'lingers');
      expect(readAvailable(from, page)).toBe(7);
      expect(page.toString('latin1', 0, 7)).toBe('lingers');
      expect(readAvailable(from, page)).toBe(-1);
    });
  });

  test('throws on a descriptor that is none', () => {
    expect(() => readAvailable(-1, Buffer.alloc(1))).toThrow(
      expect.objectContaining({ syscall: 'read', errno: 'EBADF' }),
    );
  });

  test('reads what write(2) wrote', () => {
    fifo((from, to) => {
      expect(write(to, Buffer.from('abc'), 3)).toBe(3);
      expect(readAvailable(from, Buffer.alloc(16))).toBe(3);
    });
  });
});
