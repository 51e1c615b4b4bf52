import { type End, ends } from '../tcp/states.ts';
import type { ConnectionPaths, Path } from './courses.ts';
import { formatSeconds } from './format.ts';
import { openingStates } from './openings.ts';
import { type Placed, segmentsInto } from './segments.ts';

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
