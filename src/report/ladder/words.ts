import { formatCount, formatSeconds } from '../../facts/values.ts';
import type { AsideRecord, ClosingAside, SegmentRecord } from '../../record/schema.ts';
import { icmpText } from '../../tcp/icmp.ts';
import { runText } from './counts.ts';
import type { ArrivalRow, AsideRow, BeginRow, Ladder, LadderRow, SegmentRow, StateRow } from './parts.ts';
import {
  blocks,
  callName,
  type DeedWords,
  deedParts,
  deedText,
  forgedWhy,
  hasPassed,
  isDelayed,
  originalOf,
  replayOf,
  signed,
} from './segment.ts';
import { repeatsIn, windowMarks } from './windows.ts';

/** What a ladder's drawings say. */
export interface LadderWords {
  readonly time: Times;
  readonly label: (segment: SegmentRecord) => SegmentLabel;
  /** Flags, numbers, length: `FIN ACK seq 1 ack 1`. */
  readonly segment: (segment: SegmentRecord) => string;
  /** What the wire did with it beyond carrying it: `lost`, `held for 3.00 s`; empty for nothing of note. */
  readonly deed: (segment: SegmentRecord) => string;
  /** The same in the two parts between which its line may end; the second is empty for most. */
  readonly deedParts: (segment: SegmentRecord) => DeedWords;
  /** `412 more data segments of 1448 bytes each way, 318 ms`. */
  readonly run: (row: SegmentRow) => string;
  /** What arrives in a row of its own: `FIN`. */
  readonly arrival: (row: ArrivalRow) => string;
  /** The state, with the name of its connection. */
  readonly state: (row: StateRow) => string;
  /** When a state was entered. */
  readonly when: (row: StateRow) => Entered;
  /** How else it is known, line by line. */
  readonly notes: (row: StateRow) => readonly string[];
  /** All of that, line by line. */
  readonly entered: (row: StateRow) => readonly string[];
  /** What stands beside an end, line by line: `destroy() returns`, `+2.3 s`; of an ICMP message what it says. */
  readonly aside: (row: AsideRow) => readonly string[];
  /** `new: the same addresses and ports as old`. */
  readonly begins: (row: BeginRow) => string;
  /** Of one of a segment's that the wire replays into another connection: `old's seq 7220065 is seq -27980 in new's`. */
  readonly numbers: string | undefined;
}

/** The words for a ladder. */
export function wordsFor(ladder: Ladder): LadderWords {
  const time = timesOf(ladder);
  const repeated = repeatsIn(ladder.rows);
  const marks = windowMarks(ladder.rows);
  const delayed = delayIsRule(ladder.rows);
  const replayed = replayedIn(ladder.rows);
  const label = (segment: SegmentRecord): SegmentLabel =>
    labelOf(segment, ladder.nameOf(segment), repeated.has(segment) ? again : (marks.get(segment) ?? ''));
  const deed = (segment: SegmentRecord): DeedWords => {
    const usual = delayed && isDelayed(segment);
    const words = usual ? noDeed : deedParts(segment, originalText(segment, ladder, time));
    return words.what === '' && replayed.has(segment.n) ? { what: 'the wire keeps a copy of it', more: '' } : words;
  };
  return {
    time,
    label,
    segment: (segment) => partsOf(label(segment)).join(' '),
    deed: (segment) => deedText(deed(segment)),
    deedParts: deed,
    run: (row) => named(ladder.nameOf(row.segments[0]), runText(row)),
    arrival: ({ of }) =>
      named(
        ladder.nameOf(of.segments[0]),
        of.kind === 'run' ? `these ${formatCount(of.segments.length)}` : of.segments[0].flags.join(' '),
      ),
    state: ({ label, step }) => named(ladder.stateName(label), step.state),
    when: (row) => whenOf(row, time, ladder.origin),
    notes: (row) => notesOf(row, time),
    entered: (row) => [enteredText(whenOf(row, time, ladder.origin)), ...notesOf(row, time)],
    aside: (row) => asideText(row, time, ladder),
    begins: (row) => beginsText(row, ladder),
    numbers: numbersText(ladder),
  };
}

