import type { ClaimRecord, ExperimentRecord, Run } from '../record/schema.ts';
import { answerOf, cellsWith, tally, verdictMarks, verdictOrder } from './claims.ts';
import { plural } from './format.ts';
import { type CellGroup, environmentOf, gatherCells } from './gather.ts';
import { glossary, markdownExperiment } from './markdown-experiment.ts';
import { markdownRun } from './markdown-run.ts';
import { alert, blocks, code, plain, sentence, table } from './markdown-text.ts';
import { countVerdicts, type Overview, overviewOf, setting, type WarningGroup } from './overview.ts';
import { someOf, whichCells } from './which-cells.ts';

/** `report.md` of a run, as GitHub renders it, from what its folder holds and nothing else. */
export function markdownReport(run: Run): string {
  const groups = gatherCells(run);
  const overview = overviewOf(run, groups);
  const parts = [
    `# How TCP connections close on Linux ${environmentOf(run)?.kernel ?? '(kernel unknown)'}`,
    plain(setting(run).join(' · ')),
    statusAlert(run, overview),
    findings(run, groups),
    contents(run.run.experiments),
    warnings(overview.warnings),
    ...byGroup(run.run.experiments).flatMap(([group, experiments]) => [
      group !== '' && `## ${plain(group)}`,
      ...experiments.map((experiment) => markdownExperiment(experiment, run, groups, overview)),
    ]),
    glossary(run.run.experiments),
    '## The run',
    markdownRun(run, overview),
  ];
  return `${blocks(...parts)}\n`;
}

/** What a reader must know before the findings: the run is not whole, or cells errored. */
function statusAlert({ run }: Run, { missing, cells }: Overview): string {
  const left =
    missing.length === 0
      ? []
      : [`${plural(missing.length, 'cell')} of its plan ${missing.length === 1 ? 'has' : 'have'} no result.`];
  const errored = cells.errored === 0 ? [] : [`${plural(cells.errored, 'cell')} of ${cells.planned} errored.`];
  const status = {
    complete: [],
    interrupted: ['This run was interrupted.'],
    running: ['This run had not ended when the report was made.'],
  }[run.status];
  const remedy = run.status === 'interrupted' ? ['`lingerlab run --resume` with its folder runs the rest.'] : [];
  const told = [...status, ...left, ...errored, ...remedy];
  return told.length === 0 ? '' : alert('WARNING', told.join(' '));
}

function findings({ run }: Run, groups: readonly CellGroup[]): string {
  const items = run.experiments.flatMap(({ id, claims }) => {
    const cells = groups.filter(({ experiment }) => experiment === id);
    return claims.flatMap((claim) => {
      if (claim.verdict !== 'refuted') return [];
      const found = cellsWith(cells, claim.id, 'refuted').map(({ cell }) => cell);
      const share = claim.cells.confirmed + claim.cells.inconclusive === 0 ? '' : `: ${tally(claim)}`;
      const where = found.length > 0 ? `in ${whichCells(found, cells, code)}${share}` : tally(claim);
      return [`- ${verdictMarks.refuted} **${plain(claim.text)}** does not hold ([${id}](#${id})): ${where}`];
    });
  });
  const told = items.length === 0 ? '' : `\n\n${items.join('\n')}`;
  return `## Findings\n\n${sentence(verdictsText(run.experiments.flatMap(({ claims }) => claims)))}${told}`;
}

/** `All 12 claims were confirmed`, `12 claims: 1 refuted, 11 confirmed`. */
function verdictsText(claims: readonly ClaimRecord[]): string {
  const { confirmed, refuted, inconclusive } = countVerdicts(claims);
  if (claims.length === 0) return 'No claim was made';
  if (confirmed === claims.length)
    return claims.length === 1 ? 'The 1 claim was confirmed' : `All ${confirmed} claims were confirmed`;
  const parts = [
    ...(refuted > 0 ? [`${refuted} refuted`] : []),
    ...(inconclusive > 0 ? [`${inconclusive} inconclusive`] : []),
    ...(confirmed > 0 ? [`${confirmed} confirmed`] : []),
  ];
  return `${plural(claims.length, 'claim')}: ${parts.join(', ')}`;
}

function contents(experiments: readonly ExperimentRecord[]): string {
  const rows = experiments.map((experiment) => {
    const counts = countVerdicts(experiment.claims);
    const marks = verdictOrder.flatMap((each) => (counts[each] > 0 ? [`${verdictMarks[each]} ${counts[each]}`] : []));
    const link = `[${experiment.id}](#${experiment.id})`;
    return [link, plain(experiment.question), plain(answerOf(experiment)), marks.join(' ')];
  });
  return rows.length < 2 ? '' : table(['experiment', 'question', 'answer', 'claims'], rows);
}

/** The experiments by their group, in the order in which groups come first. */
const byGroup = (experiments: readonly ExperimentRecord[]): [string, ExperimentRecord[]][] => [
  ...Map.groupBy(experiments, ({ group }) => group),
];

function warnings(groups: readonly WarningGroup[]): string {
  if (groups.length === 0) return '';
  const items = groups.map(({ code: name, count, texts, remedy, cells }) => {
    const [first = ''] = texts;
    const others = texts.length > 1 ? ` (and ${plural(texts.length - 1, 'other such text')}).` : '';
    const where = cells.length === 0 ? '' : ` In ${someOf(cells, code)}.`;
    const times = count > 1 ? ` × ${count}` : '';
    return `- ${code(name)}${times}: ${plain(others === '' ? sentence(first) : first)}${others}${remedy ? ` _${plain(remedy)}_` : ''}${where}`;
  });
  return `## Warnings\n\n${items.join('\n')}`;
}
