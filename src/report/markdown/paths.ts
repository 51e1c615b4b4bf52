import { formatCount } from '../../facts/values.ts';
import type { OddPackets } from '../../record/schema.ts';
import { type End, ends } from '../../tcp/states.ts';
import { plural } from '../format.ts';
import type { Closing, CourseView, Example, LadderView, Paths } from '../model/courses.ts';
import type { Losses } from '../model/losses.ts';
import { placeText, whichText } from '../which-cells.ts';
import { ladderMermaid, sequenceDiagram } from './mermaid.ts';
import { blocks, code, details, plain, table } from './text.ts';

/** More diagrams than a reader compares; of cells over a wire each has its ladder. */
const mostDiagrams = 12;

/** The courses that the two ends took, a diagram of each to open on a click. */
export function markdownPaths(paths: Paths): string {
  if (paths.kind === 'ladders') return ladders(paths);
  const { courses } = paths;
  const left = courses.length - mostDiagrams;
  return blocks(
    `**What the two ends went through**: ${plural(courses.length, 'course')}${left > 0 ? `, the first ${mostDiagrams} drawn` : ''}.`,
    ...courses.slice(0, mostDiagrams).map((course) => details(courseTitle(course), courseBody(course))),
  );
}

function ladders({ ladders: all, cells, without }: Extract<Paths, { kind: 'ladders' }>): string {
  return blocks(
    `**What the wire carried**: ${plural(all.length, 'ladder')} of ${plural(cells, 'cell')}; cells with the same segments, states and deeds of the wire share one.`,
    details('Ladders, cell by cell', blocks(...all.map((ladder) => details(ladderTitle(ladder), ladderBody(ladder))))),
    without && `No packet crossed the wire in ${whichText(without, code)}: there is no ladder.`,
  );
}

const ladderTitle = ({ cells, results, isBroken }: LadderView): string =>
  `${cells.map(code).join('; ')}${isBroken ? ', which errored' : ''}${results === undefined ? '' : `, ${plural(results, 'result')}`}`;

/** What the wire saw, all connections together. */
function ladderBody({ record, connections, example, odd }: LadderView): string {
  const said = connections.map((each) => `${each.label === '' ? '' : `${code(each.label)}: `}${closingSegments(each)}`);
  const closing = said.length === 0 ? '' : `Closing segments sent: ${said.join('; ')}. `;
  return blocks(
    diagram(ladderMermaid(record)),
    `${closing}${timesText(example)} Segments are those of its capture.${oddText(odd)}`,
  );
}

/** How often it was taken and where: by the outcomes that it led to, or by cells. */
function courseTitle({ results, labels, letters, where }: CourseView): string {
  const times = plural(results, 'result');
  const which = labels.length === 0 ? '' : `${labels.map(code).join(', ')}: `;
  return where === undefined
    ? `**${letters.join(', ')}**: ${which}${times}`
    : `${which}${results > 1 ? `${times}, ` : ''}${whichText(where, code, 1)}`;
}

const courseBody = ({ sequence, connection, example }: CourseView): string =>
  blocks(
    diagram(sequenceDiagram(sequence)),
    `Closing segments sent: ${closingSegments(connection)}. ${timesText(example, connection.label)}`,
  );

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

const diagram = (mermaid: string): string => `\`\`\`mermaid\n${mermaid}\n\`\`\``;

function closingSegments({ closedWith, unknown }: Closing): string {
  const of = (end: End): string => {
    const sent = closedWith[end];
    if (sent) return sent.join(', ') || 'nothing';
    const why = unknown?.[end];
    return why === undefined ? 'unknown' : `unknown (${plain(why)})`;
  };
  return ends.map((end) => `${end} ${of(end)}`).join('; ');
}

/** Which end lost how many bytes, and in which places: to open on a click. */
export function markdownLosses({ results, places, rows }: Losses): string {
  return details(
    `**What was lost, and how far it had come**: ${plural(results, 'result')}`,
    table(
      ['results', 'lost by', code('lost'), ...places.map((place) => code(`lost.${place}`))],
      rows.map(({ where, whose, amounts }) => [placeText(where, code), plain(whose), ...amounts.map(plain)]),
      [2, ...places.map((_, index) => index + 3)],
    ),
  );
}
