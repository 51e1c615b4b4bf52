import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/errors.ts';
import { makeSpace, type Space } from '../../src/lab/space.ts';
import { describeWhere } from '../where-possible.ts';

function whyNot(): string | undefined {
  try {
    makeSpace('probe')[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
const reason = whyNot();

/** Tests that need network namespaces and nothing more. */
export const inNamespaces = (title: string, tests: () => void): void => describeWhere(reason, title, tests);

/** Run a script of this folder inside a namespace: what it printed, as JSON. Throws with what it wrote where it fails. */
export function runInside<Printed>(space: Space, script: string): Printed {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status, stdout, stderr } = space.inside(() => spawnSync(process.execPath, [path], { encoding: 'utf8' }));
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return JSON.parse(stdout) as Printed;
}
