import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { packageRoot } from '../../src/record/tool.ts';
import { lingerlab, live, scratch } from './program.ts';

const make = (...args: string[]) =>
  execa('make', ['reference', ...args], { cwd: packageRoot(), reject: false, stdin: 'ignore' });

live('make reference', () => {
  test('keeps a packed run, which report and compare read like any other', async () => {
    const kept = join(await scratch(), 'kept');
    const { exitCode, stdout, stderr } = await make('ARGS=time-wait-limit', `kept=${kept}`);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`kept in ${kept}: `);
    expect((await readdir(kept)).sort()).toEqual(['cells.ndjson.gz', 'report', 'report.md', 'run.json.gz']);
    expect((await readRun(kept)).cells).toHaveLength(16);
    const report = await readFile(join(kept, 'report.md'), 'utf8');
    const beside = await readdir(join(kept, 'report'));
    const linked = [...report.matchAll(/\]\(report\/([^)#]+)/g)].map(([, name]) => name);
    expect(linked.length).toBeGreaterThan(0);
    expect(beside).toEqual(expect.arrayContaining(linked));
    await writeFile(join(kept, 'report.md'), '');
    await writeFile(join(kept, 'report', 'old.svg'), '');
    expect((await lingerlab(['report', kept])).exitCode).toBe(0);
    expect(await readFile(join(kept, 'report.md'), 'utf8')).toBe(report);
    expect(await readdir(join(kept, 'report'))).toEqual(beside);
    const { stdout: compared } = await lingerlab(['compare', kept, kept]);
    expect(compared).toContain('No difference in');
  });

  test('keeps nothing, and says so, where it would take more than it may', async () => {
    const kept = join(await scratch(), 'kept');
    await mkdir(kept);
    await writeFile(join(kept, 'before'), '');
    const { exitCode, stderr } = await make('ARGS=handshake --quick', `kept=${kept}`, 'most=1000');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/not kept: it takes \d+ bytes, more than 1000:\n +\d+ cells.ndjson.gz/);
    expect(await readdir(kept)).toEqual(['before']);
  });
});
