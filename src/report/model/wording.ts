import { formatNumber } from '../../facts/values.ts';
import type { Environment, Verdict } from '../../record/schema.ts';
import { formatElapsed, formatMemory, plural, sentence } from '../format.ts';
import { verdictMarks } from './claims.ts';
import {
  bare,
  besideVerdicts,
  type Cost,
  clockText,
  longestTook,
  type Overview,
  shortText,
  totalText,
  wireCostText,
} from './overview.ts';
import type { ExperimentView, Report, RunView, Setting } from './report.ts';

/** Text in which some parts are code. */
export type Prose = readonly (string | { readonly code: string })[];

const code = (text: string): { readonly code: string } => ({ code: text });

/** The title of a run's report. */
export const titleOf = ({ run }: Pick<Report, 'run'>): string =>
  `How TCP connections close on Linux ${run.environment?.kernel ?? '(kernel unknown)'}`;

/** What the kernel keeps, and how exact its timers are. */
export const kernelWords =
  "A mini-socket is the kernel's small object for a handshake, TIME-WAIT or an orphan's FIN-WAIT-2; any other socket is a full socket. A slot of the timer wheel is how late the kernel's timer may expire.";

/** The words that a report cannot do without, for readers who have read nothing else. */
export const wordsText = `A cell is one combination of settings; a result is one run of a cell. A claim is ${verdictMarks.confirmed} confirmed, ${verdictMarks.refuted} refuted or ${verdictMarks.inconclusive} inconclusive (the cells that ran do not decide it). The number before a finding counts results, such as 2 of 2, or is what was measured. An orphan is a socket that no process holds any more; the kernel still serves it. ${kernelWords} The wire is a process between both ends that can delay, lose and forge segments. The harness is lingerlab's main process; its peers are the client's and the server's process.`;

/** What a reader must know before the findings: the run is not whole, or cells errored; empty where it is whole. */
export function statusText(run: RunView, { missing, cells }: Overview): string {
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
  return [...status, ...left, ...errored, ...remedy].join(' ');
}

/** How claims were judged, and what verdicts are to be read with. */
export function judgedText({ overview, run }: Report): string {
  const isOpen = !overview.isJudged && run.status !== 'complete';
  const verdicts = isOpen ? 'No claim is judged: the run was cut off before' : verdictsText(overview.verdicts);
  return sentence(`${verdicts}; ${besideVerdicts(overview)}`);
}

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

/** Claims of one experiment that what ran does not decide. */
export interface Undecided {
  /** The only one's text. */
  readonly claim?: string;
  /** `is inconclusive`, `3 claims are inconclusive`. */
  readonly what: string;
  /** Empty where no reason was recorded. */
  readonly why: string;
}

/** The claims of an experiment that what ran does not decide; undefined where there is none. */
export function undecidedIn({ open }: Pick<ExperimentView, 'open'>): Undecided | undefined {
  const own = open.filter(({ verdict }) => verdict === 'inconclusive');
  const claims = own.flatMap((each) => each.claims);
  const [first] = claims;
  if (!first) return undefined;
  const reasons = [...new Set(own.flatMap((each) => each.reasons.map(({ detail }) => detail)))].filter(Boolean);
  const more = reasons.length > 1 ? ` (and ${plural(reasons.length - 1, 'other reason')})` : '';
  const why = reasons.length === 0 ? '' : `${reasons[0]}${more}`;
  if (claims.length > 1) return { what: `${plural(claims.length, 'claim')} are inconclusive`, why };
  return { claim: first.text, what: 'is inconclusive', why };
}

/** Where, when and how a run ran, line by line. */
export function runRows(run: RunView, overview: Overview): { readonly name: string; readonly says: Prose }[] {
  const { tool, command, status, sessions, environment } = run;
  const commit = tool.commit ? [' (commit ', code(tool.commit.slice(0, 12)), ')'] : [];
  return [
    { name: 'tool', says: [`lingerlab ${tool.version}`, ...commit] },
    ...(environment ? machineRows(environment) : []),
    { name: 'when', says: [`${whenText(sessions)}, status ${status}`] },
    { name: 'cells', says: [cellsText(overview)] },
    { name: 'time', says: timeText(overview) },
    ...(overview.cost ? [{ name: 'CPU', says: [costText(overview.cost)] }] : []),
    ...(command.length > 0 ? [{ name: 'command', says: [code(commandText(command))] }] : []),
  ];
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Words as a shell takes them. */
export const commandText = (words: readonly string[]): string => words.map(quoted).join(' ');

function machineRows(seen: Environment): { name: string; says: Prose }[] {
  const virtual = seen.virtualization === 'none' ? '' : `, virtualized by ${seen.virtualization}`;
  const guest = seen.accelerator === 'none' ? '' : `, a guest under ${seen.accelerator}${clockText(seen)}`;
  const slow = seen.slowness > 1 ? `, timings expected ${formatNumber(seen.slowness)} times slower` : '';
  const memory = formatMemory(seen.memory);
  return [
    { name: 'kernel', says: [`Linux ${seen.kernel}, HZ ${seen.hz}`] },
    { name: 'distribution', says: [seen.distribution] },
    { name: 'machine', says: [`${seen.arch}, ${seen.cores} × ${seen.cpu}, ${memory}${virtual}${guest}${slow}`] },
    { name: 'with', says: [`Node ${bare(seen.node)}, iproute2 ${bare(seen.iproute2)}`] },
    ...(seen.wire
      ? [
          {
            name: 'wire',
            says: [
              `${wireCostText(seen.wire)}: measured before the first cell, while the wire delayed, lost and forged nothing`,
            ],
          },
        ]
      : []),
    {
      name: 'privilege',
      says: [seen.privileged ? 'root' : 'no root of the host: what only root can see is unknown'],
    },
  ];
}

/** When a run ran. */
export function whenText(sessions: RunView['sessions']): string {
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

function timeText({ wallSeconds, loadSeconds, longest }: Overview): Prose {
  const loads = loadSeconds > 0 ? `, ${formatElapsed(loadSeconds)} of it for loads` : '';
  const total = `${formatElapsed(wallSeconds)}${loads}`;
  if (!longest) return [total];
  return [`${total}; ${longestTook(loadSeconds, longest)} ${formatElapsed(longest.seconds)}: `, code(longest.id)];
}

/** Describes the CPU of a run; a short cell's own part are its samples, and its peers until they were asked to end. */
function costText(cost: Cost): string {
  const divided =
    'from the first cell on, CPU time that belongs to no single result is divided evenly among the results, and that of no single peer evenly among the peers';
  return `${totalText(cost)}${shortText(cost) ? `; ${shortText(cost)}; ${divided}` : ''}`;
}

/** What a list of settings is. */
export function settingsTitle(all: readonly Setting[]): string {
  const by = all.some(({ isAsked }) => isAsked) ? 'is set' : 'lingerlab sets';
  const marked = all.some(({ own }) => own !== undefined) ? `, and what ${by} there` : '';
  return `The kernel's settings in a fresh namespace${marked} (${all.length})`;
}

/** `net.ipv4.tcp_fin_timeout = 10, set as asked for; the kernel's own: 60`. */
export const settingText = (setting: Setting): string => `${setting.name} = ${setting.value}${pinnedText(setting)}`;

function pinnedText({ value, own, refused, isAsked }: Setting): string {
  if (own === undefined) return '';
  if (refused !== undefined) return `; the kernel refused ${refused}, which lingerlab sets`;
  const by = isAsked ? 'as asked for' : 'by lingerlab';
  return value === own ? `, set ${by}; the kernel's own is the same` : `, set ${by}; the kernel's own: ${own}`;
}
