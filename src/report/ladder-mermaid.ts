import type { CellRecord, SegmentRecord } from '../record/schema.ts';
import { otherEnd } from '../tcp/states.ts';
import { type LadderRow, ladderOf, type SegmentRow } from './ladder.ts';
import { hasPassed, purposeOf } from './ladder-folds.ts';
import { isOwn } from './ladder-moments.ts';
import { isPacket } from './ladder-pen.ts';
import { gapText, type LadderWords, omittedText, pauseText, wordsFor } from './ladder-words.ts';
import { look, mermaidText, side } from './sequence-diagram.ts';

/**
 * A cell's ladder as a Mermaid sequence diagram that GitHub draws, the wire standing between the ends: what it lost ends
 * there in a cross, what it held leaves it later, what it made itself begins there.
 */
export function ladderMermaid(record: CellRecord): string {
  const ladder = ladderOf(record);
  const words = wordsFor(ladder);
  const lines = ladder.rows.map((row) => `    ${lineOf(row, words)}`);
  const participants = ['client', 'wire', 'server'].map((name) => `    participant ${name}`);
  return [look, 'sequenceDiagram', ...participants, ...lines].join('\n');
}

function lineOf(row: LadderRow, words: LadderWords): string {
  switch (row.kind) {
    case 'state':
      return `Note ${side[row.end]} of ${row.end}: ${text(words.state(row), ...words.entered(row))}`;
    case 'aside':
      return isPacket(row)
        ? `wire->>${row.end}: ${text(...words.aside(row), words.time(row.at))}`
        : `Note ${side[row.end]} of ${row.end}: ${text(...words.aside(row))}`;
    case 'begins':
      return across(words.begins(row));
    case 'pause':
      return across(`⋯ ${pauseText(row)} ⋯`);
    case 'gap':
      return across(gapText(row));
    case 'omitted':
      return across(omittedText(row));
    case 'run':
      return row.split ? runLeaves(row, words) : across(`${words.time(row.at)}: ${words.run(row)}`);
    case 'segment':
      return segmentLine(row, words);
    case 'arrival': {
      const [first] = row.of.segments;
      const arrow = arrowOf(row.of.segments);
      return `wire${arrow}${otherEnd(first.from)}: ${text(words.arrival(row), `arrives ${words.time(row.at)}`)}`;
    }
  }
}

const across = (words: string): string => `Note over client,server: ${mermaidText(words)}`;
const text = (...lines: readonly string[]): string => mermaidText(lines.filter((line) => line !== '').join('\n'));

/** A pure ACK is dotted, as in the diagrams without a wire. */
const arrowOf = (segments: readonly SegmentRecord[]): string =>
  segments.every((segment) => purposeOf(segment) === 'ACK') ? '-->>' : '->>';

function segmentLine({ segments: [segment], split, at }: SegmentRow, words: LadderWords): string {
  const label = text(words.segment(segment), words.deed(segment), words.time(at));
  const { from } = segment;
  if (isOwn(segment)) return `wire${arrowOf([segment])}${otherEnd(from)}: ${label}`;
  if (split || (segment.arrived === undefined && isKept(segment))) return `${from}${arrowOf([segment])}wire: ${label}`;
  if (segment.arrived === undefined) return `${from}${arrowOf([segment]).replace('>>', 'x')}wire: ${label}`;
  return `${from}${arrowOf([segment])}${otherEnd(from)}: ${label}`;
}

/** Without an arrival, and yet not lost as far as the record says. */
const isKept = (segment: SegmentRecord): boolean => segment.deed.do === 'held' || hasPassed(segment);

function runLeaves(row: SegmentRow, words: LadderWords): string {
  const [first] = row.segments;
  return `${first.from}${arrowOf(row.segments)}wire: ${text(words.run(row), words.time(row.at))}`;
}
