import { formatElapsed, plural } from '../format.ts';
import { writtenThen } from '../model/answer.ts';
import { type OpenClaims, verdictMarks, verdictOrder } from '../model/claims.ts';
import {
  besideVerdicts,
  lateResultsText,
  longestTook,
  type Overview,
  type ReasonGroup,
  shortText,
} from '../model/overview.ts';
import type { ExperimentView, GroupView, Report } from '../model/report.ts';
import { someOf, whichText } from '../which-cells.ts';
import { hang, type Style, styleOf } from './lines.ts';

interface Options {
  readonly color: boolean;
  /** Characters in a line; default 100. */
  readonly width?: number;
  /** Where the report is; absent: it was not saved. */
  readonly path?: string;
  /** The name of the page beside it; absent: none was made. */
  readonly page?: string;
  /** Every finding, and headlines in full, however many lines they take. */
  readonly verbose?: boolean;
}

const plainly = (text: string): string => text;

/** Two screens of 40. */
const mostLines = 80;

/** How much is shown of each experiment. */
interface Detail {
  /** Whose findings are shown. */
  readonly findings: 'all' | 'surprising' | 'none';
  /** Whether a headline may take more than one line. */
  readonly isWhole: boolean;
  /** Reasons shown for a claim that is not confirmed; with none, such claims are only counted. */
  readonly reasons: number;
  /** Whether the last lines say what the run cost. */
  readonly costs: boolean;
  /** What did not run, and warnings: with cells and remedies, or a line each, the rest in the report. Late results are counted in the end. */
  readonly exceptions: 'whole' | 'a line';
  /** Whether each group has its name in a line. Its experiments stand together in any case. */
  readonly names: boolean;
}

const everything: Detail = {
  findings: 'all',
  isWhole: true,
  reasons: 2,
  costs: true,
  exceptions: 'whole',
  names: true,
};
const briefer: Detail = { ...everything, findings: 'surprising', costs: false };
const brief: Detail = { ...briefer, isWhole: false, exceptions: 'a line' };
const briefest: Detail = { ...brief, names: false };
/** The most detailed first: the first that fits on two screens is taken. */
const details: readonly Detail[] = [
  everything,
  briefer,
  { ...briefer, isWhole: false },
  brief,
  briefest,
  { ...briefest, findings: 'none', reasons: 1 },
  { ...briefest, findings: 'none', reasons: 0 },
];

const verdictColors = { refuted: 'red', inconclusive: 'yellow', confirmed: 'green' } as const;

interface Page {
  readonly width: number;
  readonly style: Style;
  readonly detail: Detail;
}

/**
 * What a run found, for a terminal: first the experiments with a claim that is not confirmed, then what did not run and warnings,
 * then each group's experiments in a line each. It is as detailed as fits on two screens.
 */
export function terminalSummary(report: Report, { color, width = 100, path, page, verbose = false }: Options): string {
  const saved = path === undefined ? [] : savedLines(path, page, width);
  const of = (detail: Detail): string => summaryOf(report, { width, style: styleOf(color), detail }, saved);
  if (verbose) return of(everything);
  const tried = details.map((detail) => () => of(detail));
  const fitting = tried.find((text) => text().split('\n').length - 1 <= mostLines) ?? tried.at(-1);
  return fitting?.() ?? '';
}

/** Where the report is. A path is not broken. */
function savedLines(path: string, page: string | undefined, width: number): string[] {
  const [first, both] = [`Report: ${path}`, `Report: ${path}, ${page}`];
  if (page === undefined) return [first];
  return both.length <= width ? [both] : [`${first},`, `        ${page}`];
}

