import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CellRecord, RunRecord } from './schema.ts';

/** A run folder's files: contract with programs that read them. */
export const files = {
  run: 'run.json',
  cells: 'cells.ndjson',
  /** The same, as a run that is kept has them. */
  packedRun: 'run.json.gz',
  packedCells: 'cells.ndjson.gz',
  cellFolders: 'cells',
  events: 'events.ndjson.gz',
  capture: 'wire.pcapng',
} as const;

/** File systems allow 255 bytes in a name; the rest is room for what editors and archivers append. */
const longestName = 200;

function fitting(name: string): string {
  if (Buffer.byteLength(name) <= longestName) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, longestName - digest.length - 1)}~${digest}`;
}

/** Where a (cell, repeat) keeps its record: `cells/<experiment>/<factors or _>/<repeat>`; over-long factors end in a digest. */
export function cellFolder(folder: string, cellId: string, repeat: number): string {
  const [experiment = '', ...rest] = cellId.split('/');
  return join(folder, files.cellFolders, experiment, fitting(rest.join('/') || '_'), String(repeat));
}

/** One (cell, repeat) as a key of sets and maps. */
export const cellKey = (id: string, repeat: number): string => `${id} ${repeat}`;

/** The repeats of a planned cell, counted from 1. */
export const repeatsOf = (run: RunRecord, id: string): number[] =>
  Array.from({ length: run.repeats[id] ?? 1 }, (_, index) => index + 1);

/** Cells in the order of the plan, then of repeats, however they finished; cells that the plan doesn't name come last. */
export function inPlanOrder(cells: readonly CellRecord[], plan: readonly string[]): CellRecord[] {
  const places = new Map(plan.map((id, place) => [id, place]));
  const placeOf = (cell: CellRecord) => places.get(cell.id) ?? plan.length;
  return cells.toSorted((a, b) => placeOf(a) - placeOf(b) || a.repeat - b.repeat);
}
