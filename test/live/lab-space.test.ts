import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { makeSpace, setSysctls, socketsIn } from '../../src/lab/space.ts';
import { inNamespaces } from './namespace.ts';

const sysctl = (name: string) => readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();

inNamespaces('a space', () => {
  test('is a namespace of its own, with its loopback interface up', () => {
    using one = makeSpace('client');
    using two = makeSpace('server');
    expect(one.inode).not.toBe(two.inode);
    const routes = one.inside(() => readFileSync('/proc/thread-self/net/fib_trie', 'utf8'));
    expect(routes).toContain('127.0.0.1');
  });

  test('has what scales with memory or comes from the host pinned', () => {
    using space = makeSpace('lab');
    expect(space.inside(() => sysctl('net.ipv4.tcp_max_tw_buckets'))).toBe('65536');
    expect(space.inside(() => sysctl('net.ipv4.tcp_rmem')).split(/\s+/)).toEqual(['4096', '131072', '6291456']);
  });

  test('has sysctls of its own: the host’s stay', () => {
    const before = sysctl('net.ipv4.tcp_fin_timeout');
    using space = makeSpace('lab');
    space.inside(() => setSysctls({ 'net.ipv4.tcp_fin_timeout': 17 }));
    expect(space.inside(() => sysctl('net.ipv4.tcp_fin_timeout'))).toBe('17');
    expect(sysctl('net.ipv4.tcp_fin_timeout')).toBe(before);
    expect(before).not.toBe('17');
  });

  test('refuses a sysctl that there is not', () => {
    using space = makeSpace('lab');
    expect(() => space.inside(() => setSysctls({ 'net.ipv4.tcp_none': 1 }))).toThrow(/ENOENT/);
  });

  test('can be entered by another process through its path while it lives', () => {
    const space = makeSpace('lab');
    const enter = () =>
      spawnSync('nsenter', [`--net=${space.path}`, 'readlink', '/proc/self/ns/net'], { encoding: 'utf8' });
    expect(enter().stdout.trim()).toBe(`net:[${space.inode}]`);
    space[Symbol.dispose]();
    expect(enter().status).not.toBe(0);
    expect(() => space.inside(() => undefined)).toThrow('namespace lab was given back');
  });

  test('counts the sockets that hold it', async () => {
    using space = makeSpace('lab');
    expect(socketsIn(space)).toBe(0);
    // without a host, net listens at once, and so inside
    const servers = [10_240, 10_241].map((port) => space.inside(() => createServer().listen(port)));
    expect(socketsIn(space)).toBe(2);
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    expect(socketsIn(space)).toBe(0);
  });
});
