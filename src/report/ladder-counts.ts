import type { SegmentRecord } from '../record/schema.ts';
import { type End, ends } from '../tcp/states.ts';
import { plural } from './format.ts';
import { hasPassed, type Purpose, purposeOf } from './ladder-folds.ts';

const things: Readonly<Record<Purpose, string>> = {
  SYN: 'SYN',
  FIN: 'FIN',
  RST: 'RST',
  data: 'data segment',
  ACK: 'ACK',
};

/**
 * How many of each purpose, what the wire did to them, and whose; those of both ends together where they are the same number
 * and length. Those whose purpose is in `more` are more of what was drawn before.
 */
export function countsOf(segments: readonly SegmentRecord[], more: readonly Purpose[]): string[] {
  const kinds = Map.groupBy(
    segments,
    (segment) => `${purposeOf(segment)} ${hasPassed(segment) ? '' : segment.deed.do}`,
  );
  const isOneWay = new Set(segments.map(({ from }) => from)).size === 1;
  return [...kinds.values()].flatMap((kind) => {
    const own = ends.map((end) => [end, kind.filter(({ from }) => from === end)] as const);
    const [client, server] = own.map(([, sent]) => `${sent.length}${lengthsOf(sent)}`);
    if (client === server) return [`${countOf(own[0]?.[1] ?? [], more)} each way`];
    return own
      .filter(([, sent]) => sent.length > 0)
      .map(([end, sent]) => countOf(sent, more) + (isOneWay ? '' : fromText(end)));
  });
}

const fromText = (end: End): string => ` from the ${end}`;

function countOf(segments: readonly SegmentRecord[], more: readonly Purpose[]): string {
  const [first] = segments as [SegmentRecord];
  const purpose = purposeOf(first);
  const count = plural(segments.length, `${more.includes(purpose) ? 'more ' : ''}${things[purpose]}`);
  const became = hasPassed(first) ? '' : `, ${becameOf[first.deed.do] ?? first.deed.do}`;
  return `${count}${lengthsOf(segments)}${became}`;
}

const becameOf: Partial<Record<SegmentRecord['deed']['do'], string>> = {
  dropped: 'dropped by the wire',
  refused: 'refused by the kernel',
  'black hole': 'lost in a black hole',
  'queue full': 'lost for a full queue',
  copy: 'copied by the wire',
  replay: 'replayed by the wire',
  forged: 'forged by the wire',
};

/** ` of 1448 bytes`; empty without payload. */
function lengthsOf(segments: readonly SegmentRecord[]): string {
  const lengths = segments.map(({ length }) => length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  if (!(most > 0)) return '';
  return least === most ? ` of ${most} bytes` : ` of ${least} to ${most} bytes`;
}
