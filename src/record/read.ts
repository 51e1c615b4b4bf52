import { access, constants } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import { LingerlabError, messageOf } from '../errors.ts';
import { type Checked, check } from './check.ts';
import { type Event, event as eventSchema } from './event.ts';
import { cellFolder, files, inPlanOrder } from './layout.ts';
import { type CellLines, parseCells } from './lines.ts';
import { isLive } from './live.ts';
import { NotRegular, openRegular, readPieces, readRegular } from './regular.ts';
import { type CellRecord, type Run, type RunRecord, runRecord, type Verdict, type Warning } from './schema.ts';
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

/** What `read` reads of a file; null where there is no such file. */
async function readIfThere<T>(path: string, read: (path: string) => Promise<T>): Promise<T | null> {
  try {
    return await read(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return null;
    if (cause instanceof LingerlabError) throw cause;
    const remedy =
      cause instanceof NotRegular
        ? 'put the file of the run back in its place'
        : 'make the folder readable for this user';
    throw new LingerlabError('RUN_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, remedy, { cause });
  }
}

const contentsOf = (path: string): Promise<Buffer | null> => readIfThere(path, readRegular);

const isThere = async (path: string): Promise<boolean> =>
  (await readIfThere(path, async (each) => {
    await access(each, constants.R_OK);
    return true;
  })) ?? false;

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

/** A whole run of the default matrix has 20 MB. */
const mostUnpacked = 2 ** 30;

/** What a packed file has; null where it is not there. */
async function unpackedOf(path: string): Promise<Buffer | null> {
  const packed = await contentsOf(path);
  if (packed === null) return null;
  try {
    return await promisify(gunzip)(packed, { maxOutputLength: mostUnpacked });
  } catch (cause) {
    throw unreadable(path, messageOf(cause));
  }
}

type ReadCells = (pieces: AsyncIterable<Buffer> | Iterable<Buffer>, path: string) => Promise<CellLines>;

/** The lines of cells, and where they are: packed, where a run is kept; none where neither file is there. */
async function cellLinesOf(
  folder: string,
  read: ReadCells,
): Promise<{ path: string; lines: CellLines; packed: boolean }> {
  const path = join(folder, files.cells);
  const plain = await readIfThere(path, (each) => read(readPieces(each), each));
  if (plain) return { path, lines: plain, packed: false };
  const packedPath = join(folder, files.packedCells);
  const packed = await unpackedOf(packedPath);
  if (packed === null) return { path, lines: await read([], path), packed: false };
  return { path: packedPath, lines: await read([packed], packedPath), packed: true };
}

async function jsonOf(folder: string): Promise<{ readonly runPath: string; readonly json: Record<string, unknown> }> {
  const plain = join(folder, files.run);
  const packed = join(folder, files.packedRun);
  const contents = await contentsOf(plain);
  const bytes = contents ?? (await unpackedOf(packed));
  const runPath = contents === null && bytes !== null ? packed : plain;
  if (bytes === null) {
    throw new LingerlabError(
      'RUN_NOT_FOUND',
      `${folder} holds no run: there is no ${runPath}`,
      'name the folder that `lingerlab run` printed, or that --out named',
    );
  }
  return { runPath, json: parseRun(runPath, bytes) };
}

function doubledText(path: string, [first = '', ...others]: readonly string[]): string {
  const [id, repeat] = first.split(' ');
  const more = others.length > 0 ? `, and ${others.length} others,` : '';
  return `${path} has several results of repeat ${repeat} of ${id}${more} that ran; the last was read`;
}

async function upgradedRun(
  path: string,
  table: Readonly<Record<number, Upgrade>>,
): Promise<Pick<Run, 'folder' | 'run'> & { readonly upgrade: Upgrade; readonly json: Record<string, unknown> }> {
  const folder = basename(path) === files.run || basename(path) === files.packedRun ? dirname(path) : path;
  const { runPath, json } = await jsonOf(folder);
  const upgrade = upgradeFrom(json.schemaVersion, folder, table);
  return { folder, run: checkedRun(runPath, upgrade.run(json)), upgrade, json };
}

/** What a run concluded, without its cells. */
export type Conclusions = Pick<ReadRun, 'folder' | 'run' | 'packed'>;

/**
 * Reads run.json alone, upgraded to this program's schema.
 * @throws LingerlabError RUN_NOT_FOUND, RUN_UNREADABLE, RUN_NEWER
 */
export async function readConclusions(path: string): Promise<Conclusions> {
  const { folder, run } = await upgradedRun(path, upgrades);
  return { folder, run, packed: !(await isThere(join(folder, files.cells))) };
}

/**
 * Read a run from its folder (or from the path of its run.json), upgraded to this program's schema.
 * @throws LingerlabError RUN_NOT_FOUND, RUN_UNREADABLE, RUN_NEWER
 */
export async function readRun(path: string, table: Readonly<Record<number, Upgrade>> = upgrades): Promise<ReadRun> {
  const { folder, run, upgrade, json } = await upgradedRun(path, table);
  const declared = new Map(run.experiments.map(({ id, facts }) => [id, new Map(Object.entries(facts))]));
  const {
    path: cellsPath,
    lines,
    packed,
  } = await cellLinesOf(folder, (pieces, from) => parseCells(pieces, from, upgrade.cell, (id) => declared.get(id)));
  const live = isLive(run);
  // While a run is live its last line may just be on its way.
  const { doubled } = lines;
  const torn = lines.tornAt !== null && !live;
  return {
    folder,
    run: run.status === 'running' && !live ? { ...run, status: 'interrupted' } : run,
    cells: inPlanOrder(lines.cells, run.plan),
    live,
    warnings: [
      ...(torn ? [warn('torn-line', `the last line of ${cellsPath} is cut off; it was left out`)] : []),
      ...(doubled.length > 0 ? [warn('doubled-line', doubledText(cellsPath, doubled))] : []),
      ...otherResults(run, lines.cells, cellsPath),
    ],
    lines,
    writtenAs: Number(json.schemaVersion),
    packed,
  };
}

/**
 * A warning where a run concluded from other results than the folder has: a line went, or a verdict was changed. Headlines, findings and
 * verdicts are then those of the results that were there.
 */
function otherResults({ status, experiments }: Run['run'], cells: readonly CellRecord[], path: string): Warning[] {
  if (status !== 'complete') return [];
  const counted = new Map<string, number>();
  const keyOf = (experiment: string, claim: string, verdict: Verdict) => `${experiment}/${claim} ${verdict}`;
  for (const { experiment, status: fate, claims } of cells)
    for (const { id, verdict } of fate === 'ran' ? claims : []) {
      const key = keyOf(experiment, id, verdict);
      counted.set(key, (counted.get(key) ?? 0) + 1);
    }
  const judged = experiments.flatMap(({ id, claims }) => claims.flatMap((each) => (each.across ? [] : [{ id, each }])));
  const others = judged.filter(({ id, each }) =>
    Object.entries(each.cells).some(
      ([verdict, count]) => (counted.get(keyOf(id, each.id, verdict as Verdict)) ?? 0) !== count,
    ),
  );
  const [first] = others;
  if (!first) return [];
  return [
    warn(
      'other-results',
      `of ${others.length} of ${judged.length} claims, run.json counts other verdicts than ${path} has, first of ${first.id}: ${first.each.id}. Headlines, findings and verdicts rest on results that are not there`,
    ),
  ];
}

/** The lines of a packed file, one after the other: it may be many times as long as its memory. */
async function* unpackedLines(path: string): AsyncGenerator<string> {
  const unpacked = createGunzip();
  // how it ended is what the loop throws
  const file = await openRegular(path);
  pipeline(file.createReadStream(), unpacked, () => undefined);
  let rest = '';
  for await (const piece of unpacked.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function parsedEvent(line: string, upgrade: Upgrade): Checked<Event> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    return { ok: false, problem: `not JSON: ${messageOf(cause)}` };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return { ok: false, problem: 'is not an event' };
  return check(eventSchema, upgrade.event(json as Record<string, unknown>));
}

/**
 * A (cell, repeat)'s events in the order they were written, upgraded to this program's schema: read anew by each call, one after the
 * other. `null` where none were kept (load cells, cells that never began).
 * @throws LingerlabError RUN_NOT_FOUND, RUN_NEWER; the events: RUN_UNREADABLE, naming the line
 */
export async function openEvents(
  folder: string,
  cellId: string,
  repeat: number,
): Promise<(() => AsyncGenerator<Event>) | null> {
  const path = join(cellFolder(folder, cellId, repeat), files.events);
  if (!(await isThere(path))) return null;
  const { json } = await jsonOf(folder);
  const upgrade = upgradeFrom(json.schemaVersion, folder, upgrades);
  return async function* events() {
    let number = 0;
    try {
      for await (const line of unpackedLines(path)) {
        number += 1;
        if (line === '') continue;
        const checked = parsedEvent(line, upgrade);
        if (!checked.ok) throw unreadable(path, `line ${number}: ${checked.problem}`);
        yield checked.value;
      }
    } catch (cause) {
      if (cause instanceof LingerlabError) throw cause;
      throw unreadable(path, `behind line ${number}: ${messageOf(cause)}`);
    }
  };
}

/** All of {@link openEvents} at once. */
export async function readEvents(folder: string, cellId: string, repeat: number): Promise<Event[] | null> {
  const events = await openEvents(folder, cellId, repeat);
  return events && (await Array.fromAsync(events()));
}
