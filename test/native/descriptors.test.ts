import { closeSync, fstatSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openMailbox, receiveDescriptor, sendDescriptor } from '../../src/native/descriptors.ts';

test('a descriptor that was sent is another number for the same open file, and the sender keeps its own', () => {
  const { fd: mailbox, name } = openMailbox();
  const sent = openSync('/proc/self/status', 'r');
  try {
    sendDescriptor(name, sent);
    const received = receiveDescriptor(mailbox);
    expect(received).not.toBe(sent);
    expect(fstatSync(received).ino).toBe(fstatSync(sent).ino);
    closeSync(received);
    expect(fstatSync(sent).isFile()).toBe(true);
  } finally {
    closeSync(sent);
    closeSync(mailbox);
  }
});

test('an empty mailbox says so', () => {
  const { fd: mailbox } = openMailbox();
  expect(() => receiveDescriptor(mailbox)).toThrow(expect.objectContaining({ syscall: 'recvmsg', errno: 'EAGAIN' }));
  closeSync(mailbox);
});

test('nothing can be sent to a mailbox that is closed, nor what is no descriptor', () => {
  const { fd: mailbox, name } = openMailbox();
  expect(() => sendDescriptor(name, 999_999)).toThrow(expect.objectContaining({ syscall: 'sendmsg', errno: 'EBADF' }));
  closeSync(mailbox);
  expect(() => sendDescriptor(name, 0)).toThrow(expect.objectContaining({ syscall: 'sendmsg', errno: 'ECONNREFUSED' }));
});

test('each mailbox has a name of its own, and it is abstract', () => {
  const [one, two] = [openMailbox(), openMailbox()];
  expect(one.name[2]).toBe(0);
  expect(one.name.equals(two.name)).toBe(false);
  for (const { fd } of [one, two]) closeSync(fd);
});
