import type { IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import { gapText, omittedText, pauseText } from '../report/ladder/counts.ts';
import { ladderOf } from '../report/ladder/ladder.ts';
import type { LadderRow, Wired } from '../report/ladder/parts.ts';
import { isHeld, isOwn } from '../report/ladder/segment.ts';
import { type LadderWords, wordsFor } from '../report/ladder/words.ts';

/** Mermaid ends a message at a semicolon or a hash, and reads HTML: text stays text. */
const asText = (text: string): string =>
  text
    .replace(/[#;<>&]/g, (each) => `#${each.charCodeAt(0)};`)
    .replace(/[\r\n]+/g, ' ')
    // a keyword of its grammar at the beginning of a message is one
    .replace(/^(?=end\b)/i, '#8203;');

/** A ladder as a sequence diagram of Mermaid. */
export function mermaidOf(wired: Wired): string {
  const ladder = ladderOf(wired);
  const words = wordsFor(ladder);
  const lines = ladder.rows.flatMap((row) => mermaidLine(row, words)).map((each) => `  ${each}`);
  return ['sequenceDiagram', '  participant client', '  participant server', ...lines, ''].join('\n');
}

function mermaidLine(row: LadderRow, words: LadderWords): string[] {
  const over = (text: string): string[] => [`Note over client,server: ${asText(text)}`];
  switch (row.kind) {
    case 'state':
      return [
        `Note ${row.end === 'client' ? 'left' : 'right'} of ${row.end}: ${asText([words.state(row), ...words.entered(row)].join(', '))}`,
      ];
    case 'aside':
      return [`Note ${row.end === 'client' ? 'left' : 'right'} of ${row.end}: ${asText(words.aside(row).join(', '))}`];
    case 'segment':
      return [segmentLine(row.segments[0], words)];
    case 'run':
      return over(words.run(row));
    case 'arrival':
      return over(`${words.arrival(row)} arrives`);
    case 'pause':
      return over(pauseText(row));
    case 'gap':
      return over(gapText(row));
    case 'omitted':
      return over(omittedText(row));
    default:
      return over(words.begins(row));
  }
}

function segmentLine(segment: SegmentRecord, words: LadderWords): string {
  const [from, to] = segment.from === 'client' ? ['client', 'server'] : ['server', 'client'];
  const isLost = segment.arrived === undefined && !isHeld(segment) && segment.deed.do !== 'carried';
  const arrow = isLost ? '--x' : isOwn(segment) ? '-->>' : '->>';
  const deed = words.deed(segment);
  return `${from}${arrow}${to}: ${asText(`${words.segment(segment)}${deed === '' ? '' : ` (${deed})`}`)}`;
}

/** A display filter of Wireshark for a capture: one connection's where there are several, else what opens and closes. */
export function filterOf(incarnations: readonly IncarnationRecord[] | undefined): string {
  const ports = (incarnations ?? []).map(({ client, server }) => [portOf(client), portOf(server)] as const);
  if (ports.length > 1) return ports.map(([a, b]) => `(tcp.port == ${a} && tcp.port == ${b})`).join(' || ');
  return 'tcp.flags.syn == 1 || tcp.flags.fin == 1 || tcp.flags.reset == 1 || tcp.analysis.retransmission';
}

const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);
