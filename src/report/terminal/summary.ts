import { formatNumber } from '../../facts/values.ts';
import { formatElapsed, plural } from '../format.ts';
import { type OpenClaims, verdictMarks, verdictOrder } from '../model/claims.ts';
import { besideVerdicts, lateResultsText, type Overview, type ReasonGroup, shortText } from '../model/overview.ts';
import type { ExperimentView, Report } from '../model/report.ts';
import { someOf, whichText } from '../which-cells.ts';
import { hang, type Style, styleOf } from './lines.ts';

interface Options {
  readonly color: boolean;
  /** Characters in a line; default 100. */
  readonly width?: number;
  /** Where the report is; absent: it was not saved. */
  readonly path?: string;
}

const plainly = (text: string): string => text;

/** The report has the others. */
const mostReasons = 2;

const verdictColors = { refuted: 'red', inconclusive: 'yellow', confirmed: 'green' } as const;

/** What a run found, for a terminal: each experiment's answer and verdicts, what did not run, warnings, the report. */
export function terminalSummary(report: Report, { color, width = 100, path }: Options): string {
  const style = styleOf(color);
  const { experiments, overview } = report;
  const sections = [
    hang('', report.setting.join(' · '), width).map((line) => style('dim', line)),
    ...experiments.filter(({ isSilent }) => !isSilent).map((each) => experimentLines(each, width, style)),
    silentLines(
      experiments.filter(({ isSilent }) => isSilent),
      width,
      style,
    ),
    notRunLines('errored', overview.errored, width, style),
    notRunLines('unsupported', overview.unsupported, width, style),
    [...warningLines(overview, width, style), ...lateLines(overview, width, style)],
    closingLines(report, path, width, style),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

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

function experimentLines(experiment: ExperimentView, width: number, style: Style): string[] {
  const { id, question, answer, verdicts, open } = experiment;
  const [head = '', ...more] = hang(`${id}  `, question, width);
  const title = style('bold', id) + style('dim', head.slice(id.length));
  const confirmed =
    verdicts.confirmed === 0 ? [] : [style('green', `  ✓ ${plural(verdicts.confirmed, 'claim')} confirmed`)];
  return [
    title,
    ...more.map((line) => style('dim', line)),
    ...hang('  ', answer, width),
    ...open.flatMap((same) => claimLines(same, width, style)),
    ...confirmed,
  ];
}

/** A claim that is refuted or inconclusive, or several that are inconclusive for the same reason. */
function claimLines({ verdict, claims, where, reasons }: OpenClaims, width: number, style: Style): string[] {
  const mark = `  ${verdictMarks[verdict]} `;
  const color = verdictColors[verdict];
  const [claim] = claims;
  if (claims.length > 1 || claim === undefined) {
    const text = `${claims.length} claims ${verdict}, ${reasons[0]?.detail ?? ''}: ${claims.map(({ id }) => id).join(', ')}`;
    return hang(mark, text, width).map((line) => style(color, line));
  }
  const inCells = where ? ` in ${whichText(where, plainly, 2)}` : '';
  const text = `${claim.id} ${verdict}${inCells}: ${claim.text} (${claim.source})`;
  const more = reasons.length > mostReasons ? [`and ${reasons.length - mostReasons} other details`] : [];
  return [
    ...hang(mark, text, width).map((line) => style(color, line)),
    ...[...reasons.slice(0, mostReasons).map(({ detail }) => detail), ...more].flatMap((detail) =>
      hang('    ', detail, width).map((line) => style('dim', line)),
    ),
  ];
}

function notRunLines(
  what: 'errored' | 'unsupported',
  reasons: readonly ReasonGroup[],
  width: number,
  style: Style,
): string[] {
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

function lateLines({ late }: Overview, width: number, style: Style): string[] {
  return late ? hang('late: ', lateResultsText(late), width, 2).map((line) => style('yellow', line)) : [];
}

function closingLines(
  { run, overview, experiments }: Report,
  path: string | undefined,
  width: number,
  style: Style,
): string[] {
  const { cells, missing, repeats, wallSeconds, loadSeconds, longest, cost } = overview;
  const parts = [
    `${plural(cells.ran, 'cell')} ran${repeats > cells.ran ? ` (${plural(repeats, 'result')})` : ''}`,
    ...(cells.unsupported > 0 ? [`${cells.unsupported} unsupported`] : []),
    ...(cells.errored > 0 ? [style('red', `${cells.errored} errored`)] : []),
    ...(missing.length > 0 ? [style('yellow', `${missing.length} without a result`)] : []),
  ];
  const status = run.status === 'complete' ? [] : [style(['bold', 'yellow'], statusText[run.status])];
  return [
    ...status,
    `${parts.join(', ')} in ${formatElapsed(wallSeconds)}${loadSeconds > 0 ? `, ${formatElapsed(loadSeconds)} of it loads` : ''}`,
    ...(longest ? hang('  ', `${loadSeconds > 0 ? 'the rest ' : ''}${longestText(longest)}`, width) : []),
    ...(cost && shortText(cost) ? hang('  ', shortText(cost), width, 4) : []),
    ...(experiments.some((experiment) => experiment.claims.length > 0) ? claimsLines(overview, width, style) : []),
    ...(path === undefined ? [] : [`Report: ${path}`]),
  ];
}

/** Verdicts and what they are to be read with: in one line, where that is long enough. */
function claimsLines(overview: Overview, width: number, style: Style): string[] {
  const counts = verdictOrder.map((each) => ({ each, text: `${overview.verdicts[each]} ${each}` }));
  const shown = counts
    .map(({ each, text }) => style(overview.verdicts[each] > 0 ? verdictColors[each] : 'dim', text))
    .join(', ');
  const beside = besideVerdicts(overview);
  const length = `Claims: ${counts.map(({ text }) => text).join(', ')}; ${beside}`.length;
  return length <= width ? [`Claims: ${shown}; ${beside}`] : [`Claims: ${shown};`, ...hang('  ', beside, width)];
}

/** `1.02 times the longest cell, 1 min 1 s: time-wait-length/…`. */
function longestText({ id, seconds, ratio, isOfRan }: NonNullable<Overview['longest']>): string {
  const cell = isOfRan ? 'longest cell that ran' : 'longest cell';
  const times = ratio === undefined ? cell : `${formatNumber(ratio)} times the ${cell},`;
  return `${times} ${formatElapsed(seconds)}: ${id}`;
}

const statusText = {
  interrupted: 'Interrupted: `lingerlab run --resume` with the run folder runs the rest.',
  running: 'The run has not ended.',
} as const;
