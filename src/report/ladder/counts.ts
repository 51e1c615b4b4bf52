import { formatSeconds } from '../../facts/values.ts';
import type { SegmentRecord } from '../../record/schema.ts';
import { type End, ends } from '../../tcp/states.ts';
import { plural } from '../format.ts';
import type { GapRow, OmittedRow, PauseRow, SegmentRow } from './parts.ts';
import { becameText, deedKey, hasPassed, type Purpose, purposeOf, things } from './segment.ts';

/** Probes that go together as one, and how many of them were answered. */
export function probesText(segments: readonly SegmentRecord[]): string {
  const answers = segments.filter(({ window }) => window === 0).length;
  const probes = segments.length - answers;
  const text = `${probes} more ${probes === 1 ? 'probe' : 'probes'}`;
  if (answers === 0) return `${text}, not answered`;
  if (answers >= probes) return `${text}, ${probes === 1 ? '' : 'each '}answered by a closed window`;
  return `${text}, ${answers} answered by a closed window`;
}

/** Many segments as one, with how long that took. */
export function runText({
  segments,
  more,
  at,
  until,
  absent = 0,
  span = until - at,
  probing = false,
}: Pick<SegmentRow, 'segments' | 'more' | 'at' | 'until' | 'absent' | 'span' | 'probing'>): string {
  const counts = probing ? [probesText(segments)] : countsOf(segments, more);
  const others = absent > 0 ? [inCapture(absent)] : [];
  return `${[...counts, ...others].join(', ')}, ${formatSeconds(span / 1e9)}`;
}

/** A long gap: `61.0 s later`. */
export function pauseText({ least, most }: PauseRow): string {
  const [early, late] = [least, most].map((ns) => formatSeconds(ns / 1e9));
  return `${early === late ? early : `${early} to ${late}`} later`;
}

/** What is not drawn of a ladder that is too long. */
export function omittedText({ segments, states, at, until, attempts }: OmittedRow): string {
  if (attempts !== undefined) {
    return `${plural(attempts, 'attempt')} before: ${formatSeconds((until - at) / 1e9)}, not drawn`;
  }
  const what = segments.length === 0 ? [] : countsOf(segments, []);
  const entered = states === 0 ? [] : [plural(states, 'state')];
  return `Not drawn: ${[...what, ...entered].join(', ')}, ${formatSeconds((until - at) / 1e9)}`;
}

export const inCapture = (count: number): string => `${plural(count, 'packet')} that only the capture has`;

/** Packets that only the capture has, and how long they took. */
export const gapText = ({ count, since, at }: Pick<GapRow, 'count' | 'since' | 'at'>): string =>
  `${inCapture(count)}, ${formatSeconds((at - since) / 1e9)}`;

/**
 * How many of each purpose, what the wire did to them, and whose; those of both ends together where they are the same number
 * and length. Those whose purpose is in `more` are more of what was drawn before.
 */
export function countsOf(segments: readonly SegmentRecord[], more: readonly Purpose[]): string[] {
  const kinds = Map.groupBy(segments, (segment) => `${purposeOf(segment)} ${deedKey(segment)}`);
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
  const became = hasPassed(first) ? '' : `, ${becameText(first)}`;
  return `${count}${lengthsOf(segments)}${became}`;
}

/** ` of 1448 bytes`; empty without payload. */
function lengthsOf(segments: readonly SegmentRecord[]): string {
  const lengths = segments.map(({ length }) => length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  if (!(most > 0)) return '';
  return least === most ? ` of ${most} bytes` : ` of ${least} to ${most} bytes`;
}
