import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { files } from './layout.ts';
import { unfinished } from './save.ts';
import type { RunRecord } from './schema.ts';
import { sessionFinished } from './writer.ts';

/** Save that a run was interrupted, without going back to the event loop: for a process that is about to exit. */
export function interruptAtOnce(folder: string): void {
  const path = join(folder, files.run);
  const saved = JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
  if (saved.status !== 'running') return;
  writeFileSync(unfinished(path), `${JSON.stringify(sessionFinished(saved, 'interrupted'), null, 2)}\n`);
  renameSync(unfinished(path), path);
}
