import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenCpu } from '../../src/native/cpu.ts';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, scratch } from './program.ts';

live('what a run costs', () => {
  test('is what the kernel says that its processes used, and a short cell its share of it', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const before = childrenCpu();
    const { exitCode, stdout } = await lingerlab([
      'run',
      'linger',
      '--where',
      'linger=0',
      '--where',
      'by=destroy',
      // side by side they wait for each other: longer than a short cell on a slow machine
      '--jobs',
      '1',
      '--out',
      out,
    ]);
    const kernel = childrenCpu() - before;
    expect(exitCode, stdout).toBe(0);
    const { run, cells } = await readRun(out);
    const { short, harness, observers, peers } = run.sessions[0]!.cpu!;
    const said = harness + observers + peers;
    expect(said).toBeLessThanOrEqual(kernel);
    // not in it: what came after the session, that is reading the run again, the report, and the observer's end
    expect(said).toBeGreaterThan(kernel * 0.7);
    const under = cells.filter(({ seconds }) => seconds < 1);
    expect(under.length).toBeGreaterThan(cells.length / 2);
    expect(short!.results).toBe(under.length);
    const whole = (short!.harness + short!.observers + short!.peers) * cells.length;
    expect(whole).toBeLessThan(said);
    // not in it: the program's and the observer's start
    expect(whole).toBeGreaterThan(said * 0.5);
    expect(stdout).toContain('a short cell: ');
  });
});
