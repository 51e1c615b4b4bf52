import type { SegmentRecord } from '../../record/schema.ts';
import { type Arrow, bandWidth, type Columns, type Layout, type Point } from './layout.ts';
import { type AsideRow, isCorrupt, type Ladder, type SegmentRow, type StateRow } from './parts.ts';
import { blocks, type DeedWords, deedText, isHeld, isOwn, optionsText, purposeOf } from './segment.ts';
import { type LadderWords, partsOf, type SegmentLabel } from './words.ts';

/** Text as XML has it. */
export const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A coordinate: a tenth of a px is enough, and the same everywhere. */
export const px = (value: number): string => String(Math.round(value * 10) / 10);

interface TextOptions {
  readonly classes?: string;
  readonly anchor?: 'middle' | 'end';
  /** Degrees. */
  readonly turn?: number;
}

/** A line of text; its content is XML. */
export function line(at: Point, content: string, { classes, anchor, turn }: TextOptions = {}): string {
  const named = classes ? ` class="${classes}"` : '';
  const anchored = anchor ? ` text-anchor="${anchor}"` : '';
  const turned = turn ? ` transform="rotate(${px(turn)} ${px(at.x)} ${px(at.y)})"` : '';
  return `<text x="${px(at.x)}" y="${px(at.y)}"${named}${anchored}${turned}>${content}</text>`;
}

