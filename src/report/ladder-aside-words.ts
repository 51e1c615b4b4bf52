import { repeatedBy } from '../facts/carried.ts';
import type { AsideRecord, ClosingAside } from '../record/schema.ts';
import { formatCount, formatSeconds } from './format.ts';
import type { AsideRow, BeginRow, Ladder } from './ladder.ts';
import { blocks } from './ladder-asides.ts';
import { signed } from './ladder-repeats.ts';
import type { Times } from './ladder-times.ts';

type Aside<W> = Extract<AsideRecord, { what: W }>;

/** A closing call, and how long it took where it did not block. */
export const callText = (call: ClosingAside): string =>
  blocks(call) ? `${callName(call)} blocks` : `${callName(call)}: ${took(call)}`;

const callName = ({ by, andThen }: ClosingAside): string => {
  if (by === 'close(2)') return by;
  return andThen === undefined ? `${by}()` : `${by} then ${andThen}()`;
};
const took = ({ t, until }: ClosingAside): string => formatSeconds((until - t) / 1e9);

/** What stands beside an end, line by line. */
export function asideText({ says, aside, at, label }: AsideRow, time: Times, ladder: Ladder): string[] {
  const name = ladder.stateName(label);
  const when = name === '' ? time(at) : `${name} · ${time(at)}`;
  switch (aside.what) {
    case 'close':
      if (says === 'calls') return [`${callName(aside)} blocks`, when];
      return [`${callName(aside)} returns`, when, `after ${took(aside)}`];
    case 'read':
      return ['application read', when, readText(aside, ladder)];
    case 'restart':
      return ['60 s again', when];
    case 'forged':
      return forgedText(aside);
    case 'unreachable':
      return ['ICMP: host unreachable', "a router's answer"];
  }
}

/** What the wire made that is no segment; of many, how long it took over them. */
function forgedText({ count, kinds, t, until }: Aside<'forged'>): string[] {
  const [{ why = '', errno } = {}] = kinds;
  const what = count === 1 ? 'no TCP segment' : `${formatCount(count)} × no TCP segment`;
  return [
    what,
    count === 1
      ? `forged: ${errno === undefined ? why : `refused: ${errno}`}`
      : `forged in ${formatSeconds((until - t) / 1e9)}`,
  ];
}

/** How many bytes; and whose they are, where they can only be those of a segment that the wire sent. */
function readText({ of, bytes }: Aside<'read'>, { rows, nameOf }: Ladder): string {
  const read = `${formatCount(bytes)} bytes`;
  if (of === undefined) return read;
  const own = rows.flatMap((row) => ('segments' in row ? row.segments : [])).find(({ n }) => n === of);
  const name = own && nameOf(own);
  return `${read}, ${formatCount(bytes)} of ${name || 'the wire'}`;
}

/** What a segment's number is in its own connection and in the one that the wire replays it into, where that is drawn. */
export function numbersText({ rows, nameOf }: Ladder): string | undefined {
  const segments = rows.flatMap((row) => ('segments' in row ? row.segments : []));
  for (const { deed, seq, t } of segments) {
    const of = repeatedBy(deed);
    const original = segments.find(({ n }) => n === of);
    const begun = rows.findLast((row) => row.kind === 'begins' && row.at <= t);
    if (original?.seq === undefined || seq === undefined || original.seq === seq || begun?.kind !== 'begins') continue;
    return `${nameOf(original)}'s seq ${signed(original.seq)} is seq ${signed(seq)} in ${nameOf(begun.incarnation)}'s`;
  }
  return undefined;
}

/** Between which addresses and ports an incarnation is, and whether they were another's. */
export function beginsText({ incarnation, like }: BeginRow, { nameOf }: Ladder): string {
  const { client, server } = incarnation;
  const name = nameOf(incarnation) || `#${incarnation.incarnation}`;
  if (!like) return `${name}: ${client} → ${server}`;
  return `${name}: again ${client} → ${server}, the same four numbers`;
}
