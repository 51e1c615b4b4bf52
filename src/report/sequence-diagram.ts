import { type End, ends, otherEnd } from '../facts/states.ts';
import { formatSeconds } from './format.ts';
import type { ConnectionPaths, Path } from './telling-cells.ts';

type Step = Path[number];
type Segments = ConnectionPaths['closedWith'];
interface Placed {
  readonly end: End;
  readonly step: Step;
  readonly previous: Step | undefined;
}

/**
 * The states of both ends in the order of time as a Mermaid sequence diagram that GitHub draws. A closing segment
 * is an arrow only where the states fix its place.
 */
export function sequenceDiagram({ paths, closedWith }: ConnectionPaths): string {
  const steps = inTime(placedOf('client', paths.client), placedOf('server', paths.server));
  const origin = steps[0]?.step.at ?? 0;
  const lines = steps.flatMap((placed) => {
    const segment = segmentSent(placed, closedWith);
    const note = `Note over ${placed.end}: ${mermaidText(noteOf(placed.step, origin))}`;
    return segment ? [note, `${placed.end}${segment.arrow}${otherEnd(placed.end)}: ${segment.name}`] : [note];
  });
  return ['sequenceDiagram', ...ends.map((end) => `participant ${end}`), ...lines].join('\n    ');
}

const placedOf = (end: End, path: Path): Placed[] =>
  path.map((step, index) => ({ end, step, previous: path[index - 1] }));

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

function noteOf({ state, at, notBefore, evidence, mini }: Step, origin: number): string {
  const since = (ns: number): string => (ns === origin ? '0 ms' : `+${formatSeconds((ns - origin) / 1e9)}`);
  const isRange = notBefore !== undefined && since(notBefore) !== since(at);
  const time = isRange ? `${since(Math.max(origin, notBefore))} to ${since(at)}` : since(at);
  return `${state}${mini ? ' (mini-socket)' : ''}\n${time}, ${evidence}`;
}

/**
 * The segment that an end sent as it entered this state. FIN: FIN-WAIT-1 and LAST-ACK are entered by sending it. RST:
 * only where this end alone sent one and went straight to CLOSED from a state that a FIN would have led elsewhere, for an
 * end that receives a RST goes the same way. A sampled step does not say when.
 */
function segmentSent(
  { end, step, previous }: Placed,
  closedWith: Segments,
): { arrow: string; name: 'FIN' | 'RST' } | undefined {
  if (step.evidence === 'sampled') return undefined;
  const sent = closedWith[end] ?? [];
  if ((step.state === 'FIN-WAIT-1' || step.state === 'LAST-ACK') && sent.includes('FIN'))
    return { arrow: '->>', name: 'FIN' };
  const other = closedWith[otherEnd(end)];
  const alone = sent.includes('RST') && other !== null && !other.includes('RST');
  const aborts = step.state === 'CLOSED' && (previous?.state === 'ESTABLISHED' || previous?.state === 'CLOSE-WAIT');
  return alone && aborts ? { arrow: '-x', name: 'RST' } : undefined;
}
