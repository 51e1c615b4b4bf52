import type { Environment, ExperimentRecord, Run } from '../record/schema.ts';
import { answerOf, cellsWith, tally, verdictMarks, verdictOrder } from './claims.ts';
import { formatElapsed, formatMemory, formatNumber, plural } from './format.ts';
import { type CellGroup, environmentOf, gatherCells } from './gather.ts';
import { glossary, markdownExperiment } from './markdown-experiment.ts';
import { alert, blocks, code, details, plain, sentence, table } from './markdown-text.ts';
import { bare, countVerdicts, type Overview, overviewOf, type WarningGroup } from './overview.ts';
import { someOf, whichCells } from './which-cells.ts';

/** `report.md` of a run, as GitHub renders it, from what its folder holds and nothing else. */
export function markdownReport(run: Run): string {
  const groups = gatherCells(run);
  const overview = overviewOf(run, groups);
  const parts = [
    `# How TCP connections close on Linux ${environmentOf(run)?.kernel ?? '(kernel unknown)'}`,
    statusAlert(run, overview),
    head(run, overview),
    findings(run, groups),
    contents(run.run.experiments),
    warnings(overview.warnings),
    ...byGroup(run.run.experiments).flatMap(([group, experiments]) => [
      group !== '' && `## ${plain(group)}`,
      ...experiments.map((experiment) => markdownExperiment(experiment, run, groups, overview)),
    ]),
    glossary(run.run.experiments),
    sysctls(run),
  ];
  return `${blocks(...parts)}\n`;
}

function statusAlert({ run }: Run, { missing }: Overview): string {
  const left =
    missing.length === 0
      ? ''
      : ` ${plural(missing.length, 'cell')} of its plan ${missing.length === 1 ? 'has' : 'have'} no result.`;
  if (run.status === 'interrupted') {
    return alert(
      'WARNING',
      `This run was interrupted.${left} \`lingerlab run --resume\` with its folder runs the rest.`,
    );
  }
  if (run.status === 'running') return alert('WARNING', `This run had not ended when the report was made.${left}`);
  return left === '' ? '' : alert('WARNING', `The run is complete, but:${left}`);
}

function head(run: Run, overview: Overview): string {
  const { tool, argv, status, sessions } = run.run;
  const seen = environmentOf(run);
  const commit = tool.commit ? ` (commit ${code(tool.commit.slice(0, 12))})` : '';
  const rows: (readonly [string, string])[] = [
    ['tool', `lingerlab ${plain(tool.version)}${commit}`],
    ...(seen ? machineRows(seen) : []),
    ['when', `${when(sessions)}, status ${status}`],
    ['cells', cellsText(overview)],
    ['time', timeText(overview)],
    ['command', code(argv.join(' '))],
  ];
  return table(['', ''], rows);
}

function machineRows(seen: Environment): (readonly [string, string])[] {
  const virtual = seen.virtualization === 'none' ? '' : `, virtualized by ${seen.virtualization}`;
  const guest = seen.accelerator === 'none' ? '' : `, a guest under ${seen.accelerator}`;
  const slow = seen.slowness > 1 ? `, timings expected ${formatNumber(seen.slowness)} times slower` : '';
  return [
    ['kernel', plain(`Linux ${seen.kernel}, HZ ${seen.hz}`)],
    ['distribution', plain(seen.distribution)],
    [
      'machine',
      plain(`${seen.arch}, ${seen.cores} × ${seen.cpu}, ${formatMemory(seen.memory)}${virtual}${guest}${slow}`),
    ],
    ['with', plain(`Node ${bare(seen.node)}, iproute2 ${bare(seen.iproute2)}`)],
    ['privilege', seen.privileged ? 'root' : 'no root of the host: what only root can see is unknown'],
  ];
}

function when(sessions: Run['run']['sessions']): string {
  const minute = (iso: string): string =>
    iso
      .replace('T', ' ')
      .replace(/\.\d+(?=Z|$)/, '')
      .replace(/Z$/, ' UTC');
  const [first] = sessions;
  if (!first) return 'unknown';
  const resumed = sessions.length > 1 ? `, in ${sessions.length} sessions` : '';
  const finished = sessions.at(-1)?.finishedAt;
  return `${minute(first.startedAt)} to ${finished ? minute(finished) : '(not ended)'}${resumed}`;
}

function cellsText({ cells, missing, repeats }: Overview): string {
  const often = repeats > cells.ran ? ` (${plural(repeats, 'time')} in all)` : '';
  const parts = [`${cells.ran} ran${often}`, `${cells.unsupported} unsupported`, `${cells.errored} errored`];
  if (missing.length > 0) parts.push(`${missing.length} without a result`);
  return `${cells.planned}: ${parts.join(', ')}`;
}

function timeText({ wallSeconds, longest }: Overview): string {
  const cell = longest ? `; longest cell ${formatElapsed(longest.seconds)}, ${code(longest.id)}` : '';
  return `${formatElapsed(wallSeconds)}${cell}`;
}

function findings({ run }: Run, groups: readonly CellGroup[]): string {
  const total = countVerdicts(run.experiments.flatMap(({ claims }) => claims));
  const counts = verdictOrder.map((verdict) => `${total[verdict]} ${verdict}`).join(', ');
  const items = run.experiments.flatMap(({ id, claims }) => {
    const cells = groups.filter(({ experiment }) => experiment === id);
    return claims.flatMap((claim) => {
      if (claim.verdict !== 'refuted') return [];
      const found = cellsWith(cells, claim.id, 'refuted').map(({ cell }) => cell);
      const where = found.length > 0 ? `in ${whichCells(found, cells, code)} (${tally(claim)})` : tally(claim);
      return [`- ${verdictMarks.refuted} **${plain(claim.text)}** does not hold ([${id}](#${id})): ${where}`];
    });
  });
  const none = items.length === 0 ? '\n\nNo claim was refuted.' : `\n\n${items.join('\n')}`;
  return `## Findings\n\nClaims: ${counts}.${none}`;
}

function contents(experiments: readonly ExperimentRecord[]): string {
  const rows = experiments.map((experiment) => {
    const counts = countVerdicts(experiment.claims);
    const marks = verdictOrder.flatMap((each) => (counts[each] > 0 ? [`${verdictMarks[each]} ${counts[each]}`] : []));
    const link = `[${experiment.id}](#${experiment.id})`;
    return [link, plain(experiment.question), plain(answerOf(experiment)), marks.join(' ')];
  });
  return rows.length === 0 ? '' : table(['experiment', 'question', 'answer', 'claims'], rows);
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

function sysctls(run: Run): string {
  const all = Object.entries(environmentOf(run)?.sysctls ?? {});
  if (all.length === 0) return '';
  const lines = all.map(([name, value]) => `${name} = ${value}`).join('\n');
  return details(`The kernel's settings in a fresh namespace (${all.length})`, `\`\`\`\n${lines}\n\`\`\``);
}
