import { formatElapsed, plural } from '../format.ts';
import { reasonText } from '../reason.ts';
import { doneCount, type Finished, fractionDone, type ProgressState, secondsLeft } from './state.ts';

/** Most of the bar's cells that a wide terminal shows. */
const barWidth = 24;

/** The live display: how far the run is, what is at work, what only waits; each line fits into `width` characters. */
export function liveLines(state: ProgressState, now: number, width: number): string[] {
  const { working, waits } = split(state, now);
  const lines = [`${bar(fractionDone(state))} ${summary(state, now)}`];
  if (working.length > 0) lines.push(`at work  ${fitting(working, width - 9)}`);
  if (waits.length > 0) {
    const [first, ...others] = waits
      .sort((a, b) => a.until - b.until)
      .map(({ id, until }) => `${id} (${left(until, now)})`);
    lines.push(`waiting  ${fitting([first as string, ...others], width - 9)}`);
  }
  return lines.map((line) => cut(line, width));
}

/** One line for an output that keeps every line: `34 of 124 cells (27 %), 8 at work, 20 waiting, about 1 min 5 s left`. */
export const plainLine = (state: ProgressState, now: number): string => summary(state, now);

/** What is said at once of a cell that did not run; undefined for one that did. */
export function finishedLine(cell: Finished): string | undefined {
  const { id, status, reason } = cell;
  return status === 'ran'
    ? undefined
    : `${status === 'errored' ? '✗' : '–'} ${id} ${status}${reason ? `: ${reasonText(cell)}` : ''}`;
}

/** The last line: `124 cells in 1 min 12 s, 2 errored`. */
export function lastLine(state: ProgressState, now: number): string {
  const { unsupported, errored } = state.done;
  const done = doneCount(state);
  const count = done === state.total ? counted(state) : `${done} of ${counted(state)}`;
  const parts = [`${count} in ${formatElapsed((now - state.startedAt) / 1000)}`];
  if (unsupported > 0) parts.push(`${unsupported} unsupported`);
  if (errored > 0) parts.push(`${errored} errored`);
  return parts.join(', ');
}

/** Cells; where some run more than once, their results are what is counted. */
const counted = ({ total, expected }: ProgressState): string =>
  plural(total, expected.size > 0 && expected.size < total ? 'result' : 'cell');

function summary(state: ProgressState, now: number): string {
  const { working, waits } = split(state, now);
  const seconds = secondsLeft(state, now);
  const percent = Math.floor(fractionDone(state) * 100);
  const parts = [`${doneCount(state)} of ${counted(state)} (${percent} %)`];
  if (working.length > 0) parts.push(`${working.length} at work`);
  if (waits.length > 0) parts.push(`${waits.length} waiting`);
  if (state.done.errored > 0) parts.push(`${state.done.errored} errored`);
  if (seconds !== undefined && doneCount(state) < state.total) parts.push(`about ${wholeSeconds(seconds)} left`);
  return parts.join(', ');
}

/** A cell whose wait should be over is at work again. */
function split({ active }: ProgressState, now: number): { working: string[]; waits: { id: string; until: number }[] } {
  const working: string[] = [];
  const waits: { id: string; until: number }[] = [];
  for (const [id, { waitsUntil }] of active) {
    if (waitsUntil === undefined || waitsUntil <= now) working.push(id);
    else waits.push({ id, until: waitsUntil });
  }
  return { working, waits };
}

/** Never 0: the last seconds of a run are counted down in seconds. */
const wholeSeconds = (seconds: number): string => {
  const whole = Math.max(1, Math.ceil(seconds));
  return whole < 10 ? `${whole} s` : formatElapsed(whole);
};

const left = (until: number, now: number): string => `${Math.max(0, Math.ceil((until - now) / 1000))} s`;

function bar(fraction: number): string {
  const full = Math.floor(fraction * barWidth);
  return '━'.repeat(full) + '─'.repeat(barWidth - full);
}

/** As many as fit, and how many more there are. */
function fitting(names: readonly string[], width: number): string {
  let text = '';
  for (const [index, name] of names.entries()) {
    const more = names.length - index - 1;
    const next = text === '' ? name : `${text}, ${name}`;
    const rest = more > 0 ? ` and ${more} more` : '';
    if (text !== '' && next.length + rest.length > width) return `${text} and ${names.length - index} more`;
    text = next;
  }
  return text;
}

const cut = (line: string, width: number): string =>
  line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
