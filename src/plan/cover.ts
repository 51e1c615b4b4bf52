import type { PlannedCell } from './cells.ts';

const pairsOf = (cell: PlannedCell): string[] =>
  Object.entries(cell.factors).map(([name, value]) => `${name}=${value}`);

/**
 * A small part of one experiment's cells in which every factor value of theirs occurs: each time the cell with the most
 * values not yet seen, of equals the quickest, of those the first; then without those that the later ones made needless.
 * In the order given.
 */
export function cover(cells: readonly PlannedCell[]): PlannedCell[] {
  const missing = new Set(cells.flatMap(pairsOf));
  const gain = (cell: PlannedCell): number => pairsOf(cell).filter((pair) => missing.has(pair)).length;
  const chosen = new Set<PlannedCell>();
  while (missing.size > 0 || chosen.size === 0) {
    const best = cells
      .filter((cell) => !chosen.has(cell))
      .toSorted((a, b) => gain(b) - gain(a) || a.seconds - b.seconds)[0];
    if (!best) break;
    chosen.add(best);
    for (const pair of pairsOf(best)) missing.delete(pair);
  }
  for (const cell of [...chosen].sort((a, b) => b.seconds - a.seconds)) {
    const others = new Set([...chosen].filter((other) => other !== cell).flatMap(pairsOf));
    if (chosen.size > 1 && pairsOf(cell).every((pair) => others.has(pair))) chosen.delete(cell);
  }
  return cells.filter((cell) => chosen.has(cell));
}
