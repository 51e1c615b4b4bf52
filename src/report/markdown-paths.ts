import { ends } from '../facts/states.ts';
import { type Course, coursesOf } from './courses.ts';
import { formatCount, plural } from './format.ts';
import type { CellGroup } from './gather.ts';
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
  const { records, cells, connections } = course;
  const times = plural(records.length, 'result');
  const where = whichCells(cells, all, code, 1);
  return details(
    letters.length === 0 ? `${records.length > 1 ? `${times}, ` : ''}${where}` : `**${letters.join(', ')}**: ${times}`,
    blocks(...connections.map((each) => connectionOf(each, timesOf(course)))),
  );
}

/** Whose times are drawn. */
function timesOf({ cell, record }: Course): string {
  const repeat = cell.ran.length > 1 ? `, repeat ${formatCount(record.repeat)}` : '';
  return `The times are those of ${code(record.id)}${repeat}.`;
}

function connectionOf(connection: Course['connections'][number], times: string): string {
  const { label, closedWith } = connection;
  const said = ends.map((end) => `${end} ${closedWith[end]?.join(', ') || (closedWith[end] ? 'nothing' : 'unknown')}`);
  return blocks(
    label !== '' && `Connection ${code(label)}:`,
    `\`\`\`mermaid\n${sequenceDiagram(connection)}\n\`\`\``,
    `Closing segments sent: ${said.join('; ')}. ${times}`,
  );
}
