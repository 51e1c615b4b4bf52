import { repeatedBy } from '../facts/carried.ts';
import type { CellRecord, SegmentRecord } from '../record/schema.ts';
import { type AsideRow, type LadderRow, ladderOf } from './ladder.ts';
import { blocks } from './ladder-asides.ts';
import { hasPassed, purposeOf } from './ladder-folds.ts';

/**
 * What a cell's ladder draws, row by row, without what two runs of one cell differ in: times, how many segments a stream took,
 * numbers and lengths of what net or the kernel cut anew. Results with the same story share a ladder.
 */
export function storyOf(record: CellRecord): string {
  const { rows, nameOf } = ladderOf(record);
  return JSON.stringify([pathLength(record), ...rows.map((row) => rowStory(row, nameOf))]);
}

function rowStory(row: LadderRow, nameOf: ReturnType<typeof ladderOf>['nameOf']): unknown {
  const of = (segment: SegmentRecord): unknown[] => [
    nameOf(segment),
    segment.from,
    segment.flags.filter((flag) => flag !== 'PSH').join(),
    segment.length,
    hasPassed(segment) ? '' : segment.deed.do,
    segment.window === 0,
  ];
  switch (row.kind) {
    case 'state':
      return [
        row.end,
        row.label,
        row.step.state,
        row.why,
        row.call?.by,
        row.call?.andThen,
        row.call && blocks(row.call),
      ];
    case 'aside':
      return [row.end, row.label, row.says, ...asideStory(row.aside)];
    case 'segment':
      return [
        ...of(row.segments[0]),
        row.segments[0].seq,
        row.segments[0].ack,
        repeatedBy(row.segments[0].deed) !== undefined,
      ];
    case 'run':
    case 'omitted':
      return [row.kind, [...new Set(row.segments.map((each) => `${each.from} ${purposeOf(each)}`))].sort()];
    case 'arrival':
      return ['arrival', row.of.segments[0].from, row.of.kind];
    case 'begins':
      return [row.kind, row.like !== undefined];
    case 'pause':
      return [row.kind, inOctaves(row.least)];
    default:
      return row.kind;
  }
}

function asideStory(aside: AsideRow['aside']): unknown[] {
  if (aside.what === 'close') return [aside.by, aside.andThen];
  return aside.what === 'forged' ? [aside.kinds, aside.count > 1] : [];
}

/** How slow the path was: no other story for a busy machine, but for twice the round trip. */
function pathLength({ segments = [] }: CellRecord): number {
  const delays = segments
    .flatMap(({ deed, t, arrived }) => (deed.do === 'delayed' && arrived !== undefined ? [arrived - t] : []))
    .sort((a, b) => a - b);
  return inOctaves(delays[Math.floor(delays.length / 2)] ?? 0);
}

const inOctaves = (ns: number): number => (ns < 10e6 ? 0 : Math.round(Math.log2(ns)));
