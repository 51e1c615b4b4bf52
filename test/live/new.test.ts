import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, scratch } from './program.ts';

live('the file that `new` writes', () => {
  test('passes `check` without a remark, and runs with its claim confirmed', async () => {
    const cwd = await scratch();
    const written = await lingerlab(['new', 'first-try'], { cwd });
    expect(written).toMatchObject({ exitCode: 0, stderr: '' });
    const next = [...written.stdout.matchAll(/^ {2}lingerlab (.*)$/gm)].map(([, line = '']) => line.split(' '));
    expect(next.map(([command]) => command)).toEqual(['check', 'run']);
    const [check = [], run = []] = next;
    expect(await lingerlab(check, { cwd })).toMatchObject({ exitCode: 0, stdout: './first-try.ts: fits', stderr: '' });
    const out = join(cwd, 'run');
    expect(await lingerlab([...run, '--out', out], { cwd })).toMatchObject({ exitCode: 0 });
    const { run: saved } = await readRun(out);
    expect(saved.experiments).toMatchObject([
      { id: 'first-try', claims: [{ verdict: 'confirmed', cells: { confirmed: 2, refuted: 0, inconclusive: 0 } }] },
    ]);
  });
});