const noDeed: DeedWords = { what: '', more: '' };

const named = (name: string, text: string): string => (name === '' ? text : `${name}: ${text}`);

/** What follows a segment's numbers where its end had sent the same before. */
export const again = '(again)';

/** What a segment is, in its parts: they stand beside each other, or in two lines. */
export interface SegmentLabel {
  /** Its connection's, where there are several: `old: `. */
  readonly name: string;
  /** `FIN ACK`; empty where it has none. */
  readonly flags: string;
  /** `seq 1`, `ack 1`, `len 5`. */
  readonly numbers: readonly string[];
  /** `(again)`, `(probe)`; empty for most. */
  readonly mark: string;
}

/** A segment's label. */
export function labelOf(segment: SegmentRecord, name: string, mark: string): SegmentLabel {
  const { flags, seq, rawSeq, ack, length, window } = segment;
  const numbers: string[] = [];
  if (seq !== undefined) numbers.push(`seq ${signed(seq)}`);
  if (rawSeq !== undefined) numbers.push(`raw seq ${rawSeq}`);
  if (ack !== undefined && flags.includes('ACK')) numbers.push(`ack ${signed(ack)}`);
  if (length > 0) numbers.push(`len ${length}`);
  // a window of 0 stops the other end; that of a RST says nothing
  if (window === 0 && !flags.includes('RST')) numbers.push('win 0');
  return { name: name === '' ? '' : `${name}: `, flags: flags.join(' '), numbers, mark };
}

/** A label's parts between which a line may end. */
export const partsOf = ({ name, flags, numbers, mark }: SegmentLabel): string[] => [
  name + (flags || 'no flags'),
  ...numbers,
  ...(mark === '' ? [] : [mark]),
];

/** On a wire that delays most of what it carries, a delay is not of note. */
function delayIsRule(rows: readonly LadderRow[]): boolean {
  const all = rows.flatMap((row) => ('segments' in row ? row.segments : [])).filter(hasPassed);
  return all.filter(isDelayed).length * 2 > all.length;
}

/** Which one it repeats: by its time where the ladder has it, else by its number in the capture. */
function originalText(segment: SegmentRecord, { rows }: Ladder, time: Times): string {
  const of = originalOf(segment);
  if (of === undefined) return '';
  const row = rows.find((each) => 'segments' in each && each.segments.some(({ n }) => n === of));
  const original = row && 'segments' in row && row.segments.find(({ n }) => n === of);
  if (!original) return `number ${of} of the capture`;
  return `the one sent at ${time(original.t)}`;
}

/** Segments that the wire sends once more by and by. */
function replayedIn(rows: readonly LadderRow[]): Set<number> {
  const segments = rows.flatMap((row) => ('segments' in row ? row.segments : []));
  return new Set(segments.flatMap((segment) => replayOf(segment) ?? []));
}

function notesOf({ step, mini, full, why, call }: StateRow, time: Times): string[] {
  const own = step.mini && step.state !== 'TIME-WAIT' && full === undefined ? ['mini-socket'] : [];
  return [
    ...(call ? [callText(call)] : []),
    ...own,
    ...(mini ? [`mini-socket from ${time(mini.at)}`] : []),
    ...(full === undefined ? [] : [`mini-socket until ${time(full)}`]),
    ...(why ? [why] : []),
  ];
}

/** When a state was entered, as texts. */
export interface Entered {
  /** Of a range: its beginning. */
  readonly since?: string;
  /** The range begins later than the ladder. */
  readonly isLater: boolean;
  readonly at: string;
  readonly sampled: boolean;
}

/** A range reaches as far as its state is known to have been entered then. */
function whenOf({ step, at }: StateRow, time: Times, origin: number): Entered {
  const early = Math.max(origin, step.notBefore ?? step.at);
  const isRange = step.evidence !== 'exact' && time(early) !== time(step.at);
  return {
    ...(isRange && { since: time(early) }),
    isLater: early > origin,
    at: isRange || step.evidence === 'exact' ? time(step.at) : time(at),
    sampled: step.evidence === 'sampled',
  };
}

