import { ends } from '../facts/states.ts';
import { formatCount, plural } from './format.ts';
import type { CellGroup } from './gather.ts';
import { blocks, code, details } from './markdown-text.ts';
import { sequenceDiagram } from './sequence-diagram.ts';
import { type ConnectionPaths, type TellingCell, tellingCells } from './telling-cells.ts';
import { whichCells } from './which-cells.ts';

/** More diagrams than a reader compares. */
const mostDiagrams = 8;

/** The states of both ends, in time, of cells that differ in them; empty where no cell has a path. */
export function markdownPaths(cells: readonly CellGroup[]): string {
  const telling = tellingCells(cells);
  const left = telling.length - mostDiagrams;
  if (telling.length === 0) return '';
  return blocks(
    `**What the two ends went through**: ${plural(telling.length, 'different course', 'different courses')}${left > 0 ? `, the first ${mostDiagrams} drawn` : ''}.`,
    ...telling.slice(0, mostDiagrams).map((each) => courseOf(each, cells)),
  );
}

function courseOf({ cell, record, connections, cells }: TellingCell, all: readonly CellGroup[]): string {
  const repeat = cell.ran.length > 1 ? `, repeat ${formatCount(record.repeat)}` : '';
  const where = cells.length === 1 ? '' : `; the same in ${whichCells(cells, all, code)}`;
  return details(`${code(record.id)}${repeat}${where}`, blocks(...connections.map((each) => connectionOf(each))));
}

function connectionOf(connection: ConnectionPaths): string {
  const { label, closedWith } = connection;
  const said = ends.map((end) => `${end} ${closedWith[end]?.join(', ') || (closedWith[end] ? 'nothing' : 'unknown')}`);
  return blocks(
    label !== '' && `Connection ${code(label)}:`,
    `\`\`\`mermaid\n${sequenceDiagram(connection)}\n\`\`\``,
    `Closing segments sent: ${said.join('; ')}. Times count from the first state shown.`,
  );
}
