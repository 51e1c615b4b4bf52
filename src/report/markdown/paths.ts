import type { OddPackets } from '../../record/schema.ts';
import { type End, ends } from '../../tcp/states.ts';
import { formatCount, plural } from '../format.ts';
import type { CellGroup } from '../gather.ts';
import { type ConnectionPaths, type Course, coursesOf, withoutPackets } from '../model/courses.ts';
import type { Outcomes } from '../model/outcomes.ts';
import { whichCells } from '../which-cells.ts';
import { ladderMermaid, sequenceDiagram } from './mermaid.ts';
import { blocks, code, details, plain } from './text.ts';

/** More diagrams than a reader compares; of cells over a wire each has its ladder. */
const mostDiagrams = 12;

/** The courses that the two ends took, a diagram of each to open on a click; empty where none has anything to draw. */
export function markdownPaths(cells: readonly CellGroup[], outcomes?: Outcomes): string {
  const courses = coursesOf(cells).flatMap((course) => {
    const drawn = drawnOf(course);
    return drawn === undefined ? [] : [{ course, drawn, letters: lettersOf(course, outcomes) }];
  });
  const wired = courses.filter(({ course }) => isWired(course));
  if (wired.length > 0) return blocks(ladders(wired, cells), withoutLadder(cells));
  if (courses.length === 0) return '';
  courses.sort((a, b) => (a.letters[0] ?? '').localeCompare(b.letters[0] ?? '', 'en', { numeric: true }));
  const left = courses.length - mostDiagrams;
  return blocks(
    `**What the two ends went through**: ${plural(courses.length, 'course')}${left > 0 ? `, the first ${mostDiagrams} drawn` : ''}.`,
    ...courses
      .slice(0, mostDiagrams)
      .map(({ course, drawn, letters }) => details(titleOf(course, letters, cells), drawn)),
  );
}

const isWired = ({ record: { segments = [] } }: Course): boolean => segments.length > 0;

interface Drawn {
  readonly course: Course;
  readonly drawn: string;
}

/** Each cell's ladder, in the order of the cells: those whose segments, states and deeds are the same share one. */
function ladders(drawn: readonly Drawn[], all: readonly CellGroup[]): string {
  const place = ({ course }: Drawn): number => Math.min(...course.cells.map((cell) => all.indexOf(cell)));
  const inOrder = [...drawn].sort((a, b) => place(a) - place(b));
  const cells = new Set(drawn.flatMap(({ course }) => course.cells)).size;
  return blocks(
    `**What the wire carried**: ${plural(drawn.length, 'ladder')} of ${plural(cells, 'cell')}; cells with the same segments, states and deeds of the wire share one.`,
    details(
      'Ladders, cell by cell',
      blocks(...inOrder.map(({ course, drawn: text }) => details(ladderTitle(course), text))),
    ),
  );
}

/** All cells whose ladder it is, by what tells them apart. */
function ladderTitle({ cells, records }: Course): string {
  const names = cells.map(({ id, experiment }) => code(id.slice(experiment.length + 1) || id));
  const repeats = cells.some(({ ran }) => ran.length > 1) ? `, ${plural(records.length, 'result')}` : '';
  return `${names.join('; ')}${repeats}`;
}

function withoutLadder(cells: readonly CellGroup[]): string {
  const none = withoutPackets(cells);
  return none.length === 0 ? '' : `No packet crossed the wire in ${whichCells(none, cells, code)}: there is no ladder.`;
}

/** The outcomes that a course led to. */
function lettersOf({ records }: Course, outcomes: Outcomes | undefined): string[] {
  const led = new Set(records.map((record) => outcomes?.letterOf.get(record)));
  return outcomes?.outcomes.map(({ letter }) => letter).filter((letter) => led.has(letter)) ?? [];
}

/** How often it was taken and where: by the outcomes that it led to, or by cells. */
function titleOf({ records, cells, labels }: Course, letters: readonly string[], all: readonly CellGroup[]): string {
  const times = plural(records.length, 'result');
  const which = labels.length === 0 ? '' : `${labels.map(code).join(', ')}: `;
  const where = whichCells(cells, all, code, 1);
  return letters.length === 0
    ? `${which}${records.length > 1 ? `${times}, ` : ''}${where}`
    : `**${letters.join(', ')}**: ${which}${times}`;
}

/** The diagram and what belongs to it; nothing where it would show a single state. */
function drawnOf(course: Course): string | undefined {
  const [connection] = course.connections;
  if ((course.record.segments ?? []).length > 0) return ladderOf(course);
  if (connection === undefined) return undefined;
  const drawn = sequenceDiagram(connection);
  return isStill(drawn) ? undefined : connectionOf(connection, drawn, timesOf(course, connection.label));
}

/** Whether nothing happens in a diagram: it has one note at most, and no arrow. */
const isStill = (drawn: string): boolean => (drawn.match(/^ *Note |^ *\w+-+(?:>>|x)/gm) ?? []).length < 2;

/** Whose times are drawn. */
function timesOf({ cell, record }: Course, label = ''): string {
  const repeat = cell.ran.length > 1 ? `, repeat ${formatCount(record.repeat)}` : '';
  return `The times are those of ${code(record.id)}${repeat}${label === '' ? '' : `, connection ${code(label)}`}.`;
}

/** What the wire saw, all connections together. */
function ladderOf(course: Course): string {
  const said = course.connections.map(
    (each) => `${each.label === '' ? '' : `${code(each.label)}: `}${closingSegments(each)}`,
  );
  const closing = said.length === 0 ? '' : `Closing segments sent: ${said.join('; ')}. `;
  return blocks(
    diagram(ladderMermaid(course.record)),
    `${closing}${timesOf(course)} Segments are those of its capture.${oddText(course.record.odd)}`,
  );
}

const whatIsOdd: Readonly<Record<keyof OddPackets, string>> = {
  others: 'of the ends that were no segment',
  othersOwn: "of the wire's own that were no segment",
  refused: 'of the ends that the kernel refused',
  refusedOwn: "of the wire's own that it refused",
  refusedAsExpected: 'that the kernel refused as expected',
};

/** ` Packets besides: of the ends that were no segment (no-tcp 3).` Nothing where all were segments that the kernel took. */
function oddText(odd: OddPackets = {}): string {
  const told = (Object.keys(whatIsOdd) as (keyof OddPackets)[]).flatMap((name) => {
    const counts = Object.entries(odd[name] ?? {}).map(([why, count]) => `${plain(why)} ${formatCount(count)}`);
    return counts.length > 0 ? [`${whatIsOdd[name]} (${counts.join(', ')})`] : [];
  });
  return told.length === 0 ? '' : ` Packets besides: ${told.join('; ')}.`;
}

const diagram = (mermaid: string): string => `\`\`\`mermaid\n${mermaid}\n\`\`\``;

function closingSegments({ closedWith, unknown }: ConnectionPaths): string {
  const of = (end: End): string => {
    const sent = closedWith[end];
    if (sent) return sent.join(', ') || 'nothing';
    const why = unknown?.[end];
    return why === undefined ? 'unknown' : `unknown (${plain(why)})`;
  };
  return ends.map((end) => `${end} ${of(end)}`).join('; ');
}

const connectionOf = (connection: ConnectionPaths, drawn: string, times: string): string =>
  blocks(diagram(drawn), `Closing segments sent: ${closingSegments(connection)}. ${times}`);