/** `+2.00 s to +2.10 s (sampled)`. */
const enteredText = ({ since, at, sampled }: Entered): string =>
  `${since === undefined ? at : `${since} to ${at}`}${sampled ? ' (sampled)' : ''}`;

/** A closing call, and how long it took where it did not block. */
export const callText = (call: ClosingAside): string =>
  blocks(call) ? `${callName(call)} blocks` : `${callName(call)}: ${took(call)}`;

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
      return [`ICMP: ${icmpText(aside.kind ?? 'host-unreachable')}`, "a router's answer"];
  }
}

/** What the wire made that is no segment; of many, how long it took over them. */
function forgedText(aside: Extract<AsideRecord, { what: 'forged' }>): string[] {
  const { count, t, until } = aside;
  const what = count === 1 ? 'no TCP segment' : `${formatCount(count)} × no TCP segment`;
  return [what, count === 1 ? `forged: ${forgedWhy(aside)}` : `forged in ${formatSeconds((until - t) / 1e9)}`];
}

/** How many bytes; and whose they are, where they can only be those of a segment that the wire sent. */
function readText({ of, bytes }: Extract<AsideRecord, { what: 'read' }>, { rows, nameOf }: Ladder): string {
  const read = `${formatCount(bytes)} bytes`;
  if (of === undefined) return read;
  const own = rows.flatMap((row) => ('segments' in row ? row.segments : [])).find(({ n }) => n === of);
  const name = own && nameOf(own);
  return `${read}, ${formatCount(bytes)} of ${name || 'the wire'}`;
}

/** What a segment's number is in its own connection and in the one that the wire replays it into, where that is drawn. */
export function numbersText({ rows, nameOf }: Ladder): string | undefined {
  const segments = rows.flatMap((row) => ('segments' in row ? row.segments : []));
  for (const segment of segments) {
    const { seq, t } = segment;
    const of = originalOf(segment);
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

/** Digits of a time at most. */
const mostDigits = 6;

/** Formats a time of a ladder since its first row, with as many digits as neighbouring rows need to differ. */
export type Times = (ns: number) => string;

/** Makes the formatter of a ladder's times: `0 ms`, `+25.0 µs`, `+204.06 ms`. */
export function timesOf({ rows, origin }: Ladder): Times {
  const all = [...new Set(rows.flatMap(momentsIn))].sort((a, b) => a - b);
  const texts = new Map(
    all.map((ns, index) => {
      const others = [all[index - 1], all[index + 1]].filter((other) => other !== undefined);
      for (let digits = 3; digits < mostDigits; digits++) {
        const text = since(ns - origin, digits);
        if (!others.some((other) => since(other - origin, digits) === text)) return [ns, text];
      }
      return [ns, since(ns - origin, mostDigits)];
    }),
  );
  return (ns) => texts.get(ns) ?? since(ns - origin, 3);
}

/** Rows that have no time in their text. */
const untimed: ReadonlySet<LadderRow['kind']> = new Set(['pause', 'gap', 'omitted', 'begins']);

/** Returns the times in a row's text. */
function momentsIn(row: LadderRow): number[] {
  if (untimed.has(row.kind)) return [];
  if (row.kind !== 'state') return [row.at];
  const { step, at, full, mini } = row;
  return [step.evidence === 'exact' ? step.at : at, full, mini?.at].filter((each) => each !== undefined);
}

function since(ns: number, digits: number): string {
  if (ns === 0) return '0 ms';
  const sign = ns < 0 ? '−' : '+';
  return `${sign}${digits === 3 ? formatSeconds(Math.abs(ns) / 1e9) : withDigits(Math.abs(ns) / 1e9, digits)}`;
}

/** As formatSeconds, with more digits. */
function withDigits(seconds: number, digits: number): string {
  const [scale, unit] = seconds >= 1 ? [1, 's'] : seconds >= 1e-3 ? [1e3, 'ms'] : [1e6, 'µs'];
  const value = seconds * (scale as number);
  const whole = Math.floor(Math.log10(value)) + 1;
  // the clock counts in ns
  const most = unit === 's' ? 9 : unit === 'ms' ? 6 : 3;
  return `${value.toFixed(Math.min(most, Math.max(0, digits - whole)))} ${unit}`;
}
