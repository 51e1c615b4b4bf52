import { LingerlabError } from '../errors.ts';
import type { CellRecord, Run } from '../record/schema.ts';
import { resultsOf } from './which-cell.ts';

/**
 * The result of a cell whose ladder is asked for: the first of its repeats that ran over a wire.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION where no wire carried its segments
 */
export function ladderCell(run: Run, name: string): CellRecord {
  const { cells } = run;
  const own = resultsOf(run, name);
  const wired = cells.filter(({ segments = [] }) => segments.length > 0);
  const found = own.find((cell) => wired.includes(cell));
  if (found) return found;
  const [example] = wired;
  throw new LingerlabError(
    'BAD_OPTION',
    `--ladder: "${own[0]?.id}" did not run over a wire, so there is no capture to draw`,
    example
      ? `name a cell that ran over a wire, for example ${example.id}`
      : 'name a run with a cell that ran over a wire',
  );
}
