import { formatNumber } from '../../facts/values.ts';
import type { Environment, Verdict } from '../../record/schema.ts';
import { formatElapsed, formatMemory, plural } from '../format.ts';
import { verdictMarks, verdictOrder } from '../model/claims.ts';
import {
  bare,
  besideVerdicts,
  type Cost,
  lateResultsText,
  type Overview,
  type ReasonGroup,
  shortText,
  totalText,
  wireCostText,
} from '../model/overview.ts';
import type { ExperimentView, Report, RunView, Setting } from '../model/report.ts';
import { someOf, whichText } from '../which-cells.ts';
import { drawingNames } from './drawings.ts';
import { glossary, markdownExperiment } from './experiment.ts';
import { alert, blocks, code, details, plain, sentence, table } from './text.ts';

/** `report.md` of a run, as GitHub renders it: what ran, what is surprising, the contents, the experiments. `drawn`: the drawings to link to. */
export function markdownReport(report: Report, drawn: ReadonlySet<string> = drawingNames(report)): string {
  const { run, overview, experiments } = report;
  const byId = new Map(experiments.map((experiment) => [experiment.id, experiment]));
  const parts = [
    `# How TCP connections close on Linux ${run.environment?.kernel ?? '(kernel unknown)'}`,
    inThreeLines(report),
    statusAlert(run, overview),
    surprising(report),
    contents(report),
    ...report.groups.flatMap(({ name, experiments: ids }) => [
      name !== '' && `## ${plain(name)}`,
      ...ids.flatMap((id) => byId.get(id) ?? []).map((experiment) => markdownExperiment(experiment, drawn)),
    ]),
    '## The run',
    glossary(report.glossary),
    properties(run, overview),
    sysctls(run.settings),
  ];
  return `${blocks(...parts)}\n`;
}

/** What was run, on what machine, and by which program. */
function inThreeLines({ run, setting, overview, experiments }: Report): string {
  const { command, sessions, environment } = run;
  const [tool = '', ...machine] = setting;
  const typed = command.map(quoted).join(' ');
  const asked = typed !== '' && typed.length <= mostCharacters ? `, ${code(typed)}` : '';
  const cells = `${plural(overview.cells.planned, 'cell')}, ${plural(overview.repeats, 'result')}`;
  const seen = environment ? [`${environment.cores} × ${environment.cpu}`] : [];
  return [
    `- Run: ${plural(experiments.length, 'experiment')}, ${cells}, in ${formatElapsed(overview.wallSeconds)}${asked}`,
    `- On: ${plain([...machine, ...seen].join(' · '))}`,
    `- By: ${plain(tool)}, ${when(sessions)}`,
  ].join('\n');
}

