import { ends } from '../facts/states.ts';
import { type Course, coursesOf } from './courses.ts';
import { formatCount, plural } from './format.ts';
import type { CellGroup } from './gather.ts';
import { ladderMermaid } from './ladder-mermaid.ts';
import { blocks, code, details } from './markdown-text.ts';
import type { Outcomes } from './outcomes.ts';
import { sequenceDiagram } from './sequence-diagram.ts';
import { whichCells } from './which-cells.ts';

/** More diagrams than a reader compares. */
const mostDiagrams = 12;

/** The courses that the two ends took, a diagram of each to open on a click; empty where no cell has a path. */
export function markdownPaths(cells: readonly CellGroup[], outcomes?: Outcomes): string {
  const courses = coursesOf(cells).map((course) => ({ course, letters: lettersOf(course, outcomes) }));
  if (courses.length === 0) return '';
  courses.sort((a, b) => (a.letters[0] ?? '').localeCompare(b.letters[0] ?? '', 'en', { numeric: true }));
  const left = courses.length - mostDiagrams;
  return blocks(
    `**What the two ends went through**: ${plural(courses.length, 'course')}${left > 0 ? `, the first ${mostDiagrams} drawn` : ''}.`,
    ...courses.slice(0, mostDiagrams).map(({ course, letters }) => courseOf(course, letters, cells)),
  );
}

/** The outcomes that a course led to. */
function lettersOf({ records }: Course, outcomes: Outcomes | undefined): string[] {
  const led = new Set(records.map((record) => outcomes?.letterOf.get(record)));
  return outcomes?.outcomes.map(({ letter }) => letter).filter((letter) => led.has(letter)) ?? [];
}

function courseOf(course: Course, letters: readonly string[], all: readonly CellGroup[]): string {
  const { record, records, cells, connections } = course;
  const times = plural(records.length, 'result');
  const where = whichCells(cells, all, code, 1);
  return details(
    letters.length === 0 ? `${records.length > 1 ? `${times}, ` : ''}${where}` : `**${letters.join(', ')}**: ${times}`,
    (record.segments ?? []).length > 0
      ? ladderOf(course)
      : blocks(...connections.map((each) => connectionOf(each, timesOf(course)))),
  );
}

/** Whose times are drawn. */
function timesOf({ cell, record }: Course): string {
  const repeat = cell.ran.length > 1 ? `, repeat ${formatCount(record.repeat)}` : '';
  return `The times are those of ${code(record.id)}${repeat}.`;
}

/** What the wire saw, all connections together. */
function ladderOf(course: Course): string {
  const said = course.connections.map(
    ({ label, closedWith }) => `${label === '' ? '' : `${code(label)}: `}${closingSegments(closedWith)}`,
  );
  const closing = said.length === 0 ? '' : `Closing segments sent: ${said.join('; ')}. `;
  return blocks(
    diagram(ladderMermaid(course.record)),
    `${closing}${timesOf(course)} Segments are those of its capture.`,
  );
}

const diagram = (mermaid: string): string => `\`\`\`mermaid\n${mermaid}\n\`\`\``;

const closingSegments = (closedWith: Course['connections'][number]['closedWith']): string =>
  ends.map((end) => `${end} ${closedWith[end]?.join(', ') || (closedWith[end] ? 'nothing' : 'unknown')}`).join('; ');

function connectionOf(connection: Course['connections'][number], times: string): string {
  const { label, closedWith } = connection;
  return blocks(
    label !== '' && `Connection ${code(label)}:`,
    diagram(sequenceDiagram(connection)),
    `Closing segments sent: ${closingSegments(closedWith)}. ${times}`,
  );
}
