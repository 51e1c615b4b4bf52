import type { CellRecord, SegmentRecord } from '../../record/schema.ts';
import { type End, ends, otherEnd } from '../../tcp/states.ts';
import { formatSeconds } from '../format.ts';
import { gapText, omittedText, pauseText } from '../ladder/counts.ts';
import { ladderOf } from '../ladder/ladder.ts';
import { isPacket, type LadderRow, type Path, type SegmentRow } from '../ladder/parts.ts';
import { hasPassed, isOwn, purposeOf } from '../ladder/segment.ts';
import { type LadderWords, wordsFor } from '../ladder/words.ts';
import type { ConnectionPaths } from '../model/courses.ts';
import { openingStates } from '../model/fact-table.ts';
import { type Placed, segmentsInto } from '../model/sequence.ts';

type Step = Path[number];

/**
 * What both ends went through as a Mermaid sequence diagram that GitHub draws: states beside their end, segments between
 * them. It begins where both are ESTABLISHED, and counts from the first close; without either, it begins with the first
 * state. A segment is an arrow only where the states fix its place.
 */
export function sequenceDiagram(connection: ConnectionPaths): string {
  const [client, server] = ends.map((end) => placedOf(end, connection.paths[end])) as [Placed[], Placed[]];
  const opened = [client, server].every((steps) => steps.some(isOpen));
  const steps = inTime(
    ...([client, server].map((each) => (opened ? each.filter(isLater) : each)) as [Placed[], Placed[]]),
  );
  const origin = steps[0]?.step.at ?? 0;
  const lines = steps.flatMap((placed) => {
    const { before, after } = segmentsInto(placed, connection);
    return [...before, `Note ${side[placed.end]} of ${placed.end}: ${mermaidText(noteOf(placed, origin))}`, ...after];
  });
  const open = opened ? ['Note over client,server: ESTABLISHED'] : [];
  return [look, 'sequenceDiagram', ...ends.map((end) => `participant ${end}`), ...open, ...lines]
    .join('\n    ')
    .replace(`${look}\n    `, `${look}\n`);
}

/** The names stand on top only, and steps close together. https://mermaid.js.org/config/schema-docs/config-defs-sequence-diagram-config.html */
export const look = "%%{init: {'sequence': {'mirrorActors': false, 'messageMargin': 20, 'height': 36}}}%%";

/** Where the states of an end stand. */
export const side: Readonly<Record<End, string>> = { client: 'left', server: 'right' };

const isOpen = ({ step }: Placed): boolean => step.state === 'ESTABLISHED';

const isLater = ({ step }: Placed): boolean => !openingStates.has(step.state);

/** An end's states; one that goes on in a mini-socket is one state. */
function placedOf(end: End, path: Path): Placed[] {
  const placed: Placed[] = [];
  for (const step of path) {
    const last = placed.at(-1);
    if (last && step.mini && last.step.state === step.state) placed[placed.length - 1] = { ...last, mini: step };
    else placed.push({ end, step, previous: last?.step });
  }
  return placed;
}

/** Each end's steps stay in their order; of two at the same time the one that may have been earlier is first. */
function inTime(client: readonly Placed[], server: readonly Placed[]): Placed[] {
  const [a, ...others] = client;
  const [b, ...rest] = server;
  if (!a || !b) return [...client, ...server];
  const apart = b.step.at - a.step.at || (b.step.notBefore ?? b.step.at) - (a.step.notBefore ?? a.step.at);
  return apart >= 0 ? [a, ...inTime(others, server)] : [b, ...inTime(client, rest)];
}

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
function noteOf({ step, mini }: Placed, origin: number): string {
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
const isKept = (segment: SegmentRecord): boolean => segment.deed === 'held' || hasPassed(segment);

function runLeaves(row: SegmentRow, words: LadderWords): string {
  const [first] = row.segments;
  return `${first.from}${arrowOf(row.segments)}wire: ${text(words.run(row), words.time(row.at))}`;
}