const path = (points: readonly Point[]): string =>
  points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${px(x)} ${px(y)}`).join('');

const angleOf = (a: Point, b: Point): number => Math.atan2(b.y - a.y, b.x - a.x);

/** The head of an arrow at the last of its corners. */
export function head(points: readonly Point[]): string {
  const [from, tip] = points.slice(-2) as [Point, Point];
  const angle = angleOf(from, tip);
  const corner = (turn: number): Point => ({
    x: tip.x - 10 * Math.cos(angle + turn),
    y: tip.y - 10 * Math.sin(angle + turn),
  });
  return `<path class="head" d="${path([tip, corner(0.36), corner(-0.36)])}Z"/>`;
}

const cross = ({ x, y }: Point): string => `<path class="mark" d="M${px(x - 6)} ${px(y - 6)}l12 12m0 -12l-12 12"/>`;

const ring = ({ x, y }: Point): string => `<circle class="arrow paper" cx="${px(x)}" cy="${px(y)}" r="4"/>`;

const dot = ({ x, y }: Point): string => `<circle class="head" cx="${px(x)}" cy="${px(y)}" r="4"/>`;

/** A segment with its label, its mark and what the wire did; `whole`: pointing at it shows all that the record has of it. */
export function arrowMark(arrow: Arrow, columns: Columns, words: LadderWords, whole: boolean): string {
  const { row, points, ending } = arrow;
  const [segment] = row.segments;
  const tip = points.at(-1) as Point;
  const mark = ending === 'head' ? head(points) : ending === 'lost' ? cross(tip) : ring(tip);
  const classes = [purposeOf(segment), ...(ending === 'lost' ? ['lost'] : []), ...(isOwn(segment) ? ['own'] : [])];
  return [
    `<g class="${classes.join(' ')}">`,
    whole ? `<title>${xml(row.kind === 'run' ? words.run(row) : everythingOf(segment, words))}</title>` : '',
    `<path class="arrow" d="${path(points)}"/>`,
    isOwn(segment) ? dot(points[0]) : '',
    mark,
    label(arrow, columns, words),
    note(arrow, columns, words),
    '</g>',
  ].join('');
}

/** Characters that half an arrow has room for. */
const halfCharacters = 26;

/** A segment's label: in two lines where it has but half an arrow and is too long for that. */
export function labelLines(row: SegmentRow, half: boolean, words: LadderWords): string[] {
  // before one of its numbers, or a word, whichever is next to the middle
  const parts = row.kind === 'run' ? words.run(row).split(' ') : partsOf(words.label(row.segments[0]));
  const said = parts.join(' ');
  if (!half || said.length <= halfCharacters) return [said];
  const breaks = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join(' ').length);
  const fits = breaks.filter((at) => at <= halfCharacters + 4);
  const at = fits.sort((a, b) => Math.abs(a - said.length / 2) - Math.abs(b - said.length / 2))[0];
  return at === undefined ? [said] : [said.slice(0, at), said.slice(at + 1)];
}

/** Along its line and above it: in its middle where that is free, else beginning at an end. */
function label({ row, points: [a, b] }: Arrow, columns: Columns, words: LadderWords): string {
  const [segment] = row.segments;
  const classes = 'halo';
  const [left, right] = b.x < a.x ? [b, a] : [a, b];
  const angle = angleOf(left, right);
  const turn = (angle * 180) / Math.PI;
  const isWhole = right.x - left.x > columns.x.server - columns.x.client - 1 && !row.split;
  const lines = labelLines(row, !isWhole, words);
  const atClient = left.x === columns.x.client && (row.split ? segment.from === 'client' : true);
  return lines
    .map((said, index) => {
      const text = row.kind === 'run' || index > 0 ? xml(said) : boldFlags(said, words.label(segment));
      const up = -6 - 12 * (lines.length - 1 - index);
      if (isWhole) {
        const middle = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 + up };
        return line(middle, text, { classes, turn, anchor: 'middle' });
      }
      if (atClient) return line({ x: left.x + 8, y: left.y + 8 * Math.tan(angle) + up }, text, { classes, turn });
      const place = { x: right.x - 8, y: right.y - 8 * Math.tan(angle) + up };
      return line(place, text, { classes, turn, anchor: 'end' });
    })
    .join('');
}

/** The first line of a label: it begins with the flags, or with its connection's name before them. */
function boldFlags(text: string, { name, flags }: SegmentLabel): string {
  if (flags === '') return xml(text);
  return `${xml(name)}<tspan class="flags">${xml(flags)}</tspan>${xml(text.slice(name.length + flags.length))}`;
}

/** An ICMP message or another packet that is no segment, from the wire to an end. */
export function toldMark({ row, points }: Layout['told'][number], columns: Columns, words: LadderWords): string {
  const [a, b] = points;
  const [left, right] = b.x < a.x ? [b, a] : [a, b];
  const turn = (angleOf(left, right) * 180) / Math.PI;
  const [text = '', note = ''] = words.aside(row);
  const toClient = row.end === 'client';
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 - 6 };
  const beside = { x: columns.x.wire + (toClient ? 13 : -13), y: a.y + 4 };
  return [
    `<g class="RST own"><title>${xml(words.aside(row).join(', '))}</title>`,
    `<path class="arrow" d="${path(points)}"/>${dot(a)}${head(points)}`,
    line(middle, xml(text), { classes: 'halo', turn, anchor: 'middle' }),
    line(beside, xml(note), { classes: 'note halo', ...(toClient ? {} : { anchor: 'end' as const }) }),
    '</g>',
  ].join('');
}

/** What the wire did: in the half that its arrow leaves free, else below its line. */
function note({ row, points, ending }: Arrow, columns: Columns, words: LadderWords): string {
  const [segment] = row.segments;
  const deed = row.kind === 'run' ? undefined : words.deedParts(segment);
  const text = deed ? xml(deedText(deed)) : '';
  if (!deed || text === '') return '';
  const { wire, client } = columns.x;
  const [a, b] = points;
  if (points.length > 2 || (ending === 'kept' && isHeld(segment))) {
    const toLeft = segment.from === 'server';
    // beside where it waits, away from the other end's
    const at = { x: b.x + (toLeft ? 10 : -10), y: b.y + 20 };
    return line(at, text, { classes: 'note halo', ...(toLeft ? {} : { anchor: 'end' as const }) });
  }
  const leftFree = isOwn(segment) ? segment.from === 'client' : segment.from === 'server';
  const free = { x: wire + (leftFree ? -13 : 13), y: (isOwn(segment) ? a.y : b.y) + 4 };
  if (ending !== 'head' || isOwn(segment)) return noteLines(deed, free, leftFree);
  const middle = { x: (client + columns.x.server) / 2, y: (a.y + b.y) / 2 + 14 };
  return line(middle, text, { classes: 'note halo', anchor: 'middle' });
}

/** A long note takes two lines, broken between its parts or in its middle. */
function noteLines(deed: DeedWords, at: Point, leftFree: boolean): string {
  const anchor = leftFree ? { anchor: 'end' as const } : {};
  const classes = 'note halo';
  const text = xml(deedText(deed));
  if (text.length <= 30) return line(at, text, { classes, ...anchor });
  const middle = text.indexOf(' ', text.length / 2 - 3);
  const [first, second] =
    deed.more === '' ? [text.slice(0, middle), text.slice(middle + 1)] : [`${xml(deed.what)}:`, xml(deed.more)];
  return (
    line({ ...at, y: at.y + 2 }, first, { classes, ...anchor }) +
    line({ ...at, y: at.y + 16 }, second, { classes, ...anchor })
  );
}

/** All that the record has of a segment. */
function everythingOf(segment: SegmentRecord, words: LadderWords): string {
  const { n, t, arrived, window } = segment;
  const options = optionsText(segment);
  return [
    words.segment(segment),
    `window ${window}`,
    ...(options === '' ? [] : [options]),
    `sent ${words.time(t)}`,
    ...(arrived === undefined ? [] : [`arrived ${words.time(arrived)}`]),
    words.deed(segment) || 'carried',
    `number ${n} of the capture`,
  ].join(', ');
}

/** Characters that a line beside an end takes. */
const besideCharacters = 18;

/** What stands beside an end: a state's name and how it is known, or what its application did. */
export function besideLines(row: StateRow | AsideRow, words: LadderWords, ladder: Ladder): string[] {
  if (row.kind === 'aside') return words.aside(row).flatMap((text) => wrapped(text, besideCharacters));
  return [row.step.state, ...enteredLines(row, words, ladder.stateName(row.label))];
}

/** These at their end. */
export function besideMark(
  { columns }: Layout,
  ladder: Ladder,
  { row, y }: Layout['states'][number] | Layout['asides'][number],
  words: LadderWords,
): string {
  const x = columns.names[row.end];
  const anchor = row.end === 'client' ? { anchor: 'end' as const } : {};
  const name = row.kind === 'state' ? 'state halo' : 'note halo';
  const corrupt = row.kind === 'aside' && isCorrupt(row);
  const texts = besideLines(row, words, ladder).map((text, index) => {
    const classes = corrupt ? 'state alarm halo' : index === 0 ? name : 'dim tick halo';
    return line({ x, y: y + 4 + 13 * index }, xml(text), { classes, ...anchor });
  });
  const x0 = columns.band(row.end, row.label);
  const notched = row.kind === 'aside' && row.says === 'restarts';
  return (corrupt ? alarm(x0 + bandWidth / 2, y) : notched ? notch(x0, y) : '') + texts.join('');
}

/** A mark on the states of an end whose application read what it was not sent. */
const alarm = (x: number, y: number): string => `<path class="alarm" d="M${px(x - 9)} ${px(y)}l9 -9 9 9 -9 9Z"/>`;

/** A band begins anew: cut into from both sides. */
const notch = (x: number, y: number): string => {
  const side = (at: number, depth: number): string => `M${px(at)} ${px(y - 5)}l${depth} 5 ${-depth} 5Z`;
  return `<path class="paper notch" d="${side(x - 1, 5)}${side(x + bandWidth + 1, -5)}"/>`;
};

/** The end of a range, and how it is known, stand below its beginning. */
function enteredLines(row: StateRow, words: LadderWords, label: string): string[] {
  const { since, isLater, at, sampled } = words.when(row);
  const times = since === undefined ? [at] : isLater ? [since, `to ${at}`] : [`${since} to ${at}`];
  const [time = '', ...rest] = [...times, ...(sampled ? ['sampled'] : []), ...words.notes(row)];
  return [label === '' ? time : `${label} · ${time}`, ...rest].flatMap((text) => wrapped(text, besideCharacters));
}

/** Where an application's call held its thread: a line outside of its end's states. */
export function blockedMarks({ states, asides, columns, bottom }: Layout): string[] {
  const begun = [...states, ...asides].flatMap(({ row, y }) => {
    const call =
      row.kind === 'state' ? row.call : row.aside.what === 'close' && row.says === 'calls' ? row.aside : undefined;
    return call && blocks(call) ? [{ call, end: row.end, y }] : [];
  });
  return begun.map(({ call, end, y }) => {
    const back = asides.find(({ row }) => row.says === 'returns' && row.aside === call);
    const x = columns.names[end] + (end === 'client' ? 2.5 : -2.5);
    return `<path class="blocked" d="M${px(x)} ${px(y)}V${px(back?.y ?? bottom)}"/>`;
  });
}

/** Text in lines of at most so many characters, as even as they can be. */
export function wrapped(text: string, most: number): string[] {
  const count = Math.ceil(text.length / most);
  if (count <= 1) return [text];
  const even = Math.max(text.length / count, most - 6);
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    const longer = last === '' ? word : `${last} ${word}`;
    if (last !== '' && (longer.length > most || last.length >= even)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