function summaryOf(report: Report, page: Page, saved: readonly string[]): string {
  const { width, style } = page;
  const { experiments, overview, groups } = report;
  const [silent, answered] = [true, false].map((wanted) =>
    experiments.filter(({ isSilent }) => isSilent === wanted),
  ) as [ExperimentView[], ExperimentView[]];
  const surprising = answered.filter(isSurprising);
  const others = answered.filter((each) => !isSurprising(each));
  const sections = [
    [...hang('', report.setting.join(' · '), width), ...oldLines(experiments, width)].map((line) => style('dim', line)),
    surprising.flatMap((each) => experimentLines(each, page)),
    silentLines(silent, width, style),
    ...exceptionLines(overview, page),
    groups.flatMap((group) => groupLines(group, others, page)),
    closingLines(report, saved, page),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** A claim of it is refuted or inconclusive, or it has no conclusion. */
const isSurprising = ({ open, answer }: ExperimentView): boolean => open.length > 0 || answer.isOpen;

/** Answers of an older version: said once, since a run is of one version. */
const oldLines = (experiments: readonly ExperimentView[], width: number): string[] =>
  experiments.some(({ answer }) => answer.asWrittenThen)
    ? hang('', `Each answer is one paragraph, ${writtenThen}: an older version made this run.`, width)
    : [];

/** The experiments of which no cell ran: once for all, as the reasons follow. */
function silentLines(silent: readonly ExperimentView[], width: number, style: Style): string[] {
  if (silent.length === 0) return [];
  const [first = '', ...more] = hang(
    'no answer: ',
    `no cell ran of ${silent.map(({ id }) => id).join(', ')}`,
    width,
    2,
  );
  return [first, ...more].map((line) => style('bold', line));
}

function groupLines({ name, experiments }: GroupView, all: readonly ExperimentView[], page: Page): string[] {
  const own = all.filter(({ id }) => experiments.includes(id));
  if (own.length === 0) return [];
  const isNamed = name !== '' && page.detail.names;
  return [...(isNamed ? [page.style('bold', name)] : []), ...own.flatMap((each) => experimentLines(each, page))];
}

/** An experiment's claims and headline in a line, and below it what the page's detail allows. */
function experimentLines(experiment: ExperimentView, page: Page): string[] {
  const { id, answer, open, verdicts } = experiment;
  const { width, style, detail } = page;
  const counts = verdictOrder
    .filter((each) => verdicts[each] > 0)
    .map((each) => `${verdictMarks[each]}${verdicts[each]}`);
  const worst = verdictOrder.find((each) => verdicts[each] > 0);
  const before = ['', ...counts, ''].join(' ');
  const { headline } = answer;
  const text = detail.isWhole ? headline : clipped(headline, width - `${before}${id}: `.length);
  const [first = '', ...more] = hang(`${before}${id}: `, text, width, 4);
  const hasFindings = detail.findings === 'all' || (detail.findings === 'surprising' && isSurprising(experiment));
  const head =
    style(worst ? verdictColors[worst] : 'dim', before) + style('bold', id) + first.slice(before.length + id.length);
  return [
    head,
    ...more,
    ...(hasFindings
      ? answer.findings.flatMap(({ number, text: said }) => hang(`    ${number}: `, said, width, 6))
      : []),
    ...(answer.without !== undefined && detail.isWhole ? hang('    ', answer.without, width) : []),
    ...(detail.reasons > 0 ? open.flatMap((same) => claimLines(same, page)) : []),
  ];
}

/** A text that fits, cut between words. */
function clipped(text: string, width: number): string {
  if (text.length <= width) return text;
  const cut = text.slice(0, Math.max(1, width - 1));
  const end = cut.lastIndexOf(' ');
  return `${cut.slice(0, end > 0 ? end : cut.length)}…`;
}

/** A claim that is refuted or inconclusive, or several that are inconclusive for the same reason. */
function claimLines({ verdict, claims, where, reasons }: OpenClaims, { width, style, detail }: Page): string[] {
  const mark = `    ${verdictMarks[verdict]} `;
  const color = verdictColors[verdict];
  const [claim] = claims;
  if (claims.length > 1 || claim === undefined) {
    const text = `${claims.length} claims ${verdict}, ${reasons[0]?.detail ?? ''}: ${claims.map(({ id }) => id).join(', ')}`;
    return hang(mark, text, width).map((line) => style(color, line));
  }
  const inCells = where ? ` in ${whichText(where, plainly, 2)}` : '';
  const text = `${claim.id} ${verdict}${inCells}: ${claim.text} (${claim.source})`;
  const shown = reasons.slice(0, detail.reasons);
  const more = reasons.length > shown.length ? [`and ${reasons.length - shown.length} other details`] : [];
  return [
    ...hang(mark, text, width).map((line) => style(color, line)),
    ...[...shown.map((reason) => reason.detail), ...more].flatMap((told) =>
      hang('      ', told, width).map((line) => style('dim', line)),
    ),
  ];
}

/** What did not run, and what is to be known of what ran. */
function exceptionLines(overview: Overview, { width, style, detail }: Page): string[][] {
  const { errored, unsupported, warnings, late } = overview;
  if (detail.exceptions === 'a line')
    return [
      [
        ...errored.map((one) => style('red', clipped(notRunText('errored', one), width))),
        ...unsupported.map((one) => style('yellow', clipped(notRunText('unsupported', one), width))),
        ...warnings.map(({ texts }) => style('yellow', clipped(`warning: ${texts[0] ?? ''}`, width))),
      ],
    ];
  return [
    notRunLines('errored', errored, width, style),
    notRunLines('unsupported', unsupported, width, style),
    [
      ...warningLines(overview, width, style),
      ...(late ? hang('delayed: ', lateResultsText(late), width, 2).map((line) => style('yellow', line)) : []),
    ],
  ];
}

type NotRun = 'errored' | 'unsupported';

const notRunText = (what: NotRun, { reason, cells }: ReasonGroup): string => `${cells.length} ${what}: ${reason}`;

function notRunLines(what: NotRun, reasons: readonly ReasonGroup[], width: number, style: Style): string[] {
  const color = what === 'errored' ? 'red' : 'yellow';
  return reasons.flatMap(({ reason, remedy, cells }) => [
    ...hang(`${cells.length} ${what}: `, `${reason} (${someOf(cells, plainly, 2)})`, width, 2).map((line) =>
      style(color, line),
    ),
    ...(remedy ? hang('  ', remedy, width) : []),
  ]);
}

function warningLines({ warnings }: Overview, width: number, style: Style): string[] {
  return warnings.flatMap(({ code, count, texts, remedy }) => {
    const times = count === 1 ? '' : ` (${count} times)`;
    const [first = '', ...more] = hang('warning: ', `${texts[0] ?? ''}${times} [${code}]`, width, 2);
    const lines = [style('yellow', first), ...more.map((line) => style('yellow', line))];
    return remedy ? [...lines, ...hang('  ', remedy, width)] : lines;
  });
}

function closingLines(
  { run, overview, experiments }: Report,
  saved: readonly string[],
  { width, style, detail }: Page,
): string[] {
  const { cells, missing, repeats, wallSeconds, loadSeconds, longest, cost } = overview;
  const ran = `${plural(cells.ran, 'cell')} ran${repeats > cells.ran ? ` (${plural(repeats, 'result')})` : ''}`;
  const took = `in ${formatElapsed(wallSeconds)}${loadSeconds > 0 ? `, ${formatElapsed(loadSeconds)} of it for loads` : ''}`;
  const others = [
    ...(cells.unsupported > 0 ? [`${plural(cells.unsupported, 'cell')} unsupported`] : []),
    ...(cells.errored > 0 ? [style('red', `${plural(cells.errored, 'cell')} errored`)] : []),
    ...(missing.length > 0 ? [style('yellow', `${plural(missing.length, 'cell')} without a result`)] : []),
  ];
  const status = run.status === 'complete' ? [] : [style(['bold', 'yellow'], statusText[run.status])];
  return [
    ...status,
    `${ran} ${took}${others.length > 0 ? `; ${others.join(', ')}` : ''}`,
    ...(detail.costs && longest
      ? hang('  ', `${longestTook(loadSeconds, longest)} ${formatElapsed(longest.seconds)}: ${longest.id}`, width)
      : []),
    ...(detail.costs && cost && shortText(cost) ? hang('  ', shortText(cost), width, 4) : []),
    ...(experiments.some((experiment) => experiment.claims.length > 0) ? claimsLines(overview, width, style) : []),
    ...saved,
  ];
}

/** Verdicts, and what they are to be read with. */
function claimsLines(overview: Overview, width: number, style: Style): string[] {
  const counts = verdictOrder.map((each) => ({
    each,
    text: `${verdictMarks[each]} ${overview.verdicts[each]} ${each}`,
  }));
  const shown = counts
    .map(({ each, text }) => style(overview.verdicts[each] > 0 ? verdictColors[each] : 'dim', text))
    .join(', ');
  const beside = besideVerdicts(overview);
  const before = `Claims: ${counts.map(({ text }) => text).join(', ')}; `;
  const [first = '', ...more] = hang('', `${before}${beside}`, width, 2);
  return [`Claims: ${shown}; ${first.slice(before.length)}`.trimEnd(), ...more];
}

const statusText = {
  interrupted: 'Interrupted: `lingerlab run --resume` with the run folder runs the rest.',
  running: 'The run has not ended.',
} as const;
