import { type End, ends } from '../../tcp/states.ts';
import { gapText, omittedText, pauseText } from './counts.ts';
import { ladderOf } from './ladder.ts';
import { type AcrossRow, bandWidth, type Layout } from './layout.ts';
import {
  arrowMark,
  besideLines,
  besideMark,
  blockedMarks,
  labelLines,
  line,
  px,
  toldMark,
  wrapped,
  xml,
} from './marks.ts';
import { isPacket, type Ladder, type LadderRow, type Wired } from './parts.ts';
import { layoutOf } from './pen.ts';
import { isOwn } from './segment.ts';
import { stateColors, styleFor } from './style.ts';
import { probe } from './windows.ts';
import { again, type LadderWords, wordsFor } from './words.ts';

/** Characters that a line of the title takes. */
const titleCharacters = 92;

/** Characters that a line of a box takes. */
const boxCharacters = 48;

/**
 * A cell's ladder as an SVG that needs nothing else: states down the sides, segments between them slanted by their time on
 * the way, what the wire did to them; in the colors of a light or a dark page. `brief` leaves out what only a pointer or a
 * screen reader shows: a third of its bytes.
 */
export function ladderSvg(record: Wired, { brief = false }: { readonly brief?: boolean } = {}): string {
  const ladder = ladderOf(record);
  const words = wordsFor(ladder);
  const title = titleLines(record.id);
  const headAt = 34 + 18 * title.length;
  const layout = layoutOf(ladder, headAt + 22, {
    beside: (row) => besideLines(row, words, ladder).length - 1,
    across: (row) => boxLines(acrossText(row, words)).length,
    label: (row, half) => labelLines(row, half, words).length,
    noted: (row) => row.kind === 'segment' && words.deed(row.segments[0]) !== '',
  });
  const notes = legend(ladder, words);
  const height = layout.height + 20 + 16 * notes.length;
  const { width } = layout.columns;
  const body = [
    `<rect class="paper" width="${width}" height="${px(height)}"/>`,
    ...title.map((text, index) => line({ x: 16, y: 24 + 18 * index }, xml(text), { classes: 'title' })),
    ...heads(layout, headAt),
    ...ends.flatMap((end) => bands(layout, ladder, end)),
    ...blockedMarks(layout),
    ...layout.across.filter(({ row }) => row.kind === 'pause').map((pause) => tear(layout, pause.y)),
    ...layout.ticks.map((tick) => tickMark(layout, tick, words)),
    ...layout.arrows.map((arrow) => arrowMark(arrow, layout.columns, words, !brief)),
    ...layout.across.map((each) => acrossMark(layout, each, words)),
    ...layout.told.map((each) => toldMark(each, layout.columns, words)),
    ...[...layout.states, ...layout.asides].map((each) => besideMark(layout, ladder, each, words)),
    ...notes.map((text, index) => line({ x: 16, y: layout.height + 18 + 16 * index }, xml(text), { classes: 'dim' })),
  ]
    .filter((part) => part !== '')
    .join('\n');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" viewBox="0 0 ${width} ${px(height)}" width="${width}" height="${px(height)}">`,
    `<title>Sequence diagram of ${xml(record.id)}</title>`,
    ...(brief ? [] : [`<desc>${xml(ladder.rows.map((row) => `${sentenceOf(row, words)}.`).join(' '))}</desc>`]),
    `<style>${styleFor(body)}</style>`,
    body,
    '</svg>',
  ].join('\n')}\n`;
}

/** A cell's id, broken between its factors. */
function titleLines(id: string): string[] {
  const lines = [''];
  for (const part of id.split(/(?<=[/,])/)) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + part.length > titleCharacters) lines.push(part);
    else lines[lines.length - 1] = last + part;
  }
  return lines;
}

/** The ends and the wire with their lines; time at the left. */
function heads({ columns: { axis, x }, top, bottom }: Layout, y: number): string[] {
  const vertical = (at: number, classes: string): string =>
    `<path class="${classes}" d="M${px(at)} ${px(top - 14)}V${px(bottom)}"/>`;
  return [
    vertical(axis, 'line'),
    line({ x: axis - 6, y }, 'time', { classes: 'dim', anchor: 'end' }),
    vertical(x.client, 'line'),
    vertical(x.server, 'line'),
    vertical(x.wire, 'line dots'),
    line({ x: x.wire, y }, 'wire', { classes: 'dim', anchor: 'middle' }),
    ...ends.map((end) => line({ x: x[end], y }, end, { classes: 'end', anchor: 'middle' })),
  ];
}

/** An end's states as bands, each from its entry to the next. */
function bands({ states, columns, bottom }: Layout, { labels }: Ladder, end: End): string[] {
  return labels.flatMap((label) => {
    const own = states.filter(({ row }) => row.end === end && row.label === label);
    const x = columns.band(end, label);
    return own.map(({ row: { step }, y }, index) => {
      const color = stateColors[step.state];
      const height = (own[index + 1]?.y ?? bottom) - y;
      const vague = step.evidence === 'exact' ? '' : ' vague';
      const edge = `<path class="edge${vague}" d="M${px(x - 2)} ${px(y)}h${bandWidth + 4}"/>`;
      return `${color ? `<rect x="${px(x)}" y="${px(y)}" width="${bandWidth}" height="${px(height)}" fill="${color}"/>` : ''}${edge}`;
    });
  });
}

function tickMark({ columns: { axis } }: Layout, { at, y }: Layout['ticks'][number], words: LadderWords): string {
  return `<path class="line" d="M${px(axis - 4)} ${px(y)}h8"/>${line({ x: axis - 7, y: y + 4 }, xml(words.time(at)), { classes: 'dim tick', anchor: 'end' })}`;
}

/** Time goes on unseen: everything that lasts is torn. */
function tear({ columns: { axis, width } }: Layout, y: number): string {
  const waves = Math.floor((width - axis - 18) / 24);
  const wave = (at: number): string => `M${px(axis - 6)} ${px(at)}${'q6 -5 12 0t12 0'.repeat(waves)}`;
  const right = axis - 6 + waves * 24;
  return `<rect class="paper" x="${px(axis - 6)}" y="${px(y - 5)}" width="${px(right - axis + 6)}" height="10"/><path class="line" d="${wave(y - 5)}${wave(y + 5)}"/>`;
}

function acrossMark({ columns: { x } }: Layout, { row, y }: Layout['across'][number], words: LadderWords): string {
  const text = acrossText(row, words);
  if (row.kind === 'pause')
    return line({ x: x.wire, y: y + 4 }, xml(text), { classes: 'state halo', anchor: 'middle' });
  const lines = boxLines(text);
  const half = 9 + 7 * lines.length;
  const [left, right] = [x.client + 10, x.server - 10];
  const box = `<rect class="box" x="${px(left)}" y="${px(y - half)}" width="${px(right - left)}" height="${px(2 * half)}" rx="4"/>`;
  const first = y + 4 - 7 * (lines.length - 1);
  const classes = row.kind === 'begins' ? { classes: 'state' } : {};
  const shown = lines.map((each, index) =>
    line({ x: x.wire, y: first + 14 * index }, xml(each), { anchor: 'middle', ...classes }),
  );
  return box + shown.join('');
}

const boxLines = (text: string): string[] => wrapped(text, boxCharacters);

function acrossText(row: AcrossRow, words: LadderWords): string {
  switch (row.kind) {
    case 'pause':
      return pauseText(row);
    case 'gap':
      return gapText(row);
    case 'omitted':
      return omittedText(row);
    case 'begins':
      return words.begins(row);
    default:
      return words.run(row);
  }
}

/** A row for who does not see it. */
function sentenceOf(row: LadderRow, words: LadderWords): string {
  if (row.kind === 'state') return `The ${row.end} enters ${words.state(row)} at ${words.entered(row).join(', ')}`;
  if (row.kind === 'arrival') return `At ${words.time(row.at)} arrives: ${words.arrival(row)}`;
  if (row.kind === 'aside') return `At the ${row.end}: ${words.aside(row).join(', ')}`;
  if (row.kind !== 'segment') return acrossText(row, words);
  const [segment] = row.segments;
  const deed = words.deed(segment);
  const who = isOwn(segment) ? 'The wire' : `The ${segment.from}`;
  return `${who} sends ${words.segment(segment)} at ${words.time(row.at)}${deed === '' ? '' : `, ${deed}`}`;
}

/** What the marks that it has mean. */
function legend({ rows }: Ladder, words: LadderWords): string[] {
  const segments = rows.flatMap((row) => (row.kind === 'segment' ? row.segments : []));
  const hasRepeats = segments.some((segment) => words.label(segment).mark === again);
  const hasProbes = segments.some((segment) => words.label(segment).mark === probe);
  const isFull = rows.some((row) => row.kind === 'state' && row.full !== undefined);
  const isRestarted = rows.some((row) => row.kind === 'aside' && row.says === 'restarts');
  const isBlocked = rows.some((row) => row.kind === 'aside' && row.says === 'returns');
  const isVague = rows.some((row) => row.kind === 'state' && row.step.evidence !== 'exact');
  return [
    'Times count from the first row; arrows fall with their time on the way; neither is to scale.',
    ...(segments.some(isOwn) || rows.some((row) => row.kind === 'aside' && isPacket(row))
      ? ['Dashed from the middle: not sent by an end, but made by the wire.']
      : []),
    ...(hasRepeats ? [`${again}: the same end had sent the same before.`] : []),
    ...(hasProbes
      ? [`${probe}: asks, by a number that was acknowledged long since, whether a closed window is open.`]
      : []),
    ...(words.numbers ? [`Numbers count from each connection's own first: ${words.numbers}.`] : []),
    ...(isFull
      ? ['SYN-RECEIVED begins where the wire saw its SYN ACK: a mini-socket, until the ACK made a full socket.']
      : []),
    ...(isRestarted
      ? ['A notch, 60 s again: a retransmitted FIN restarts the minute of TIME-WAIT (RFC 9293 §3.10.7.4).']
      : []),
    ...(isBlocked ? ['A line beside the states: the application is blocked in its call.'] : []),
    ...(isVague ? ['A state with a broken edge was entered at some time in its range.'] : []),
  ];
}
