import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, inject } from 'vitest';
import { describeWhere } from '../where-possible.ts';
import { bin } from './bin.ts';

export { bin } from './bin.ts';

const started: { kill(signal: NodeJS.Signals): boolean }[] = [];
// here, for the file that imports this: inside a test it would come too late. A test that failed may leave its program at work
afterAll(() => {
  for (const each of started) each.kill('SIGKILL');
});

/** Run `lingerlab` with these arguments; never rejects. It does not outlive the test file. */
export const lingerlab = (args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) => {
  const run = execa(process.execPath, [bin, ...args], { reject: false, stdin: 'ignore', ...options });
  started.push(run);
  return run;
};

/** Tests that need namespaces and tracepoints. */
export const live = (title: string, tests: () => void): void =>
  describeWhere(inject('obstacles') || undefined, title, tests);

/** The same, all at once: tests that mostly wait. */
export const liveAtOnce = (title: string, tests: () => void): void =>
  describeWhere(inject('obstacles') || undefined, title, tests, { concurrent: true });

const made: string[] = [];
afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

/** A folder outside the repository that goes with the test file. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lingerlab-live-'));
  made.push(folder);
  return folder;
}

/** The path of an experiment in experiments/, as a user gives it. */
export const own = (name: string): string => fileURLToPath(new URL(`experiments/${name}.ts`, import.meta.url));

/** Write an experiment of a user's own; its path. */
export async function experimentFile(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The middle of a definition that is the same in many tests. */
export const plainRest = `claims: [], answer: () => 'as asked'`;
