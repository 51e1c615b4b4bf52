import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { makeSpace, type Space } from '../../src/lab/space.ts';

function whyNot(): string | undefined {
  try {
    makeSpace('probe')[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
const reason = whyNot();

/** Tests that need network namespaces and nothing more: skipped, with the reason in their title, where none can be made. */
export function inNamespaces(title: string, tests: () => void): void {
  if (reason === undefined) return void describe(title, tests);
  process.stderr.write(`skipped: ${title}: ${reason}\n`);
  describe.skip(`${title} (skipped: ${reason})`, tests);
}

/** Run a script of this folder inside a namespace: what it printed, as JSON. Throws with what it wrote where it fails. */
export function runInside<Printed>(space: Space, script: string): Printed {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status, stdout, stderr } = space.inside(() => spawnSync(process.execPath, [path], { encoding: 'utf8' }));
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return JSON.parse(stdout) as Printed;
}
