import { courseSvg } from '../drawing/course.ts';
import { ratesSvg } from '../drawing/rates.ts';
import type { Wired } from '../ladder/parts.ts';
import { isOwn, purposeOf } from '../ladder/segment.ts';
import { ladderSvg } from '../ladder/svg.ts';
import type { CourseView } from '../model/courses.ts';
import type { ExperimentView, Report } from '../model/report.ts';

/** The folder beside report.md that has what it links to. */
export const besideReport = 'report';

/** The name of the drawing of an experiment's ladder or course, counted from 0, in {@link besideReport}. */
export const drawingName = (experiment: string, index: number): string => `${experiment}-${index + 1}.svg`;

/** The name of the chart of an experiment's rates. */
export const chartName = (experiment: string): string => `${experiment}-rates.svg`;

interface Drawing {
  readonly name: string;
  /** The same for drawings between which a reader sees little difference. */
  readonly course: string;
  readonly draw: (brief: boolean) => string;
}

/** The names of all drawings that a report can have. */
export const drawingNames = (report: Report): ReadonlySet<string> =>
  new Set([...chartsOf(report), ...report.experiments.flatMap(drawingsIn)].map(({ name }) => name));

/**
 * The drawings that a report links to, by name: the same report has the same ones. `room`: so many bytes of them, each brief, and of
 * those between which a reader sees little difference one.
 */
export function drawingsOf(report: Report, room?: number): ReadonlyMap<string, string> {
  const charts = chartsOf(report);
  const all = report.experiments.map(drawingsIn);
  if (room !== undefined) return new Map(fitting([...charts, ...inTurns(all.map(distinct))], room));
  return new Map([...charts, ...all.flat()].map(({ name, draw }) => [name, draw(false)]));
}

const chartsOf = ({ experiments }: Report): Pick<Drawing, 'name' | 'draw'>[] =>
  experiments.flatMap(({ id, question, load }) => {
    const chart = load && ratesSvg(load, question);
    return chart === undefined ? [] : [{ name: chartName(id), draw: () => chart }];
  });

/** As many as there is room for. */
function fitting(drawings: readonly Pick<Drawing, 'name' | 'draw'>[], room: number): [string, string][] {
  const chosen: [string, string][] = [];
  let left = room;
  for (const { name, draw } of drawings) {
    const svg = draw(true);
    const bytes = Buffer.byteLength(svg);
    if (bytes > left) continue;
    left -= bytes;
    chosen.push([name, svg]);
  }
  return chosen;
}

/** The first of each, then the second of each, and so on. */
function inTurns<T>(all: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...all.map(({ length }) => length));
  return Array.from({ length: longest }, (_, rank) => all.flatMap((own) => own.slice(rank, rank + 1))).flat();
}

/** Of drawings with the same course of opening and closing segments the first. */
const distinct = (drawings: readonly Drawing[]): Drawing[] =>
  drawings.filter(({ course }, index) => drawings.findIndex((other) => other.course === course) === index);

function drawingsIn({ id, paths }: ExperimentView): Drawing[] {
  if (!paths) return [];
  if (paths.kind === 'courses')
    return paths.courses.map((course, index) => ({
      name: drawingName(id, index),
      course: `${index}`,
      draw: () => courseSvg(course.sequence, courseTitle(course)),
    }));
  return paths.ladders.map(({ record }, index) => ({
    name: drawingName(id, index),
    course: courseOf(record),
    draw: (brief) => ladderSvg(record, { brief }),
  }));
}

const courseTitle = ({ example: { cell, repeat }, connection: { label } }: CourseView): string =>
  cell + (repeat === undefined ? '' : `, repeat ${repeat}`) + (label === '' ? '' : `, ${label}`);

/** The segments that open or close, as they follow each other, with what became of them; what is sent again counts once. */
function courseOf({ segments = [] }: Wired): string {
  const steps = segments
    .filter((segment) => ['SYN', 'FIN', 'RST'].includes(purposeOf(segment)))
    .map((segment) => {
      const fate = isOwn(segment) ? 'own' : segment.arrived === undefined ? 'lost' : '';
      return [segment.label, segment.from, ...segment.flags, fate].join(' ');
    });
  return steps.filter((step, index) => step !== steps[index - 1]).join('\n');
}
