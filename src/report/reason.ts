import type { CellRecord } from '../record/schema.ts';

/** Why a cell did not run: `STEP_DEADLINE: …` of one that errored; of one that this machine cannot run, with the remedy. */
export function reasonText({ status, reason }: Pick<CellRecord, 'status' | 'reason'>): string {
  if (!reason) return 'no reason was recorded';
  const { code, message, remedy } = reason;
  if (status === 'unsupported') return remedy === undefined ? message : `${message}; ${remedy}`;
  return code === undefined ? message : `${code}: ${message}`;
}
