import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { closure, lackingIn, moduleName } from '../../src/kernels/modules.ts';

const dep = readFileSync(fileURLToPath(new URL('../fixtures/kernels/modules.dep', import.meta.url)), 'utf8');

test('a wanted module comes with every module that it needs, compressed or not', () => {
  const files = closure(
    `${dep}kernel/a/sch_fq.ko.xz: kernel/b/crc32.ko.xz kernel/c/lib-x.ko\nkernel/d/ext9.ko: kernel/e/y.ko\n`,
  );
  expect(files).toEqual(expect.arrayContaining(['kernel/net/ipv4/tcp_diag.ko', 'kernel/net/ipv4/inet_diag.ko']));
  expect(files).toEqual(expect.arrayContaining(['kernel/b/crc32.ko.xz', 'kernel/c/lib-x.ko']));
  expect(files).not.toContain('kernel/d/ext9.ko');
});

test('a module has the name of its file, with underscores', () => {
  expect(moduleName('kernel/net/sched/sch-fq-codel.ko.xz')).toBe('sch_fq_codel');
});

test('a needed module may be built in; one that is neither is lacking', () => {
  expect(lackingIn(closure(dep), '')).toEqual([]);
  const without = closure(dep).filter((file) => !/tun|veth/.test(file));
  expect(lackingIn(without, 'kernel/drivers/net/tun.ko\n')).toEqual(['veth']);
});
