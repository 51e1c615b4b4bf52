import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { leftSince, traceInstances } from './instances.ts';
import { descendants, eventually, networkNamespaces, processes } from './processes.ts';
import { lingerlab, own, scratch } from './program.ts';

/** What a run must not leave: looked at before it and after it. `of`: whose; by default all of this test file. */
export async function left(of?: () => ReturnType<typeof processes>): Promise<() => Promise<void>> {
  const [namespaces, instances] = [networkNamespaces(of?.()), await traceInstances()];
  return async () => {
    await eventually('every namespace of the run is gone', () => networkNamespaces(of?.()).isSubsetOf(namespaces));
    expect(await leftSince(instances)).toEqual([]);
  };
}

/** Whether none of these processes is left. */
export const gone = (pids: readonly number[]) => processes().filter(({ pid }) => pids.includes(pid)).length === 0;

/** A run of cells that rest, all but the first in their middle, until `release()` or for a minute. */
export async function atRest(out: string, env: Readonly<Record<string, string>> = {}) {
  const released = join(await scratch(), 'released');
  const run = lingerlab(['run', own('resting'), '--out', out], {
    env: { ...env, LINGERLAB_TEST_RELEASE: released },
  });
  const pid = run.pid as number;
  const isOpen = (n: number) => existsSync(`${released}-${n}`);
  await eventually(
    'one cell has finished and two are waiting',
    () =>
      existsSync(join(out, 'cells.ndjson')) &&
      readFileSync(join(out, 'cells.ndjson'), 'utf8').includes('resting/n=1') &&
      isOpen(2) &&
      isOpen(3),
    // less than cells rest
    50,
  );
  return { run, pid, family: descendants(pid), release: () => writeFile(released, '') };
}
