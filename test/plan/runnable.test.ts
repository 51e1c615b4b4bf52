import { expect, test } from 'vitest';
import { whyNot } from '../../src/plan/runnable.ts';
import { cell } from './definitions.ts';

const all = { namespaces: true, veth: true };
const sysctls = new Set(['net.ipv4.tcp_tw_reuse', 'net.ipv4.tcp_fin_timeout']);

test('a cell runs where there is all it needs', () => {
  expect(whyNot(cell({}), { namespaces: true }, new Set())).toBeUndefined();
  expect(whyNot(cell({ network: 'veth', sysctls: { 'net.ipv4.tcp_tw_reuse': 0 } }), all, sysctls)).toBeUndefined();
});

test('nothing runs without namespaces, whether that was found or never looked for', () => {
  expect(whyNot(cell({}), { ...all, namespaces: false }, sysctls)?.reason).toContain('network namespaces');
  expect(whyNot(cell({}), {}, sysctls)?.reason).toContain('network namespaces');
});

test('only a veth cell needs veth', () => {
  const capabilities = { namespaces: true, veth: false };
  expect(whyNot(cell({ network: 'veth' }), capabilities, sysctls)).toMatchObject({
    reason: expect.stringContaining('veth'),
    remedy: expect.stringContaining('modprobe veth'),
  });
  expect(whyNot(cell({ network: 'loopback' }), capabilities, sysctls)).toBeUndefined();
});

test('only a wire cell needs TUN devices', () => {
  const capabilities = { namespaces: true, veth: true, tun: false };
  expect(whyNot(cell({ network: 'wire' }), capabilities, sysctls)).toMatchObject({
    reason: expect.stringContaining('TUN'),
    remedy: expect.stringContaining('modprobe tun'),
  });
  expect(whyNot(cell({ network: 'wire' }), { ...capabilities, tun: true }, sysctls)).toBeUndefined();
  expect(whyNot(cell({ network: 'veth' }), capabilities, sysctls)).toBeUndefined();
});

test('sysctls that this kernel does not have are named, however they are written', () => {
  const wanted = {
    'net.ipv4.tcp_fin_timeout': 5,
    'net.ipv4.tcp_new': 1,
    'net/ipv4/tcp_tw_reuse': 1,
    'net/ipv4/tcp_x': 1,
  };
  expect(whyNot(cell({ sysctls: wanted }), all, sysctls)?.reason).toBe(
    'this kernel has no sysctl net.ipv4.tcp_new, net/ipv4/tcp_x in a network namespace',
  );
});

test('a cell with a program needs it on the PATH', () => {
  const python = cell({ needs: ['program:python3', 'program:nft'] });
  expect(whyNot(python, all, sysctls, (program) => program === 'nft')).toEqual({
    code: 'NO_PROGRAM',
    reason: 'there is no program python3 on the PATH',
    remedy: 'install python3',
  });
  expect(whyNot(python, all, sysctls, () => true)).toBeUndefined();
  expect(whyNot(cell({ needs: ['program:sh', 'program:/bin/sh'] }), all, sysctls)).toBeUndefined();
  expect(whyNot(cell({ needs: ['program:no-such-program'] }), all, sysctls)?.code).toBe('NO_PROGRAM');
});

test('a cell with another user needs one', () => {
  const other = cell({ needs: ['another-user'] });
  expect(whyNot(other, { ...all, otherUser: false }, sysctls)).toMatchObject({
    reason: expect.stringContaining('another user'),
    remedy: 'run as root',
  });
  expect(whyNot(other, { ...all, otherUser: true }, sysctls)).toBeUndefined();
  expect(whyNot(cell({}), { ...all, otherUser: false }, sysctls)).toBeUndefined();
});

test('a cell that changes the whole kernel needs one of its own', () => {
  const cells = cell({ needs: ['own-kernel'] });
  const onPath = () => true;
  expect(whyNot(cells, all, sysctls, onPath, () => false)).toEqual({
    code: 'NO_OWN_KERNEL',
    reason: 'it changes settings of the whole kernel, on which other programs of this machine depend',
    remedy: 'run it in a virtual machine: `lingerlab kernels run 6.12 -- x`',
  });
  expect(whyNot(cells, all, sysctls, onPath, () => true)).toBeUndefined();
  expect(whyNot(cell({}), all, sysctls, onPath, () => false)).toBeUndefined();
});
