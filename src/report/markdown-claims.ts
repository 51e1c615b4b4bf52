import type { ClaimRecord } from '../record/schema.ts';
import { brief, cellsWith, openTogether, orderClaims, reasonsOf, tally, verdictMarks } from './claims.ts';
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
    claim.verdict === 'confirmed' ? verdictMarks.confirmed : `${verdictMarks[claim.verdict]} **${claim.verdict}**`,
    `${plain(claim.text)} (${code(claim.id)})`,
    plain(claim.source),
    tally(claim),
  ]);
  return blocks(
    table(['', 'claim', 'source', 'in'], rows),
    ...openTogether(claims).map((same) => whyOpen(same, cells)),
  );
}

/** Why a claim is refuted or inconclusive, or several are for the same reason. */
function whyOpen(claims: readonly ClaimRecord[], cells: readonly CellGroup[]): string {
  const [claim] = claims as readonly [ClaimRecord];
  const mark = verdictMarks[claim.verdict];
  if (claims.length > 1)
    return `${mark} ${claims.map(({ id }) => code(id)).join(', ')} are ${claim.verdict}: ${plain(brief(claim.detail))}`;
  const where = cellsWith(cells, claim.id, claim.verdict).map(({ cell }) => cell);
  const inCells = where.length === 0 ? '' : ` in ${whichCells(where, cells, code)}`;
  const head = `${mark} ${code(claim.id)} is ${claim.verdict}${inCells}`;
  const reasons = reasonsOf(claim, cells);
  if (reasons.length === 0) return head;
  if (reasons.length === 1) return `${head}: ${plain(reasons[0]?.detail ?? '')}`;
  const items = reasons
    .slice(0, mostDetails)
    .map(({ detail, cells: same }) => `- ${plain(detail)}: ${whichCells(same, cells, code)}`);
  if (reasons.length > mostDetails) items.push(`- and ${formatCount(reasons.length - mostDetails)} more`);
  return `${head}\n\n${items.join('\n')}`;
}
