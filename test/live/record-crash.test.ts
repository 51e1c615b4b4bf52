import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readEvents, readRun } from '../../src/record/read.ts';
import { temporary } from '../record/temporary.ts';

const script = fileURLToPath(new URL('../record/appendCells.ts', import.meta.url));

/** Let a process save cells, kill it once it has said that so many are saved, and tell how many it said in all. */
async function killedAfter(cells: number, folder: string): Promise<number> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let saved = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    saved = Number(line);
    if (saved === cells) child.kill('SIGKILL');
  }
  expect((await exit)[1]).toBe('SIGKILL');
  return saved;
}

test.each([1, 2, 37, 400, 800])(
  'a process killed after it saved %i cells leaves all of them readable',
  async (cells) => {
    const folder = join(temporary(), 'run');
    const saved = await killedAfter(cells, folder);
    const run = await readRun(folder);
    expect(saved).toBeGreaterThanOrEqual(cells);
    expect(run).toMatchObject({ live: false, run: { status: 'interrupted' } });
    // The last may have been saved without its process living to say so.
    expect(run.cells.length - saved).toBeOneOf([0, 1]);
    expect(run.cells.map(({ repeat }) => repeat)).toEqual(run.cells.map((_, index) => index + 1));
    expect(run.run.repeats['close-order/closes=client']).toBeGreaterThanOrEqual(run.cells.length);
    expect(await readEvents(folder, 'close-order/closes=server', run.cells.length)).toHaveLength(1);
  },
  60_000,
);
