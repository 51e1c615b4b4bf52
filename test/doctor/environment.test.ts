import { availableParallelism, release } from 'node:os';
import { expect, test } from 'vitest';
import { environment, type SysctlFiles, sysctlDump } from '../../src/doctor/environment.ts';
import { check } from '../../src/record/check.ts';
import { environment as environmentSchema } from '../../src/record/schema.ts';

test('reads this machine, and fits the schema', async () => {
  const parts = { hz: 250, iproute2: '6.1.0', privileged: false, capabilities: {}, sysctls: {} };
  const machine = await environment(parts);
  expect(check(environmentSchema, machine)).toEqual({ ok: true, value: machine });
  expect(machine).toMatchObject({ ...parts, kernel: release(), cores: availableParallelism(), slowness: 1 });
  expect((await environment({ ...parts, accelerator: 'tcg', slowness: 7.5 })).accelerator).toBe('tcg');
});

test('names the counters that this kernel has', async () => {
  const { counters } = await environment({ hz: 250, iproute2: '', privileged: false, capabilities: {}, sysctls: {} });
  expect(counters).toEqual(expect.arrayContaining(['Tcp.ActiveOpens', 'TcpExt.TW']));
  expect(counters?.filter((name) => !/^(Tcp|TcpExt)\.\w+$/.test(name))).toEqual([]);
});

test('dumps net.core and net.ipv4.tcp_*, without keys and what may not be read', () => {
  const values: Record<string, string | null> = {
    'net/core/somaxconn': '4096\n',
    'net/core/netdev_rss_key': 'd4:ab\n',
    'net/core/bpf_jit_limit': null,
    'net/ipv4/tcp_rmem': '4096\t131072\t6291456\n',
    'net/ipv4/tcp_fastopen_key': '0-0-0-0\n',
    'net/ipv4/tcp_available_ulp': '\n',
    'net/ipv4/ip_forward': '0\n',
  };
  const fake: SysctlFiles = {
    list: (folder) =>
      Object.keys(values)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1)),
    read: (path) => values[path] ?? null,
  };
  expect(Object.entries(sysctlDump(fake))).toEqual([
    ['net.core.somaxconn', '4096'],
    ['net.ipv4.tcp_available_ulp', ''],
    ['net.ipv4.tcp_rmem', '4096 131072 6291456'],
  ]);
});

test('dumps what this kernel has', () => {
  const dump = sysctlDump();
  expect(Number(dump['net.ipv4.tcp_fin_timeout'])).toBeGreaterThan(0);
  expect(dump['net.ipv4.tcp_rmem']).toMatch(/^\d+ \d+ \d+$/);
  expect(Object.keys(dump).filter((name) => !/^net\.(core|ipv4\.(tcp_|ip_local))/.test(name))).toEqual([]);
});
