import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LingerlabError, messageOf } from '../errors.ts';
import { check } from './check.ts';
import { type Event, event as eventSchema } from './event.ts';
import { cellFolder, files, inPlanOrder } from './layout.ts';
import { type CellLines, parseCells } from './lines.ts';
import { isLive } from './live.ts';
import { type Run, type RunRecord, runRecord, type Warning } from './schema.ts';
import { type Upgrade, upgradeFrom, upgrades } from './upgrade.ts';
import { warn } from './warnings.ts';

/** A run as its folder holds it, cells in plan order. */
export interface ReadRun extends Run {
  /** Still being made. A run that says `running` and is not live is shown as `interrupted`. */
  readonly live: boolean;
  /** What was met while reading. */
  readonly warnings: readonly Warning[];
  readonly lines: CellLines;
  /** The schema version that its folder has; what was read is upgraded. */
  readonly writtenAs: number;
  /** Its cells are in cells.ndjson.gz: nothing can be appended to them. */
  readonly packed: boolean;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

async function contentsOf(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return null;
    const remedy = 'make the folder readable for this user';
    throw new LingerlabError('RUN_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, remedy, { cause });
  }
}

const unreadable = (path: string, problem: string): LingerlabError =>
  new LingerlabError(
    'RUN_UNREADABLE',
    `${path}: ${problem}`,
    'the file was edited or damaged; restore it, or run the experiments again',
  );

function parseRun(path: string, bytes: Buffer): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw unreadable(path, `not JSON: ${messageOf(cause)}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw unreadable(path, 'not a JSON object');
  return json as Record<string, unknown>;
}

function checkedRun(path: string, json: unknown): RunRecord {
  const checked = check(runRecord, json);
  if (!checked.ok) throw unreadable(path, checked.problem);
  return checked.value;
}

/** The lines of cells, and where they are: packed, where a run is kept. */
async function cellLinesOf(folder: string): Promise<{ path: string; bytes: Buffer; packed: boolean }> {
  const path = join(folder, files.cells);
  const plain = await contentsOf(path);
  const packedPath = join(folder, files.packedCells);
  const packed = plain === null ? await contentsOf(packedPath) : null;
  if (packed === null) return { path, bytes: plain ?? Buffer.alloc(0), packed: false };
  try {
    return { path: packedPath, bytes: await promisify(gunzip)(packed), packed: true };
  } catch (cause) {
    throw unreadable(packedPath, messageOf(cause));
  }
}

async function jsonOf(folder: string): Promise<{ readonly runPath: string; readonly json: Record<string, unknown> }> {
  const runPath = join(folder, files.run);
  const bytes = await contentsOf(runPath);
  if (bytes === null) {
    throw new LingerlabError(
      'RUN_NOT_FOUND',
      `${folder} holds no run: there is no ${runPath}`,
      'name the folder that `lingerlab run` printed, or that --out named',
    );
  }
  return { runPath, json: parseRun(runPath, bytes) };
}

/**
 * Read a run from its folder (or from the path of its run.json), upgraded to this program's schema.
 * @throws LingerlabError RUN_NOT_FOUND, RUN_UNREADABLE, RUN_NEWER
 */
export async function readRun(path: string, table: Readonly<Record<number, Upgrade>> = upgrades): Promise<ReadRun> {
  const folder = basename(path) === files.run ? dirname(path) : path;
  const { runPath, json } = await jsonOf(folder);
  const upgrade = upgradeFrom(json.schemaVersion, folder, table);
  const run = checkedRun(runPath, upgrade.run(json));
  const { path: cellsPath, bytes: cellBytes, packed } = await cellLinesOf(folder);
  const lines = parseCells(cellBytes, cellsPath, upgrade.cell);
  const live = isLive(run);
  // While a run is live its last line may just be on its way.
  const torn = lines.tornAt !== null && !live;
  return {
    folder,
    run: run.status === 'running' && !live ? { ...run, status: 'interrupted' } : run,
    cells: inPlanOrder(lines.cells, run.plan),
    live,
    warnings: torn ? [warn('torn-line', `the last line of ${cellsPath} is cut off; it was left out`)] : [],
    lines,
    writtenAs: Number(json.schemaVersion),
    packed,
  };
}

/**
 * A (cell, repeat)'s events in the order they were written, upgraded to this program's schema; `null` where none were kept (load
 * cells, cells that never began).
 * @throws LingerlabError RUN_NOT_FOUND, RUN_UNREADABLE, RUN_NEWER
 */
export async function readEvents(folder: string, cellId: string, repeat: number): Promise<Event[] | null> {
  const path = join(cellFolder(folder, cellId, repeat), files.events);
  const packed = await contentsOf(path);
  if (packed === null) return null;
  const { json } = await jsonOf(folder);
  const upgrade = upgradeFrom(json.schemaVersion, folder, upgrades);
  let lines: Record<string, unknown>[];
  try {
    const text = (await promisify(gunzip)(packed)).toString('utf8');
    lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  } catch (cause) {
    throw unreadable(path, messageOf(cause));
  }
  return lines.map((line, index) => {
    const checked = check(eventSchema, upgrade.event(line));
    if (!checked.ok) throw unreadable(path, `line ${index + 1}: ${checked.problem}`);
    return checked.value;
  });
}
