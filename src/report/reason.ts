import type { CellRecord } from '../record/schema.ts';

/** Why a cell did not run: `SCENARIO_THREW: … (/home/me/mine.ts:12)` of one that errored; of one that this machine cannot run, with the remedy. */
export function reasonText({ status, reason }: Pick<CellRecord, 'status' | 'reason'>): string {
  if (!reason) return 'no reason was recorded';
  const { code, message, remedy, file, line } = reason;
  if (status === 'unsupported') return remedy === undefined ? message : `${message}; ${remedy}`;
  const where = file === undefined || line === undefined ? '' : ` (${file}:${line})`;
  return `${code === undefined ? '' : `${code}: `}${message}${where}`;
}
