import type { SegmentRecord } from '../record/schema.ts';
import { purposeOf } from './ladder-folds.ts';
import type { Arrow, Columns, Point } from './ladder-layout.ts';
import { isOwn } from './ladder-moments.ts';
import type { LadderWords } from './ladder-words.ts';

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

function head(points: readonly Point[]): string {
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

/** A segment with its label, its mark and what the wire did; pointing at it shows all that the record has of it. */
export function arrowMark(arrow: Arrow, columns: Columns, words: LadderWords): string {
  const { row, points, ending } = arrow;
  const [segment] = row.segments;
  const tip = points.at(-1) as Point;
  const mark = ending === 'head' ? head(points) : ending === 'lost' ? cross(tip) : ring(tip);
  const classes = [purposeOf(segment), ...(ending === 'lost' ? ['lost'] : []), ...(isOwn(segment) ? ['own'] : [])];
  return [
    `<g class="${classes.join(' ')}">`,
    `<title>${xml(row.kind === 'run' ? words.run(row) : everythingOf(segment, words))}</title>`,
    `<path class="arrow" d="${path(points)}"/>`,
    isOwn(segment) ? dot(points[0]) : '',
    mark,
    label(arrow, columns, words),
    note(arrow, columns, words),
    '</g>',
  ].join('');
}

/** Characters that half an arrow has room for. */
const halfCharacters = 28;

/** Along its line and above it: in its middle where that is free, else beginning at an end. */
function label({ row, points: [a, b] }: Arrow, columns: Columns, words: LadderWords): string {
  const [segment] = row.segments;
  const said = row.kind === 'run' ? words.run(row) : words.segment(segment);
  const text = boldFlags(said, segment);
  const classes = said.length > halfCharacters ? 'halo small' : 'halo';
  const [left, right] = b.x < a.x ? [b, a] : [a, b];
  const angle = angleOf(left, right);
  const turn = (angle * 180) / Math.PI;
  const isWhole = right.x - left.x > columns.x.server - columns.x.client - 1 && !row.split;
  const up = -6;
  if (isWhole) {
    const middle = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 + up };
    return line(middle, text, { classes: 'halo', turn, anchor: 'middle' });
  }
  const atClient = left.x === columns.x.client && (row.split ? segment.from === 'client' : true);
  if (atClient) return line({ x: left.x + 8, y: left.y + 8 * Math.tan(angle) + up }, text, { classes, turn });
  const place = { x: right.x - 8, y: right.y - 8 * Math.tan(angle) + up };
  return line(place, text, { classes, turn, anchor: 'end' });
}

function boldFlags(text: string, { flags }: SegmentRecord): string {
  const bold = xml(flags.join(' '));
  return xml(text).replace(bold, () => `<tspan class="flags">${bold}</tspan>`);
}

/** What the wire did: in the half that its arrow leaves free, else below its line. */
function note({ row, points, ending }: Arrow, columns: Columns, words: LadderWords): string {
  const [segment] = row.segments;
  const text = xml(row.kind === 'run' ? '' : words.deed(segment));
  if (text === '') return '';
  const { wire, client } = columns.x;
  const [a, b] = points;
  if (points.length > 2 || (ending === 'kept' && segment.deed === 'held')) {
    const toLeft = segment.from === 'server';
    // beside where it waits, away from the other end's
    const at = { x: b.x + (toLeft ? 10 : -10), y: b.y + 20 };
    return line(at, text, { classes: 'note halo', ...(toLeft ? {} : { anchor: 'end' as const }) });
  }
  const leftFree = isOwn(segment) ? segment.from === 'client' : segment.from === 'server';
  const free = { x: wire + (leftFree ? -13 : 13), y: (isOwn(segment) ? a.y : b.y) + 4 };
  if (ending !== 'head' || isOwn(segment)) return wrapped(text, free, leftFree);
  const middle = { x: (client + columns.x.server) / 2, y: (a.y + b.y) / 2 + 14 };
  return line(middle, text, { classes: 'note halo', anchor: 'middle' });
}

/** A long note takes two lines, broken at its colon or in its middle. */
function wrapped(text: string, at: Point, leftFree: boolean): string {
  const anchor = leftFree ? { anchor: 'end' as const } : {};
  const classes = 'note halo';
  if (text.length <= 30) return line(at, text, { classes, ...anchor });
  const colon = text.indexOf(': ') + 1;
  const split = colon > 0 ? colon : text.indexOf(' ', text.length / 2 - 3);
  const [first, second] = [text.slice(0, split), text.slice(split + 1)];
  return (
    line({ ...at, y: at.y + 2 }, first, { classes, ...anchor }) +
    line({ ...at, y: at.y + 16 }, second, { classes, ...anchor })
  );
}

/** All that the record has of a segment. */
function everythingOf(segment: SegmentRecord, words: LadderWords): string {
  const { n, t, arrived, window, options } = segment;
  return [
    words.segment(segment),
    `window ${window}`,
    ...(options ? [options] : []),
    `sent ${words.time(t)}`,
    ...(arrived === undefined ? [] : [`arrived ${words.time(arrived)}`]),
    words.deed(segment) || 'carried',
    `number ${n} of the capture`,
  ].join(', ');
}
