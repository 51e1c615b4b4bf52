import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { LingerlabError } from '../../src/errors.ts';
import { fin } from '../../src/experiment/patterns.ts';
import { makeLab } from '../../src/lab/lab.ts';
import { lockPorts } from '../../src/lab/ports.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { eventually, firstWords, networkNamespaces, ownProcesses, processes } from './processes.ts';
import { scratch } from './program.ts';
import { onWire, wiredCell } from './wire-cell.ts';

const lives = (pid: number) => processes().some((each) => each.pid === pid);
const linksOf = (space: { inside: <T>(work: () => T) => T }) =>
  space.inside(() => spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout);

onWire('what a wire leaves behind', () => {
  test('is nothing: no process, no namespace with its device and routes, no descriptor', async () => {
    // what stays open from the first time, a test runner's, is not the wire's
    await (await wiredCell())[Symbol.asyncDispose]();
    const descriptors = readdirSync('/proc/self/fd').length;
    const cell = await wiredCell();
    const names = cell.lab.spaces.map(({ inode }) => `net:[${inode}]`);
    const [near] = await cell.connect(await cell.listen(4));
    // a FIN that is held at the end keeps neither the wire nor the namespaces
    await cell.wire.hold(fin);
    await near.ask('close', { by: 'end' });
    await cell.wire.seen(fin);
    expect(lives(cell.wirePid)).toBe(true);
    expect([...networkNamespaces()]).toEqual(expect.arrayContaining(names));
    await cell[Symbol.asyncDispose]();
    expect(lives(cell.wirePid)).toBe(false);
    await eventually('the namespaces are gone', () => {
      const left = networkNamespaces();
      return names.every((name) => !left.has(name));
    });
    await eventually('the descriptors are closed', () => readdirSync('/proc/self/fd').length <= descriptors);
  });

  test('is nothing after the harness was killed, and the capture is whole', async () => {
    const capture = join(await scratch(), 'wire.pcapng');
    const script = fileURLToPath(new URL('wire-orphan.ts', import.meta.url));
    const harness = execa(process.execPath, [script, capture], { stdin: 'ignore', reject: false });
    const { pid, inodes } = JSON.parse(await firstWords(harness)) as { pid: number; inodes: number[] };
    expect(lives(pid)).toBe(true);
    harness.kill('SIGKILL');
    await eventually('the wire has ended', () => !lives(pid));
    await eventually('its namespaces are gone', () => {
      const left = networkNamespaces();
      return inodes.every((inode) => !left.has(`net:[${inode}]`));
    });
    const { packets, torn } = readPcapng(readFileSync(capture));
    expect([packets.length, torn]).toEqual([1, 0]);
  });

  test('when it is killed itself, it is its devices; who asks it is told', async () => {
    const ends: LingerlabError[] = [];
    using ports = lockPorts();
    const wire = { died: (error: LingerlabError) => void ends.push(error) };
    await using lab = await makeLab({ network: 'wire', sysctls: {}, ports, serial: 1, wire });
    expect(linksOf(lab.space('client'))).toContain('wire0');
    process.kill(lab.wire!.pid, 'SIGKILL');
    await eventually('its end is told', () => ends.length === 1);
    expect(ends[0]!.code).toBe('WIRE_DIED');
    await expect(lab.wire!.ask('statistics', {})).rejects.toThrow(/SIGKILL/);
    await eventually('the devices are gone', () => lab.spaces.every((space) => !linksOf(space).includes('wire0')));
  });

  test('that cannot be opened is nothing, and the reason is told', async () => {
    using ports = lockPorts();
    const before = ownProcesses().filter(({ command }) => command.includes('/wire/main.cjs')).length;
    const wire = { settings: { wallNs: '0', capture: '/nowhere/wire.pcapng' } };
    const making = makeLab({ network: 'wire', sysctls: {}, ports, serial: 1, wire });
    await expect(making).rejects.toMatchObject({ code: 'WIRE_REFUSED', message: expect.stringContaining('ENOENT') });
    const after = ownProcesses().filter(({ command }) => command.includes('/wire/main.cjs')).length;
    expect(after).toBeLessThanOrEqual(before);
  });
});
