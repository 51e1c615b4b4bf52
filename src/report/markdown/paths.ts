import { formatCount } from '../../facts/values.ts';
import type { OddPackets } from '../../record/schema.ts';
import { type End, ends } from '../../tcp/states.ts';
import { plural } from '../format.ts';
import type { Closing, CourseView, Example, LadderView, Paths } from '../model/courses.ts';
import type { Losses } from '../model/losses.ts';
import type { ExperimentView } from '../model/report.ts';
import { placeText, whichText } from '../which-cells.ts';
import { besideReport, drawingName } from './drawings.ts';
import { blocks, code, details, image, link, plain, table } from './text.ts';

type WithPaths = Pick<ExperimentView, 'id' | 'paths'>;

/** What a drawing of each kind is called; its plural is the title, and so the anchor, of the part of an experiment's page. */
const drawingWords = {
  ladders: ['sequence diagram', 'sequence diagrams'],
  courses: ['sequence of states', 'sequences of states'],
} as const;

/** What the ends went through, to open on a click: the first drawing, links to the others, and to the page that says more of each. */
export function markdownPaths({ id, paths }: WithPaths, drawn: ReadonlySet<string>, page: string): string {
  if (!paths) return '';
  const items = titlesOf(paths).map(({ short }, index) => ({ short, name: drawingName(id, index) }));
  const shown = items.filter(({ name }) => drawn.has(name));
  const [first] = shown;
  const [one, several] = drawingWords[paths.kind];
  const all = items.length === 1 ? 'Its closing segments' : `All ${items.length} with their closing segments`;
  const more = link(all, `${page}#${several.replaceAll(' ', '-')}`);
  const body = blocks(
    first && image(`${capital(one)}: ${plainly(first.short)}`, `${besideReport}/${first.name}`),
    shown.map(({ short, name }) => `- ${link(short, `${besideReport}/${name}`)}`).join('\n'),
    shown.length < items.length
      ? `${more}; ${drawnText(shown.length, items.length)} drawn here: the size of a kept run is limited.`
      : `${more}.`,
    paths.kind === 'ladders' &&
      paths.without &&
      `No packet crossed the wire in ${whichText(paths.without, code)}: there is no diagram.`,
  );
  return details(headOf(paths), body);
}

const headOf = (paths: Paths): string =>
  paths.kind === 'ladders'
    ? `**What the wire carried**: ${plural(paths.ladders.length, ...drawingWords.ladders)} for ${plural(paths.cells, 'cell')}`
    : `**What the two ends went through**: ${plural(paths.courses.length, ...drawingWords.courses)}`;

/** How many of an experiment's drawings its report has, before the word drawn. */
const drawnText = (shown: number, all: number): string =>
  all === 1 ? 'it is not' : `${shown === 0 ? 'none' : shown} of them ${shown > 1 ? 'are' : 'is'}`;

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** Every ladder or course of an experiment: whose it is, its closing segments, and its drawing where it has one. */
export function pathList({ id, paths }: WithPaths, drawn: ReadonlySet<string>): string {
  if (!paths) return '';
  const titles = titlesOf(paths);
  const bodies = paths.kind === 'ladders' ? paths.ladders.map(ladderText) : paths.courses.map(courseText);
  const items = titles.map(({ long }, index) => {
    const name = drawingName(id, index);
    const picture = drawn.has(name) ? `[Drawing](${name}). ` : '';
    return `- ${long}. ${picture}${bodies[index]}`;
  });
  const isWhole = titles.every((_, index) => drawn.has(drawingName(id, index)));
  return blocks(
    `## ${capital(drawingWords[paths.kind][1])}`,
    paths.kind === 'ladders' && 'Cells with the same segments, states and deeds of the wire share one.',
    paths.kind === 'ladders' && !isWhole && 'Those without a drawing: `lingerlab report RUN --ladder CELL` draws each.',
    items.join('\n'),
  );
}

