import type { Environment, Run } from '../record/schema.ts';
import { type Cost, shortText, totalText, wireCostText } from './cost.ts';
import { formatElapsed, formatMemory, formatNumber, plural } from './format.ts';
import { environmentOf } from './gather.ts';
import { blocks, code, details, plain, table } from './markdown-text.ts';
import { bare, type Overview } from './overview.ts';

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
