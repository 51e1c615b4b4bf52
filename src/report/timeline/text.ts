import { visible } from '../../text/visible.ts';
import { formatElapsed, plural } from '../format.ts';
import { reasonText } from '../reason.ts';
import { hang, type Style, styleOf } from '../terminal/lines.ts';
import type { Entry, Timeline } from './timeline.ts';

interface Options {
  readonly color: boolean;
  /** Characters in a line. */
  readonly width: number;
  /** Every event has a line, with all that is known of it. */
  readonly all: boolean;
}

const tones = { state: 'cyan', alarm: 'red', wire: 'yellow', plain: undefined, aside: 'dim' } as const;
const statusColors = { ran: 'green', unsupported: 'yellow', errored: 'red' } as const;

/** A timeline for a terminal, line by line: time, who saw or did it, what happened. */
export function* timelineLines(timeline: Timeline, { color, width, all }: Options): Generator<string> {
  const style = styleOf(color);
  const { entries } = timeline;
  yield* headLines(timeline, width, style);
  if (entries.length === 0) {
    yield 'No event was recorded.';
    return;
  }
  const times = Math.max(4, ...[entries[0], entries.at(-1)].map((entry) => timeText(entry?.ms ?? 0).length));
  const lanes = entries.reduce((most, { lane }) => Math.max(most, visible(lane).length), 4);
  yield '';
  yield style('dim', `${'ms'.padStart(times)}  ${'lane'.padEnd(lanes)}  what happened`);
  for (const entry of entries) yield* entryLines(entry, { times, lanes, width, all, style });
  yield '';
  yield* footLines(timeline, width, style);
}

const timeText = (ms: number): string => ms.toFixed(3);

function headLines(
  { id, repeat, status, reason, seconds, connections }: Timeline,
  width: number,
  style: Style,
): string[] {
  const title = `${style('bold', visible(id))}  repeat ${repeat} · ${style(statusColors[status], status)} · ${formatElapsed(seconds)}`;
  const why =
    reason === undefined
      ? []
      : hang('  ', visible(reasonText({ status, reason })), width).map((line) => style('red', line));
  const ends = connections
    .slice(0, mostConnections)
    .map(({ label, client, server }) =>
      visible(`  ${label === '' ? '' : `${label}: `}client ${client}, server ${server}`),
    );
  const more = connections.length - ends.length;
  return [title, ...why, ...ends, ...(more > 0 ? [`  and ${plural(more, 'more connection')}`] : [])];
}

/** The head lists so many; the others have their `connection` entries. */
const mostConnections = 4;

function entryLines(
  { ms, untilMs, lane, text, tone, more }: Entry,
  { times, lanes, width, all, style }: Omit<Options, 'color'> & { times: number; lanes: number; style: Style },
): string[] {
  const head = `${timeText(ms).padStart(times)}  ${visible(lane).padEnd(lanes)}  `;
  const until = untilMs === undefined || untilMs === ms ? '' : `, until ${timeText(untilMs)}`;
  const detail = all && more !== undefined ? ` [${more}]` : '';
  const format = tones[tone];
  return hang(head, visible(text + until + detail), width).map((line, index) => {
    const body = line.slice(head.length);
    const shown = format === undefined ? body : style(format, body);
    return index === 0 ? head + shown : ' '.repeat(head.length) + shown;
  });
}

function footLines({ events, folded, reason, status }: Timeline, width: number, style: Style): string[] {
  const rest =
    folded === 0
      ? ''
      : `; ${plural(folded, 'of them is', 'of them are')} counted together or left out: --all shows each`;
  const why =
    status === 'errored' && reason !== undefined
      ? hang('errored: ', visible(reasonText({ status, reason })), width, 2)
      : [];
  return [...why.map((line) => style('red', line)), ...hang('', `${plural(events, 'event')}${rest}`, width)];
}
