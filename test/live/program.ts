import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe } from 'vitest';
import { packageRoot } from '../../src/record/tool.ts';

/** The command, as a user starts it. */
export const bin = join(packageRoot(), 'src', 'bin.js');

/** Run `lingerlab` with these arguments; never rejects. */
export const lingerlab = (args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) =>
  execa(process.execPath, [bin, ...args], { reject: false, stdin: 'ignore', ...options });

const { stdout } = await lingerlab(['doctor', '--json']);
const found = JSON.parse(stdout) as {
  able: boolean;
  privileged: boolean;
  findings: { id: string; ok: boolean; found: string }[];
};
const reasons = found.findings.filter(({ ok }) => !ok).map(({ id, found: what }) => `${id}: ${what}`);

/** Tests that need namespaces and tracepoints: skipped, with the reason in their title, where this machine lacks them. */
export const live: (title: string, tests: () => void) => void =
  found.able && found.privileged && found.findings.every(({ id, ok }) => id !== 'tracefs' || ok)
    ? (title, tests) => void describe(title, tests)
    : (title, tests) => {
        process.stderr.write(`skipped: ${title}: ${reasons.join('; ')}\n`);
        describe.skip(`${title} (skipped: ${reasons.join('; ')})`, tests);
      };

const made: string[] = [];
// here, for the file that imports this: inside a test it would come too late
afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

/** A folder outside the repository that goes with the test file. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lingerlab-live-'));
  made.push(folder);
  return folder;
}

/** Write an experiment of a user's own; its path. */
export async function experimentFile(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The middle of a definition that is the same in many tests. */
export const plainRest = `claims: [], answer: () => 'as asked'`;
