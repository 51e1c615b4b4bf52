import { cellsOf } from '../plan/cells.ts';
import { formatElapsed, plural } from '../report/format.ts';
import { estimate } from '../run/order.ts';
import { experimentsFor } from './experiments.ts';
import { answer, answerJson } from './output.ts';

/** `lingerlab list`: every experiment with its question and size. */
export async function list({ json, jobs }: { readonly json: boolean; readonly jobs: number }): Promise<void> {
  const rows = (await experimentsFor([])).map(({ definition, group, file }) => {
    const all = cellsOf(definition);
    const usual = all.filter(({ isDefault }) => isDefault);
    return {
      id: definition.id,
      question: definition.question,
      group: group.title,
      file,
      cells: usual.length,
      allCells: all.length,
      ...(definition.whenNamed && { whenNamed: true }),
      seconds: Math.round(estimate(usual, jobs) * 10) / 10,
    };
  });
  if (json) return answerJson(rows);
  for (const [group, own] of Map.groupBy(rows, (row) => row.group)) {
    answer(`${group}\n`);
    for (const { id, question, cells, allCells, seconds, whenNamed } of own) {
      const more = (allCells > cells ? `, ${allCells} with --all` : '') + (whenNamed ? ', only where it is named' : '');
      answer(`${id}\n  ${question}\n  ${plural(cells, 'cell')}${more}, about ${formatElapsed(seconds)}`);
    }
    answer('');
  }
}
