import type { ClaimRecord } from '../record/schema.ts';
import { byDetail, cellsWith, orderClaims, tally, verdictMarks } from './claims.ts';
import { formatCount } from './format.ts';
import type { CellGroup } from './gather.ts';
import { blocks, code, plain, table } from './markdown-text.ts';
import { whichCells } from './which-cells.ts';

/** So many different details of a claim's verdict are told. */
const mostDetails = 6;

/** Claims with their verdicts and sources, refuted first; under them the cells that refute or cannot decide them. */
export function markdownClaims(claims: readonly ClaimRecord[], cells: readonly CellGroup[]): string {
  if (claims.length === 0) return '';
  const ordered = orderClaims(claims);
  const rows = ordered.map((claim) => [
    claim.verdict === 'refuted' ? `✗ **refuted**` : `${verdictMarks[claim.verdict]} ${claim.verdict}`,
    `${plain(claim.text)} (${code(claim.id)})`,
    plain(claim.source),
    tally(claim),
  ]);
  const open = ordered.filter(({ verdict }) => verdict !== 'confirmed');
  return blocks(table(['verdict', 'claim', 'source', 'in'], rows), ...open.map((claim) => whereNot(claim, cells)));
}

function whereNot(claim: ClaimRecord, cells: readonly CellGroup[]): string {
  const found = cellsWith(cells, claim.id, claim.verdict);
  const where = found.map(({ cell }) => cell);
  const inCells = where.length === 0 ? '' : ` in ${whichCells(where, cells, code)}`;
  const detail = claim.detail === '' ? '' : `: ${plain(claim.detail)}`;
  const head = `${verdictMarks[claim.verdict]} ${code(claim.id)} is ${claim.verdict}${inCells}${detail}`;
  const told = byDetail(found).filter(([each]) => each !== '' && each !== claim.detail);
  const items = told.slice(0, mostDetails).map(([each, same]) => `- ${plain(each)}: ${whichCells(same, cells, code)}`);
  if (told.length > mostDetails) items.push(`- and ${formatCount(told.length - mostDetails)} more`);
  return items.length === 0 ? head : `${head}\n\n${items.join('\n')}`;
}
