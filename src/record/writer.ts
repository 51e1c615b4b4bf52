import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { z } from 'zod';
import { check } from './check.ts';
import type { Event } from './event.ts';
import { sessionFinished } from './interrupt.ts';
import { cellFolder, cellKey, files } from './layout.ts';
import { notWritable, oneAtATime, openLines, replaceFile } from './save.ts';
import { type CellRecord, cellRecord, type RunRecord, runRecord } from './schema.ts';

/** Saves a run while it goes on: at any moment the folder is readable, and holds every cell that was appended. */
export interface RunWriter extends AsyncDisposable {
  readonly folder: string;
  /** run.json as it was saved last. */
  readonly run: RunRecord;
  /** Save a finished (cell, repeat); its empty logs go. Write its events first: a cell in cells.ndjson has all its files. */
  appendCell(record: CellRecord): Promise<void>;
  writeEvents(cellId: string, repeat: number, events: readonly Event[]): Promise<void>;
  /** The folder of a (cell, repeat), made, and emptied of what an earlier session left. */
  cellFolder(cellId: string, repeat: number): string;
  /** Where the wire's capture goes. */
  capture(cellId: string, repeat: number): string;
  /** Where a peer's output goes. */
  peerLog(cellId: string, repeat: number, peer: string): string;
  /** Save run.json with these changes. */
  update(change: Partial<RunRecord> | ((run: RunRecord) => RunRecord)): Promise<void>;
  /** Close the session; nothing is appended after it. Disposing the writer of a run that still says `running` finishes it as `interrupted`. */
  finish(status: 'complete' | 'interrupted'): Promise<void>;
}

/** What is saved must be readable again: a NaN, for one, would come back as null, "not observed". */
function sound<T>(schema: z.ZodType<T>, value: T, name: string): T {
  const checked = check(schema, value);
  if (!checked.ok) throw new TypeError(`${name} does not fit its schema: ${checked.problem}`);
  return checked.value;
}

/** A run as it is read again. */
const soundRun = (run: RunRecord): RunRecord => sound(runRecord, run, files.run);
const runText = (run: RunRecord): string => `${JSON.stringify(run, null, 2)}\n`;

/** run.json's text. */
export const formatRun = (run: RunRecord): string => runText(soundRun(run));

const ndjson = (events: readonly Event[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');

/** Remove the folder's empty logs, then every folder that this left empty, up to the run's; the names of what is left. */
function tidy(folder: string, top: string): string[] {
  const left: string[] = [];
  try {
    for (const name of readdirSync(folder).toSorted()) {
      const path = join(folder, name);
      if (name.endsWith('.log') && statSync(path).size === 0) rmSync(path);
      else left.push(name);
    }
    for (let path = folder; path !== top; path = dirname(path)) rmdirSync(path);
  } catch {
    // No folder, or one that is not empty.
  }
  return left;
}

/** The folders of cells at work; made synchronously, so that no two of them are half made or half removed at once. */
function cellFolders(top: string): RunWriter['cellFolder'] {
  const begun = new Set<string>();
  return (cellId, repeat) => {
    const path = cellFolder(top, cellId, repeat);
    try {
      if (!begun.has(cellKey(cellId, repeat))) rmSync(path, { recursive: true, force: true });
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      throw notWritable(path, cause);
    }
    begun.add(cellKey(cellId, repeat));
    return path;
  };
}

/** A writer for a folder whose run.json holds `saved`. @throws LingerlabError RUN_NOT_WRITABLE, as do its methods */
export async function openWriter(folder: string, saved: RunRecord): Promise<RunWriter> {
  let run = saved;
  let finished: Promise<void> | null = null;
  const inOrder = oneAtATime();
  const lines = await openLines(join(folder, files.cells));
  const folderOf = cellFolders(folder);
  const update: RunWriter['update'] = (change) =>
    inOrder(async () => {
      const next = soundRun(typeof change === 'function' ? change(run) : { ...run, ...change });
      await replaceFile(join(folder, files.run), runText(next));
      run = next;
    });
  const close = async (status: RunRecord['status']): Promise<void> => {
    try {
      await update((last) => sessionFinished(last, status));
    } finally {
      await lines.close();
    }
  };
  const finish: RunWriter['finish'] = (status) => (finished ??= close(status));
  return {
    folder,
    get run() {
      return run;
    },
    appendCell: async (record) => {
      const own = tidy(cellFolder(folder, record.id, record.repeat), folder);
      const whole = { ...record, ...(own.length > 0 && { files: own }) };
      const line = JSON.stringify(sound(cellRecord, whole, `the record of ${record.id}`));
      await inOrder(() => lines.append(line));
    },
    writeEvents: async (cellId, repeat, events) =>
      replaceFile(join(folderOf(cellId, repeat), files.events), await promisify(gzip)(ndjson(events))),
    cellFolder: folderOf,
    capture: (cellId, repeat) => join(folderOf(cellId, repeat), files.capture),
    peerLog: (cellId, repeat, peer) => join(folderOf(cellId, repeat), `${peer.replace(/[^\w.+-]/g, '_')}.log`),
    update,
    finish,
    [Symbol.asyncDispose]: async () => {
      // Who called finish has heard of its failure; a second telling would hide the first error.
      if (finished) await finished.catch(() => {});
      else if (run.status === 'running') await finish('interrupted');
      else await lines.close();
    },
  };
}
