import { formatSeconds } from '../../facts/values.ts';
import { type End, ends, otherEnd } from '../../tcp/states.ts';
import { head, line, px, xml } from '../ladder/marks.ts';
import type { Path } from '../ladder/parts.ts';
import { stateColors, styleFor } from '../ladder/style.ts';
import type { Sequence, SequenceRow } from '../model/sequence.ts';

type Step = Path[number];
type StateRow = Extract<SequenceRow, { kind: 'state' }>;

const width = 560;
/** Where each end's line stands, px, and the left edge of its states' band. */
const lineAt: Readonly<Record<End, number>> = { client: 190, server: 370 };
const bandWidth = 11;
const bandAt: Readonly<Record<End, number>> = { client: lineAt.client - bandWidth, server: lineAt.server };
const textAt: Readonly<Record<End, number>> = { client: bandAt.client - 6, server: lineAt.server + bandWidth + 6 };
const lineHeight = 13;
const titleCharacters = 70;

interface Placed {
  readonly row: SequenceRow;
  readonly y: number;
}

/**
 * Draws a course without a wire as an SVG that needs nothing else: each end's states down its side, and the segments whose place
 * the states fix. Times count from the first close.
 */
export function courseSvg({ opened, origin, rows }: Sequence, title: string): string {
  const titles = title.match(new RegExp(`.{1,${titleCharacters}}(?=[ ,/]|$)[ ,/]?`, 'g')) ?? [title];
  const headAt = 28 + 18 * titles.length;
  const top = headAt + 24;
  const { placed, bottom } = place(rows, origin, opened ? top + 26 : top);
  const open = opened ? ends.map((end) => stateText(end, top, ['ESTABLISHED'])) : [];
  const height = bottom + 28;
  const body = [
    `<rect class="paper" width="${width}" height="${px(height)}"/>`,
    ...titles.map((text, index) => line({ x: 14, y: 22 + 18 * index }, xml(text), { classes: 'title' })),
    ...ends.map((end) => line({ x: lineAt[end], y: headAt }, end, { classes: 'end', anchor: 'middle' })),
    ...ends.map((end) => `<path class="line" d="M${lineAt[end]} ${px(top - 14)}V${px(bottom)}"/>`),
    ...ends.flatMap((end) => bandsOf(end, placed, opened ? top - 4 : undefined, bottom)),
    ...open,
    ...placed.map(({ row, y }) =>
      row.kind === 'state' ? stateText(row.end, y, linesOf(row, origin)) : arrow(row.from, row.segment, y),
    ),
    line(
      { x: 14, y: bottom + 18 },
      `Times count from the first ${opened ? 'close' : 'state'}; they are not to scale.`,
      {
        classes: 'dim',
      },
    ),
  ].join('\n');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" viewBox="0 0 ${width} ${px(height)}" width="${width}" height="${px(height)}">`,
    `<title>States of both ends: ${xml(title)}</title>`,
    `<desc>${xml([...(opened ? ['Both ends are ESTABLISHED.'] : []), ...rows.map((row) => sentenceOf(row, origin))].join(' '))}</desc>`,
    `<style>${styleFor(body)}</style>`,
    body,
    '</svg>',
  ].join('\n')}\n`;
}

/** Each row below the one before; the text of an end's state does not reach into its next one's. */
function place(rows: readonly SequenceRow[], origin: number, top: number): { placed: Placed[]; bottom: number } {
  const free: Record<End, number> = { client: top, server: top };
  let y = top;
  const placed = rows.map((row): Placed => {
    if (row.kind === 'state') y = Math.max(y, free[row.end]);
    const at = y;
    if (row.kind === 'state') {
      free[row.end] = at + lineHeight * linesOf(row, origin).length + 6;
      y = at + lineHeight;
    } else y = at + 20;
    return { row, y: at };
  });
  return { placed, bottom: Math.max(y, free.client, free.server) };
}

function bandsOf(end: End, placed: readonly Placed[], openedAt: number | undefined, bottom: number): string[] {
  const own = placed.flatMap(({ row, y }) =>
    row.kind === 'state' && row.end === end ? [{ step: row.step, y: y - 4 }] : [],
  );
  const states = [
    ...(openedAt === undefined ? [] : [{ step: { state: 'ESTABLISHED', evidence: 'exact' } as const, y: openedAt }]),
    ...own,
  ];
  return states.map(({ step, y }, index) => {
    const color = stateColors[step.state];
    const height = (states[index + 1]?.y ?? bottom) - y;
    const vague = step.evidence === 'exact' ? '' : ' vague';
    const band = color
      ? `<rect x="${bandAt[end]}" y="${px(y)}" width="${bandWidth}" height="${px(height)}" fill="${color}"/>`
      : '';
    return `${band}<path class="edge${vague}" d="M${bandAt[end] - 2} ${px(y)}h${bandWidth + 4}"/>`;
  });
}

function stateText(end: End, y: number, texts: readonly string[]): string {
  const anchor = end === 'client' ? { anchor: 'end' as const } : {};
  return texts
    .map((text, index) =>
      line({ x: textAt[end], y: y + lineHeight * index }, xml(text), {
        classes: index === 0 ? 'state' : 'dim tick',
        ...anchor,
      }),
    )
    .join('');
}

function arrow(from: End, segment: string, y: number): string {
  const side = from === 'client' ? bandWidth : 0;
  const points = [
    { x: lineAt[from] + (from === 'client' ? 0 : -1) * side, y: y - 4 },
    { x: lineAt[otherEnd(from)], y: y + 8 },
  ];
  const [a, b] = points as [(typeof points)[number], (typeof points)[number]];
  const text = line({ x: (a.x + b.x) / 2, y: y - 3 }, segment, { classes: 'flags halo', anchor: 'middle' });
  return `<g class="${segment}"><path class="arrow" d="M${px(a.x)} ${px(a.y)}L${px(b.x)} ${px(b.y)}"/>${head(points)}${text}</g>`;
}

/** The state, when it was entered, and how that is known where it is not exactly. TIME-WAIT always is a mini-socket. */
export function linesOf({ step, mini }: StateRow, origin: number): string[] {
  const own = step.mini && step.state !== 'TIME-WAIT' ? ['mini-socket'] : [];
  const later = mini ? [`mini-socket from ${timeOf(mini, origin)}`] : [];
  return [step.state, timeOf(step, origin), ...own, ...later];
}

function timeOf({ at, notBefore, evidence }: Step, origin: number): string {
  const since = (ns: number): string => (ns === origin ? '0 ms' : `+${formatSeconds((ns - origin) / 1e9)}`);
  const isRange = notBefore !== undefined && since(Math.max(origin, notBefore)) !== since(at);
  const time = isRange ? `${since(Math.max(origin, notBefore))} to ${since(at)}` : since(at);
  return evidence === 'sampled' ? `${time} (sampled)` : time;
}

/** A row for who does not see it. */
export const sentenceOf = (row: SequenceRow, origin: number): string => {
  if (row.kind === 'segment') return `The ${row.from} sends ${row.segment}.`;
  const [state = '', ...rest] = linesOf(row, origin);
  return `The ${row.end} enters ${state} at ${rest.join(', ')}.`;
};
