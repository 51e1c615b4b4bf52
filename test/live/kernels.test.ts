import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, inject, test } from 'vitest';
import { cacheFolder } from '../../src/kernels/cache.ts';
import { systemPath } from '../../src/kernels/tools.ts';
import { readRun } from '../../src/record/read.ts';
import { describeWhere } from '../where-possible.ts';
import { lingerlab, scratch } from './program.ts';

/** A series that the mirror is sure to have: the system's own is among those that get security updates. */
const series = '6.1';
const programs = ['qemu-system-x86_64', 'busybox', 'depmod', 'mke2fs', 'debugfs', 'dpkg-deb'];

/** Why no kernel can be booted here. */
async function obstacle(): Promise<string | undefined> {
  if (inject('obstacles')) return inject('obstacles');
  if (!process.env.KERNELS)
    return 'it takes 2 minutes of CPU: KERNELS=1 make live ARGS=test/live/kernels.test.ts boots one';
  if (process.arch !== 'x64') return `no kernels are fetched for ${process.arch}`;
  const folders = systemPath().split(':');
  const missing = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) return `no ${missing.join(', ')}: make test installs them as root`;
  const fetched = await lingerlab(['kernels', 'fetch', series]);
  return fetched.exitCode === 0 ? undefined : `no kernel ${series}: ${fetched.stderr.trim().split('\n')[0]}`;
}

/** QEMU processes whose disk is in our cache. */
async function guests(): Promise<string[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid,args'], { env: { COLUMNS: '1000' } });
  return stdout.split('\n').filter((line) => line.includes('qemu-system') && line.includes(cacheFolder()));
}

const cells = [
  'close-order/closes=client,by=end,data=idle,family=4,node=default',
  'close-order/closes=server,by=end,data=idle,family=4,node=default',
  'lost-last-ack/lost=once,left=ss-K,second=close,family=4',
];

describeWhere(await obstacle(), 'another kernel', () => {
  test('boots, runs cells in virtual time, and its run is a run like any other', { timeout: 900_000 }, async () => {
    const folder = await scratch();
    const out = join(folder, 'kernels');
    const ran = await lingerlab(['kernels', 'run', series, '--out', out, '--json', '--', ...cells]);
    expect(ran.stderr).not.toContain('INTERNAL');
    const { kernels } = JSON.parse(ran.stdout) as { kernels: { folder: string; release: string; outcome: unknown }[] };
    const [kernel] = kernels;
    expect(kernel).toMatchObject({
      outcome: { outcome: 'ended', code: 0 },
      results: { ran: 3, errored: 0, refuted: 0 },
    });
    expect(ran.exitCode).toBe(0);
    const { run, cells: results } = await readRun(kernel!.folder);
    expect(run.status).toBe('complete');
    expect(run.sessions[0]?.environment).toMatchObject({
      kernel: kernel!.release,
      accelerator: 'tcg',
      clockRule: 'virtual',
      virtualization: 'qemu',
      cores: 1,
      cost: { instructions: { open: expect.any(Number), 'close-linger-0': expect.any(Number) } },
    });
    const { open = 0, 'close-linger-0': reset = 0 } = run.sessions[0]?.environment.cost?.instructions ?? {};
    // 42,700 and 18,800 on 6.1.192
    expect(open).toBeGreaterThan(reset);
    const ordered = results.filter(({ experiment }) => experiment === 'close-order');
    expect(new Set(ordered.map(({ facts }) => facts['timeWait.holder']))).toEqual(new Set(['client', 'server']));
    expect(await readdir(kernel!.folder)).toEqual(expect.arrayContaining(['report.md', 'cells.ndjson', 'console.log']));
    expect(await readFile(join(kernel!.folder, 'console.log'), 'utf8')).toContain('lingerlab-guest: ended 0');
    expect(await guests()).toEqual([]);
    expect(await readdir(join(cacheFolder(), 'working'))).toEqual([]);
  });

  test('a kernel that panics is told from one that is lost; git bisect skips it', { timeout: 300_000 }, async () => {
    const folder = await scratch();
    const { stdout } = await lingerlab(['kernels', 'list', '--json']);
    const { fetched } = JSON.parse(stdout) as { fetched: { series: string; image: string }[] };
    const image = fetched.find((each) => each.series === series)!.image;
    const own = ['--kernel', image, '--append', 'root=/dev/nothing', '--out', join(folder, 'own')];
    const ran = await lingerlab(['kernels', 'run', ...own, '--', cells[0]!]);
    expect(ran.stdout).toContain('panicked before it had booted: VFS: Unable to mount root fs');
    expect(ran.exitCode).toBe(125);
  });
});