/** Which cells or outcomes each is of: in a few words, and whole. */
const titlesOf = (paths: Paths): { short: string; long: string }[] =>
  paths.kind === 'ladders'
    ? paths.ladders.map((ladder) => ({ short: ladderTitle(ladder, 1), long: ladderTitle(ladder, ladder.cells.length) }))
    : paths.courses.map((course) => ({ short: courseTitle(course), long: courseTitle(course) }));

function ladderTitle({ cells, results, isBroken }: LadderView, most: number): string {
  const name =
    cells.length > most
      ? `${code(cells[0] ?? '')} and ${plural(cells.length - 1, 'more cell')}`
      : cells.map(code).join('; ');
  return `${name}${isBroken ? ', which errored' : ''}${results === undefined ? '' : `, ${plural(results, 'result')}`}`;
}

/** What the wire saw, all connections together. */
function ladderText({ connections, example, odd }: LadderView): string {
  const said = connections.map((each) => `${each.label === '' ? '' : `${code(each.label)}: `}${closingSegments(each)}`);
  const closing = said.length === 0 ? '' : `Closing segments sent: ${said.join('; ')}. `;
  return `${closing}${timesText(example)}${oddText(odd)}`;
}

/** How often it was taken and where: by the outcomes that it led to, or by cells. */
function courseTitle({ results, labels, letters, where }: CourseView): string {
  const times = plural(results, 'result');
  const which = labels.length === 0 ? '' : `${labels.map(code).join(', ')}: `;
  return where === undefined
    ? `**${letters.join(', ')}**: ${which}${times}`
    : `${which}${results > 1 ? `${times}, ` : ''}${whichText(where, code, 1)}`;
}

const courseText = ({ connection, example }: CourseView): string =>
  `Closing segments sent: ${closingSegments(connection)}. ${timesText(example, connection.label)}`;

/** Without marks, as the text of an image has it. */
const plainly = (text: string): string => text.replace(/[`*[\]]/g, '').replace(/<\/?code>/g, '');

/** Whose times are drawn. */
function timesText({ cell, repeat }: Example, label = ''): string {
  const nth = repeat === undefined ? '' : `, repeat ${formatCount(repeat)}`;
  return `The times are those of ${code(cell)}${nth}${label === '' ? '' : `, connection ${code(label)}`}.`;
}

const whatIsOdd: Readonly<Record<keyof OddPackets, string>> = {
  others: 'of the ends that were no segment',
  othersOwn: "of the wire's own that were no segment",
  refused: 'of the ends that the kernel refused',
  refusedOwn: "of the wire's own that it refused",
  refusedAsExpected: 'that the kernel refused as expected',
};

/** ` Packets besides: of the ends that were no segment (no-tcp 3).` Nothing where all were segments that the kernel took. */
function oddText(odd: OddPackets): string {
  const told = (Object.keys(whatIsOdd) as (keyof OddPackets)[]).flatMap((name) => {
    const counts = Object.entries(odd[name] ?? {}).map(([why, count]) => `${plain(why)} ${formatCount(count)}`);
    return counts.length > 0 ? [`${whatIsOdd[name]} (${counts.join(', ')})`] : [];
  });
  return told.length === 0 ? '' : ` Packets besides: ${told.join('; ')}.`;
}

function closingSegments({ closedWith, unknown }: Closing): string {
  const of = (end: End): string => {
    const sent = closedWith[end];
    if (sent) return sent.join(', ') || 'nothing';
    const why = unknown?.[end];
    return why === undefined ? 'unknown' : `unknown (${plain(why)})`;
  };
  return ends.map((end) => `${end} ${of(end)}`).join('; ');
}

/** Which end lost how many bytes, and in which places. */
export function markdownLosses({ results, places, rows }: Losses): string {
  return blocks(
    '## What was lost',
    `How far the lost bytes of ${plural(results, 'result')} had come:`,
    table(
      ['results', 'lost by', code('lost'), ...places.map((place) => code(`lost.${place}`))],
      rows.map(({ where, whose, amounts }) => [placeText(where, code), plain(whose), ...amounts.map(plain)]),
      [2, ...places.map((_, index) => index + 3)],
    ),
  );
}
