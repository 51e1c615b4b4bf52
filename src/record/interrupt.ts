import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { files } from './layout.ts';
import { unfinished } from './save.ts';
import type { RunRecord } from './schema.ts';

/** A run's record with its last session closed. */
export const sessionFinished = (run: RunRecord, status: RunRecord['status']): RunRecord => {
  const open = (index: number) => index === run.sessions.length - 1 && run.sessions[index]?.finishedAt === null;
  const finishedAt = new Date().toISOString();
  const sessions = run.sessions.map((session, index) => (open(index) ? { ...session, finishedAt } : session));
  return { ...run, status, sessions };
};

/** Save that a run was interrupted, without going back to the event loop: for a process that is about to exit. */
export function interruptAtOnce(folder: string): void {
  const path = join(folder, files.run);
  const saved = JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
  if (saved.status !== 'running') return;
  const temporary = unfinished(path);
  writeFileSync(temporary, `${JSON.stringify(sessionFinished(saved, 'interrupted'), null, 2)}\n`);
  renameSync(temporary, path);
}
