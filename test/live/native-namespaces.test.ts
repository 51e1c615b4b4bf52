import { readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  insideNamespace,
  interfaceUp,
  makeNetworkNamespace,
  namespaceInode,
  releaseNamespace,
} from '../../src/native/namespaces.ts';
import { inNamespaces } from './namespace.ts';

const here = () => readlinkSync('/proc/thread-self/ns/net');
const interfaces = () =>
  readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .flatMap((line) => /^\s*(\w+):/.exec(line)?.[1] ?? []);

inNamespaces('network namespaces', () => {
  test('making one leaves the thread where it was', () => {
    const before = here();
    const fd = makeNetworkNamespace();
    expect(here()).toBe(before);
    expect(`net:[${namespaceInode(fd)}]`).not.toBe(before);
    releaseNamespace(fd);
  });

  test('work runs inside one, and the thread comes back with its result', () => {
    const before = here();
    const fd = makeNetworkNamespace();
    expect(insideNamespace(fd, here)).toBe(`net:[${namespaceInode(fd)}]`);
    expect(insideNamespace(fd, interfaces)).toContain('lo');
    expect(here()).toBe(before);
    releaseNamespace(fd);
  });

  test('the thread comes back from work that throws, too', () => {
    const before = here();
    const fd = makeNetworkNamespace();
    const work = () => {
      throw new Error('mine');
    };
    expect(() => insideNamespace(fd, work)).toThrow('mine');
    expect(here()).toBe(before);
    releaseNamespace(fd);
  });

  test('a released one cannot be entered', () => {
    const fd = makeNetworkNamespace();
    releaseNamespace(fd);
    expect(() => insideNamespace(fd, here)).toThrow(expect.objectContaining({ syscall: 'setns', errno: 'EBADF' }));
  });

  test('an interface that there is not cannot be set up: ENODEV', () => {
    const fd = makeNetworkNamespace();
    expect(() => insideNamespace(fd, () => interfaceUp('none0'))).toThrow(
      expect.objectContaining({ syscall: 'ioctl', errno: 'ENODEV' }),
    );
    releaseNamespace(fd);
  });
});
