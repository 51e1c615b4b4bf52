import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { countedBy, instructionWays } from '../../src/doctor/counted.ts';
import { countInstructions } from '../../src/doctor/instructions.ts';
import { type Lab, makeLab } from '../../src/lab/lab.ts';
import { lockPorts } from '../../src/lab/ports.ts';
import { socketsIn } from '../../src/lab/space.ts';
import { inNamespaces } from './namespace.ts';

/** Network namespaces that this process holds by a descriptor; other descriptors come and go with the test runner. */
const heldNamespaces = (): string[] =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        // the one by which this folder was read
        return '';
      }
    })
    .filter((target) => target.startsWith('net:['));

inNamespaces('what connections cost', () => {
  test('is what passes between two readings of a clock, for each of ten connections', () => {
    let now = 0n;
    expect(countedBy(() => (now += 1000n), 3, 1)).toEqual(Object.fromEntries(instructionWays.map((way) => [way, 100])));
  });

  test('is counted by a process of its own', () => {
    const counted = countInstructions({ accelerator: 'tcg', clockRule: 'virtual' });
    expect(Object.keys(counted ?? {})).toEqual([...instructionWays]);
    expect(Math.min(...Object.values(counted ?? {}))).toBeGreaterThan(0);
  });
});

inNamespaces('a lab', () => {
  test('on loopback is one namespace, with an address of its own for its listeners', async () => {
    using ports = lockPorts();
    await using one = await makeLab({ network: 'loopback', sysctls: {}, ports, serial: 1 });
    await using two = await makeLab({ network: 'loopback', sysctls: {}, ports, serial: 258 });
    expect(one.spaces.map(({ name }) => name)).toEqual(['lab']);
    expect(one.space('client')).toBe(one.space('server'));
    expect(one.address('server', 4)).toBe(`127.${64 + ports.block}.0.1`);
    expect(two.address('server', 4)).toBe(`127.${64 + ports.block}.1.2`);
    expect(one.address('server', 6)).toBe('::1');
    expect(one.address('server', 4, 'other')).toBe(`127.${96 + ports.block}.0.1`);
    // where they connect from
    const route = (lab: Lab, to: string) =>
      lab.space('client').inside(() => spawnSync('ip', ['route', 'get', to], { encoding: 'utf8' }).stdout);
    one.address('server', 6, 'other');
    await one.ready();
    for (const family of [4, 6] as const)
      for (const to of [one.address('server', family), one.address('server', family, 'other')])
        expect(route(one, to)).toContain(` src ${one.address('client', family)} `);
  });

  test('on veth is two namespaces that reach each other over both families', async () => {
    using ports = lockPorts();
    await using lab = await makeLab({ network: 'veth', sysctls: {}, ports, serial: 1 });
    expect(lab.spaces.map(({ name }) => name)).toEqual(['client', 'server']);
    expect(lab.space('client').inode).not.toBe(lab.space('server').inode);
    for (const family of [4, 6] as const) {
      const address = lab.address('server', family);
      const route = lab.space('client').inside(() => spawnSync('ip', ['route', 'get', address], { encoding: 'utf8' }));
      expect(route.stdout).toMatch(/dev veth0/);
      // a peer connects from its own address, not from the other one
      expect(route.stdout).toContain(`src ${lab.address('client', family)} `);
      const own = lab.space('server').inside(() => spawnSync('ip', ['-o', 'addr'], { encoding: 'utf8' }));
      expect(own.stdout).toContain(` ${lab.address('server', family, 'other')}/`);
    }
    // the kernel would make others of the devices' own, and take a second for it
    const scoped = (end: 'client' | 'server') =>
      lab.space(end).inside(() => spawnSync('ip', ['-o', 'addr', 'show', 'scope', 'link'], { encoding: 'utf8' }));
    expect(scoped('client').stdout).toMatch(/^\d+: veth0 +inet6 fe80::1\/64 [^\n]*\n$/);
    expect(scoped('server').stdout).toMatch(/^\d+: veth0 +inet6 fe80::2\/64 [^\n]*\n$/);
  });

  test('has the cell’s sysctls in each of its namespaces', async () => {
    using ports = lockPorts();
    await using lab = await makeLab({ network: 'veth', sysctls: { 'net.ipv4.tcp_fin_timeout': 17 }, ports, serial: 1 });
    const read = () => readFileSync('/proc/sys/net/ipv4/tcp_fin_timeout', 'utf8').trim();
    expect(lab.spaces.map((space) => space.inside(read))).toEqual(['17', '17']);
  });

  test('has ports that no other lab has, and gives them back when it goes', async () => {
    using ports = lockPorts();
    const one = await makeLab({ network: 'loopback', sysctls: {}, ports, serial: 1 });
    await using two = await makeLab({ network: 'loopback', sysctls: {}, ports, serial: 2 });
    const taken = [one.port(), two.port(), one.port()];
    expect(new Set(taken).size).toBe(3);
    expect(one.ports).toEqual([taken[0], taken[2]]);
    await one[Symbol.asyncDispose]();
    const rest = Array.from({ length: ports.to - ports.from - 1 }, () => ports.take());
    expect(rest).toContain(taken[0]);
    expect(rest).not.toContain(taken[1]);
  });

  test('that cannot be made gives back what it took', async () => {
    using ports = lockPorts();
    const before = heldNamespaces();
    const making = makeLab({ network: 'veth', sysctls: { 'net.ipv4.tcp_none': 1 }, ports, serial: 1 });
    await expect(making).rejects.toThrow(/ENOENT/);
    expect(heldNamespaces()).toEqual(before);
  });

  test('is empty once nothing listens or is connected in it', async () => {
    using ports = lockPorts();
    await using lab = await makeLab({ network: 'loopback', sysctls: {}, ports, serial: 1 });
    const port = lab.port();
    const server = lab.space('server').inside(() => createServer().listen(port));
    expect(socketsIn(lab.space('server'))).toBe(1);
    server.close();
    expect(await lab.empty()).toEqual([]);
    expect(socketsIn(lab.space('server'))).toBe(0);
  });
});
