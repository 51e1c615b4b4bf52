import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { entryPoint } from '../../src/process/entry.ts';
import { bin } from './bin.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why this machine shows no live test; empty where it can. */
    obstacles: string;
  }
}

interface Found {
  readonly able: boolean;
  readonly privileged: boolean;
  readonly findings: readonly { readonly id: string; readonly ok: boolean; readonly found: string }[];
}

/**
 * Bundles what the program starts, since tests run it as users who may not write to the checkout, and asks once what the machine
 * can do.
 */
export async function setup(project: TestProject): Promise<void> {
  entryPoint('peers/main');
  const { stdout } = await execa(process.execPath, [bin, 'doctor', '--json'], { stdin: 'ignore' });
  const { able, privileged, findings } = JSON.parse(stdout) as Found;
  const suffices = able && privileged && findings.every(({ id, ok }) => id !== 'tracefs' || ok);
  const reasons = findings.filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`);
  project.provide('obstacles', suffices ? '' : reasons.join('; '));
}
