import { formatElapsed, plural, sentence } from '../format.ts';
import { verdictMarks, verdictOrder } from '../model/claims.ts';
import { lateResultsText, type Overview, type ReasonGroup } from '../model/overview.ts';
import type { ExperimentView, Report, RunView, Setting } from '../model/report.ts';
import {
  commandText,
  judgedText,
  type Prose,
  runRows,
  settingsTitle,
  settingText,
  statusText,
  titleOf,
  undecidedIn,
  whenText,
  wordsText,
} from '../model/wording.ts';
import { someOf, whichText } from '../which-cells.ts';
import { drawingNames } from './drawings.ts';
import { markdownExperiment } from './experiment.ts';
import { alert, blocks, code, details, plain, table } from './text.ts';

/** `report.md` of a run, as GitHub renders it: what ran, what is surprising, the contents, the experiments. `drawn`: the drawings to link to. */
export function markdownReport(report: Report, drawn: ReadonlySet<string> = drawingNames(report)): string {
  const { run, overview, experiments } = report;
  const byId = new Map(experiments.map((experiment) => [experiment.id, experiment]));
  const parts = [
    `# ${titleOf(report)}`,
    inThreeLines(report),
    `_${wordsText}_`,
    alertOf(statusText(run, overview)),
    surprising(report),
    contents(report),
    ...report.groups.flatMap(({ name, experiments: ids }) => [
      name !== '' && `## ${plain(name)}`,
      ...ids.flatMap((id) => byId.get(id) ?? []).map((experiment) => markdownExperiment(experiment, drawn)),
    ]),
    '## The run',
    properties(run, overview),
    sysctls(run.settings),
  ];
  return `${blocks(...parts)}\n`;
}

/** What was run, on what machine, and by which program. */
function inThreeLines({ run, setting, overview, experiments }: Report): string {
  const { command, sessions, environment } = run;
  const [tool = '', ...machine] = setting;
  const typed = commandText(command);
  const asked = typed !== '' && typed.length <= mostCharacters ? `, ${code(typed)}` : '';
  const cells = `${plural(overview.cells.planned, 'cell')}, ${plural(overview.repeats, 'result')}`;
  const seen = environment ? [`${environment.cores} × ${environment.cpu}`] : [];
  return [
    `- Run: ${plural(experiments.length, 'experiment')}, ${cells}, in ${formatElapsed(overview.wallSeconds)}${asked}`,
    `- On: ${plain([...machine, ...seen].join(' · '))}`,
    `- By: ${plain(tool)}, ${whenText(sessions)}`,
  ].join('\n');
}

const alertOf = (text: string): string => (text === '' ? '' : alert('WARNING', text));

/** What did not come out as claimed, and what the verdicts are to be read with: refuted, inconclusive, warned, not run, late. */
function surprising(report: Report): string {
  const { refuted, overview, experiments } = report;
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
  return blocks('## Exceptions', judgedText(report), items.join('\n'));
}

const linkTo = (experiment: string): string => `[${experiment}](#${experiment})`;

/** The claims of an experiment that what ran does not decide. */
function inconclusive(experiment: ExperimentView): string[] {
  const found = undecidedIn(experiment);
  if (!found) return [];
  const { what, claim, why } = found;
  const said = claim === undefined ? what : `**${plain(claim)}** ${what}`;
  return [`- ${verdictMarks.inconclusive} ${said} (${linkTo(experiment.id)})${why === '' ? '' : `: ${plain(why)}`}`];
}

/** Cells that did not run, those with one reason together. */
const notRun = (what: string, reasons: readonly ReasonGroup[]): string[] =>
  reasons.map(({ reason, remedy, cells }) => {
    const help = remedy ? ` _${plain(remedy)}_` : '';
    return `- ${plural(cells.length, 'cell')} ${what}: ${plain(sentence(reason))}${help} ${someOf(cells, code, 2, 'cell')}`;
  });

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
    const others = texts.length > 1 ? ` (and ${plural(texts.length - 1, 'similar warning')}).` : '';
    const where = cells.length === 0 ? '' : ` In ${someOf(cells, code, 4, 'cell')}.`;
    const times = count > 1 ? ` × ${count}` : '';
    return `- Warning ${code(name)}${times}: ${plain(others === '' ? sentence(first) : first)}${others}${remedy ? ` _${plain(remedy)}_` : ''}${where}`;
  });

const late = ({ late: seen }: Overview): string[] =>
  seen ? [`- ${sentence(lateResultsText(seen))} In ${someOf(seen.cells, code, 2, 'cell')}.`] : [];

/** Where, when and how a run ran. */
const properties = (run: RunView, overview: Overview): string =>
  table(
    ['', ''],
    runRows(run, overview).map(({ name, says }) => [name, proseText(says)]),
  );

const proseText = (prose: Prose): string =>
  prose.map((part) => (typeof part === 'string' ? plain(part) : code(part.code))).join('');

/** The kernel's settings. */
const sysctls = (all: readonly Setting[]): string =>
  all.length === 0 ? '' : details(settingsTitle(all), `\`\`\`\n${all.map(settingText).join('\n')}\n\`\`\``);