/** What a reader must know before the findings: the run is not whole, or cells errored. */
function statusAlert(run: RunView, { missing, cells }: Overview): string {
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

/** What did not come out as claimed, and what the verdicts are to be read with: refuted, inconclusive, warned, not run, late. */
function surprising(report: Report): string {
  const { refuted, overview, run, experiments } = report;
  const isOpen = !overview.isJudged && run.status !== 'complete';
  const verdicts = isOpen ? 'No claim is judged: the run was cut off before' : verdictsText(overview.verdicts);
  const items = [
    ...refuted.map(({ experiment, text, where, share = '' }) => {
      const found = where ? `in ${whichText(where, code)}${share && `: ${share}`}` : share;
      return `- ${verdictMarks.refuted} **${plain(text)}** does not hold (${linkTo(experiment)}): ${found}`;
    }),
    ...experiments.flatMap(inconclusive),
    ...warnings(overview),
    ...notRun('errored', overview.errored),
    ...notRun('did not run', overview.unsupported),
    ...late(overview),
  ];
  return blocks('## Exceptions', sentence(`${verdicts}; ${besideVerdicts(overview)}`), items.join('\n'));
}

const linkTo = (experiment: string): string => `[${experiment}](#${experiment})`;

/** The claims of an experiment that what ran does not decide. */
function inconclusive({ id, open }: ExperimentView): string[] {
  const own = open.filter(({ verdict }) => verdict === 'inconclusive');
  const claims = own.flatMap((each) => each.claims);
  const [first] = claims;
  if (!first) return [];
  const reasons = [...new Set(own.flatMap((each) => each.reasons.map(({ detail }) => detail)))].filter(Boolean);
  const why =
    reasons.length === 0
      ? ''
      : `: ${plain(reasons[0] ?? '')}${reasons.length > 1 ? ` (and ${plural(reasons.length - 1, 'other reason')})` : ''}`;
  const what =
    claims.length === 1
      ? `**${plain(first.text)}** is inconclusive`
      : `${plural(claims.length, 'claim')} are inconclusive`;
  return [`- ${verdictMarks.inconclusive} ${what} (${linkTo(id)})${why}`];
}

/** Cells that did not run, those with one reason together. */
const notRun = (what: string, reasons: readonly ReasonGroup[]): string[] =>
  reasons.map(({ reason, remedy, cells }) => {
    const help = remedy ? ` _${plain(remedy)}_` : '';
    return `- ${plural(cells.length, 'cell')} ${what}: ${plain(sentence(reason))}${help} ${someOf(cells, code, 2)}`;
  });

/** `All 12 claims were confirmed`, `12 claims: 1 refuted, 11 confirmed`. */
function verdictsText({ confirmed, refuted, inconclusive }: Readonly<Record<Verdict, number>>): string {
  const all = confirmed + refuted + inconclusive;
  if (all === 0) return 'No claim was made';
  if (confirmed === all) return all === 1 ? 'The 1 claim was confirmed' : `All ${confirmed} claims were confirmed`;
  const parts = [
    ...(refuted > 0 ? [`${refuted} refuted`] : []),
    ...(inconclusive > 0 ? [`${inconclusive} inconclusive`] : []),
    ...(confirmed > 0 ? [`${confirmed} confirmed`] : []),
  ];
  return `${plural(all, 'claim')}: ${parts.join(', ')}`;
}

/** A longer headline, as older versions wrote paragraphs, is cut off in the contents. */
const mostCharacters = 160;

const cut = (text: string): string =>
  text.length <= mostCharacters ? text : `${text.slice(0, text.lastIndexOf(' ', mostCharacters))} …`;

/** Each question with its headline, by group. */
function contents({ groups, experiments }: Report): string {
  if (experiments.length < 2) return '';
  const byId = new Map(experiments.map((experiment) => [experiment.id, experiment]));
  return blocks(
    '## Contents',
    ...groups.flatMap(({ name, experiments: ids }) => [
      name !== '' && `**${plain(name)}**`,
      ids
        .flatMap((id) => byId.get(id) ?? [])
        .map(contentsItem)
        .join('\n'),
    ]),
  );
}

function contentsItem({ id, question, answer: { headline, asWrittenThen }, verdicts }: ExperimentView): string {
  const marks = verdictOrder.flatMap((each) => (verdicts[each] > 0 ? [`${verdictMarks[each]} ${verdicts[each]}`] : []));
  const said = plain(cut(headline));
  return `- [${plain(question)}](#${id})<br>${asWrittenThen ? said : `**${said}**`} ${marks.join(' ')}`.trimEnd();
}

/** Warnings, those with one code together. */
const warnings = ({ warnings: groups }: Overview): string[] =>
  groups.map(({ code: name, count, texts, remedy, cells }) => {
    const [first = ''] = texts;
    const others = texts.length > 1 ? ` (and ${plural(texts.length - 1, 'other such text')}).` : '';
    const where = cells.length === 0 ? '' : ` In ${someOf(cells, code)}.`;
    const times = count > 1 ? ` × ${count}` : '';
    return `- Warning ${code(name)}${times}: ${plain(others === '' ? sentence(first) : first)}${others}${remedy ? ` _${plain(remedy)}_` : ''}${where}`;
  });

const late = ({ late: seen }: Overview): string[] =>
  seen ? [`- ${sentence(lateResultsText(seen))} In ${someOf(seen.cells, code, 2)}.`] : [];

/** Where, when and how a run ran. */
function properties({ tool, command, status, sessions, environment }: RunView, overview: Overview): string {
  const commit = tool.commit ? ` (commit ${code(tool.commit.slice(0, 12))})` : '';
  const rows: (readonly [string, string])[] = [
    ['tool', `lingerlab ${plain(tool.version)}${commit}`],
    ...(environment ? machineRows(environment) : []),
    ['when', `${when(sessions)}, status ${status}`],
    ['cells', cellsText(overview)],
    ['time', timeText(overview)],
    ...(overview.cost ? [['CPU', costText(overview.cost)] as const] : []),
    ...(command.length > 0 ? [['command', code(command.map(quoted).join(' '))] as const] : []),
  ];
  return table(['', ''], rows);
}

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

function when(sessions: RunView['sessions']): string {
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
  const cell = longest.isOfRan ? 'longest cell that ran' : 'longest cell';
  const times =
    longest.ratio === undefined
      ? `; ${cell}`
      : `, ${loads && 'the rest '}${formatNumber(longest.ratio)} times the ${cell}:`;
  return `${total}${times} ${formatElapsed(longest.seconds)}, ${code(longest.id)}`;
}

/** Describes the CPU of a run; a short cell's own part are its samples, and its peers until they were asked to end. */
function costText(cost: Cost): string {
  const divided = 'from the first cell on, what cannot be told apart is divided evenly among results, or peers';
  return `${totalText(cost)}${shortText(cost) ? `; ${shortText(cost)}; ${divided}` : ''}`;
}

/** The kernel's settings. */
function sysctls(all: readonly Setting[]): string {
  if (all.length === 0) return '';
  const lines = all.map((each) => `${each.name} = ${each.value}${pinnedText(each)}`).join('\n');
  const by = all.some(({ isAsked }) => isAsked) ? 'is set' : 'lingerlab sets';
  const marked = all.some(({ own }) => own !== undefined) ? `, and what ${by} there` : '';
  return details(`The kernel's settings in a fresh namespace${marked} (${all.length})`, `\`\`\`\n${lines}\n\`\`\``);
}

function pinnedText({ value, own, refused, isAsked }: Setting): string {
  if (own === undefined) return '';
  if (refused !== undefined) return `; the kernel refused ${refused}, which lingerlab sets`;
  const by = isAsked ? 'as asked for' : 'by lingerlab';
  return value === own ? `, set ${by}; the kernel's own is the same` : `, set ${by}; the kernel's own: ${own}`;
}
