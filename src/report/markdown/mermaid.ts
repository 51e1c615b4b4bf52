import { formatSeconds } from '../../facts/values.ts';
import type { SegmentRecord } from '../../record/schema.ts';
import { type End, ends, otherEnd } from '../../tcp/states.ts';
import { gapText, omittedText, pauseText } from '../ladder/counts.ts';
import { ladderOf } from '../ladder/ladder.ts';
import { isPacket, type LadderRow, type Path, type SegmentRow, type Wired } from '../ladder/parts.ts';
import { isKept, isOwn, purposeOf } from '../ladder/segment.ts';
import { type LadderWords, wordsFor } from '../ladder/words.ts';
import type { Sequence, SequenceRow } from '../model/sequence.ts';

type Step = Path[number];

/**
 * What both ends went through as a Mermaid sequence diagram that GitHub draws: states beside their end, segments between
 * them. It begins where both are ESTABLISHED, and counts from the first close; without either, it begins with the first
 * state.
 */
export function sequenceDiagram({ opened, origin, rows }: Sequence): string {
  const lines = rows.map((row) =>
    row.kind === 'state'
      ? `Note ${side[row.end]} of ${row.end}: ${mermaidText(noteOf(row, origin))}`
      : `${row.from}${arrows[row.segment]}${otherEnd(row.from)}: ${row.segment}`,
  );
  const open = opened ? ['Note over client,server: ESTABLISHED'] : [];
  const statements = ['sequenceDiagram', ...ends.map((end) => `participant ${end}`), ...open, ...lines];
  return `${look}\n${statements.join('\n    ')}`;
}

/** A pure ACK is dotted, a RST ends in a cross. */
const arrows = { ACK: '-->>', FIN: '->>', RST: '-x' } as const;

/** The names stand on top only, and steps close together. https://mermaid.js.org/config/schema-docs/config-defs-sequence-diagram-config.html */
const look = "%%{init: {'sequence': {'mirrorActors': false, 'messageMargin': 20, 'height': 36}}}%%";

/** Where the states of an end stand. */
const side: Readonly<Record<End, string>> = { client: 'left', server: 'right' };

/**
 * Text that Mermaid takes literally: `;` ends its statements, `#` begins its entities, the word `end` closes its blocks.
 * Line breaks become `<br/>`. https://mermaid.js.org/syntax/sequenceDiagram.html
 */
export const mermaidText = (text: string): string =>
  text
    .replace(/[#;]/g, (character) => `#${character.charCodeAt(0)};`)
    .replace(/\s*\n\s*/g, '<br/>')
    .replace(/\bend\b/gi, (word) => `${word.slice(0, 1)}\u200B${word.slice(1)}`);

/** The state, when it was entered, and how that is known where it is not exactly. TIME-WAIT always is a mini-socket. */
function noteOf({ step, mini }: Extract<SequenceRow, { kind: 'state' }>, origin: number): string {
  const time = timeOf(step, origin);
  const own = step.mini && step.state !== 'TIME-WAIT' ? ['mini-socket'] : [];
  const later = mini ? [`mini-socket from ${timeOf(mini, origin)}`] : [];
  return [step.state, time, ...own, ...later].join('\n');
}

function timeOf({ at, notBefore, evidence }: Step, origin: number): string {
  const since = (ns: number): string => (ns === origin ? '0 ms' : `+${formatSeconds((ns - origin) / 1e9)}`);
  const isRange = notBefore !== undefined && since(Math.max(origin, notBefore)) !== since(at);
  const time = isRange ? `${since(Math.max(origin, notBefore))} to ${since(at)}` : since(at);
  return evidence === 'sampled' ? `${time} (sampled)` : time;
}

/**
 * A cell's ladder as a Mermaid sequence diagram that GitHub draws, the wire standing between the ends: what it lost ends
 * there in a cross, what it held leaves it later, what it made itself begins there.
 */
export function ladderMermaid(record: Wired): string {
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

/** A pure ACK is dotted, as in the diagrams without a wire; what is lost ends in a cross. */
const arrowOf = (segments: readonly SegmentRecord[], isLost = false): string =>
  (segments.every((segment) => purposeOf(segment) === 'ACK') ? '--' : '-') + (isLost ? 'x' : '>>');

function segmentLine({ segments: [segment], split, at }: SegmentRow, words: LadderWords): string {
  const label = text(words.segment(segment), words.deed(segment), words.time(at));
  const { from } = segment;
  if (isOwn(segment)) return `wire${arrowOf([segment])}${otherEnd(from)}: ${label}`;
  if (split || (segment.arrived === undefined && isKept(segment))) return `${from}${arrowOf([segment])}wire: ${label}`;
  if (segment.arrived === undefined) return `${from}${arrowOf([segment], true)}wire: ${label}`;
  return `${from}${arrowOf([segment])}${otherEnd(from)}: ${label}`;
}

function runLeaves(row: SegmentRow, words: LadderWords): string {
  const [first] = row.segments;
  return `${first.from}${arrowOf(row.segments)}wire: ${text(words.run(row), words.time(row.at))}`;
}
