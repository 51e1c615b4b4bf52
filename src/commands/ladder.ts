import { LingerlabError } from '../errors.ts';
import type { CellRecord, Run } from '../record/schema.ts';
import { didYouMean } from '../text/nearest.ts';

/**
 * The result of a cell whose ladder is asked for: the first of its repeats that ran over a wire.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION where no wire carried its segments
 */
export function ladderCell({ folder, cells }: Run, id: string): CellRecord {
  const own = cells.filter((cell) => cell.id === id);
  const wired = cells.filter(({ segments = [] }) => segments.length > 0);
  if (own.length === 0) {
    const near = didYouMean(
      id,
      cells.map((cell) => cell.id),
    );
    throw new LingerlabError(
      'UNKNOWN_CELL',
      `${folder} has no result of cell "${id}"${near}`,
      'name a cell as `jq -r .id cells.ndjson` in that folder lists it',
    );
  }
  const found = own.find((cell) => wired.includes(cell));
  if (found) return found;
  const [example] = wired;
  throw new LingerlabError(
    'BAD_OPTION',
    `--ladder: no wire carried the segments of "${id}", so no capture says what they were`,
    example
      ? `name a cell that ran over a wire, for example ${example.id}`
      : 'name a run with a cell that ran over a wire',
  );
}
