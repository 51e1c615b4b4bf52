import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of the running test's own, gone after it. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lingerlab-record-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
