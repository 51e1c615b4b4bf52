import { join } from 'node:path';
import { replaceFile } from '../../record/save.ts';
import type { ClaimRecord, Environment, ExperimentRecord, Run } from '../../record/schema.ts';
import { formatElapsed, formatMemory, formatNumber, plural } from '../format.ts';
import { type CellGroup, environmentOf, gatherCells } from '../gather.ts';
import { answerOf, cellsWith, tally, verdictMarks, verdictOrder } from '../model/claims.ts';
import {
  bare,
  type Cost,
  countVerdicts,
  type Overview,
  overviewOf,
  setting,
  shortText,
  totalText,
  type WarningGroup,
  wireCostText,
} from '../model/overview.ts';
import { someOf, whichCells } from '../which-cells.ts';
import { glossary, markdownExperiment } from './experiment.ts';
import { alert, blocks, code, details, plain, sentence, table } from './text.ts';

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

/** Where a run's report is. */
export const reportPath = (folder: string): string => join(folder, 'report.md');

/** Make the report from the run alone and put it into its folder. @throws LingerlabError RUN_NOT_WRITABLE */
export async function saveReport(run: Run): Promise<void> {
  await replaceFile(reportPath(run.folder), markdownReport(run));
}

/** Where, when and how a run ran, and the kernel's settings. */
export const markdownRun = (run: Run, overview: Overview): string => blocks(properties(run, overview), sysctls(run));

function properties(run: Run, overview: Overview): string {
  const { tool, argv, status, sessions } = run.run;
  const seen = environmentOf(run);
  const commit = tool.commit ? ` (commit ${code(tool.commit.slice(0, 12))})` : '';
  const rows: (readonly [string, string])[] = [
    ['tool', `lingerlab ${plain(tool.version)}${commit}`],
    ...(seen ? machineRows(seen) : []),
    ['when', `${when(sessions)}, status ${status}`],
    ['cells', cellsText(overview)],
    ['time', timeText(overview)],
    ...(overview.cost ? [['CPU', costText(overview.cost)] as const] : []),
    ...(argv.length > 0 ? [['command', code(commandOf(argv))] as const] : []),
  ];
  return table(['', ''], rows);
}

/** The command line as it was typed, whether or not the program's own name was recorded. */
const commandOf = (argv: readonly string[]): string =>
  [...(argv[0] === 'lingerlab' ? [] : ['lingerlab']), ...argv].map(quoted).join(' ');

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

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
    ...(seen.wire
      ? [['wire', `${wireCostText(seen.wire)}: measured before the first cell, without rules`] as const]
      : []),
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
  if (cells.planned === 0) return 'none';
  const often = repeats > cells.ran ? `, ${plural(repeats, 'result')} with their repeats` : '';
  const parts = [
    cells.ran === cells.planned ? `all ran${often}` : `${cells.ran} ran${often}`,
    ...(cells.unsupported > 0 ? [`${cells.unsupported} unsupported`] : []),
    ...(cells.errored > 0 ? [`${cells.errored} errored`] : []),
    ...(missing.length > 0 ? [`${missing.length} without a result`] : []),
  ];
  return `${cells.planned}: ${parts.join('; ')}`;
}

function timeText({ wallSeconds, loadSeconds, longest }: Overview): string {
  const loads = loadSeconds > 0 ? `, ${formatElapsed(loadSeconds)} of it loads` : '';
  const total = `${formatElapsed(wallSeconds)}${loads}`;
  if (!longest) return total;
  const times =
    longest.ratio === undefined
      ? '; longest cell'
      : `, ${loads && 'the rest '}${formatNumber(longest.ratio)} times the longest cell:`;
  return `${total}${times} ${formatElapsed(longest.seconds)}, ${code(longest.id)}`;
}

/** Of which a short cell's own are its samples and what its peers used until they were told to end. */
function costText(cost: Cost): string {
  const divided = 'from the first cell on, what cannot be told apart is divided evenly among results, or peers';
  return `${totalText(cost)}${shortText(cost) ? `; ${shortText(cost)}; ${divided}` : ''}`;
}

function sysctls(run: Run): string {
  const seen = environmentOf(run);
  const { pinned = {} } = seen ?? {};
  const set = Object.fromEntries(Object.entries(pinned).map(([name, each]) => [name, each.set]));
  const all = Object.entries({ ...set, ...seen?.sysctls }).sort(([a], [b]) => (a < b ? -1 : 1));
  if (all.length === 0) return '';
  const lines = all.map(([name, value]) => `${name} = ${value}${pinnedWords(pinned[name])}`).join('\n');
  const marked = Object.keys(pinned).length === 0 ? '' : ', and what lingerlab sets there';
  return details(`The kernel's settings in a fresh namespace${marked} (${all.length})`, `\`\`\`\n${lines}\n\`\`\``);
}

function pinnedWords(pin: NonNullable<Environment['pinned']>[string] | undefined): string {
  if (pin === undefined) return '';
  return pin.set === pin.own
    ? ", set by lingerlab; the kernel's own is the same"
    : `, set by lingerlab; the kernel's own: ${pin.own}`;
}
