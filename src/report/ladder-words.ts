import type { SegmentRecord } from '../record/schema.ts';
import { formatCount, formatSeconds, plural } from './format.ts';
import type {
  ArrivalRow,
  AsideRow,
  BeginRow,
  GapRow,
  Ladder,
  LadderRow,
  OmittedRow,
  PauseRow,
  SegmentRow,
  StateRow,
} from './ladder.ts';
import { asideText, beginsText, callText, numbersText } from './ladder-aside-words.ts';
import { countsOf } from './ladder-counts.ts';
import { hasPassed } from './ladder-folds.ts';
import { repeatsIn, signed, windowMarks } from './ladder-repeats.ts';
import { type Times, timesOf } from './ladder-times.ts';
import { probesText } from './ladder-windows.ts';

/** What a ladder's drawings say. */
export interface LadderWords {
  readonly time: Times;
  /** Flags, numbers, length: `FIN ACK seq 1 ack 1`. */
  readonly segment: (segment: SegmentRecord) => string;
  /** What the wire did with it beyond carrying it: `lost`, `held for 3.00 s`; empty for nothing of note. */
  readonly deed: (segment: SegmentRecord) => string;
  /** `412 more data segments of 1448 bytes each way, 318 ms`. */
  readonly run: (row: SegmentRow) => string;
  /** What arrives in a row of its own: `FIN`. */
  readonly arrival: (row: ArrivalRow) => string;
  /** The state, with the name of its connection. */
  readonly state: (row: StateRow) => string;
  /** When it was entered and how that is known, line by line. */
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
  return {
    time,
    segment: (segment) =>
      segmentText(segment, ladder.nameOf(segment), repeated.has(segment) ? again : (marks.get(segment) ?? '')),
    deed: (segment) => {
      const deed = delayed && segment.deed.do === 'delayed' ? '' : deedText(segment, ladder, time);
      return deed === '' && replayed.has(segment.n) ? 'the wire keeps a copy of it' : deed;
    },
    run: (row) => named(ladder.nameOf(row.segments[0]), runText(row)),
    arrival: ({ of }) =>
      named(
        ladder.nameOf(of.segments[0]),
        of.kind === 'run' ? `these ${formatCount(of.segments.length)}` : of.segments[0].flags.join(' '),
      ),
    state: ({ label, step }) => named(ladder.stateName(label), step.state),
    entered: (row) => enteredText(row, time, ladder.origin),
    aside: (row) => asideText(row, time, ladder),
    begins: (row) => beginsText(row, ladder),
    numbers: numbersText(ladder),
  };
}

const named = (name: string, text: string): string => (name === '' ? text : `${name}: ${text}`);

/** What follows a segment's numbers where its end had sent the same before. */
export const again = '(again)';

function segmentText(segment: SegmentRecord, name: string, mark: string): string {
  const { flags, seq, rawSeq, ack, length, window } = segment;
  const words = [flags.join(' ') || 'no flags'];
  if (seq !== undefined) words.push(`seq ${signed(seq)}`);
  if (rawSeq !== undefined) words.push(`raw seq ${rawSeq}`);
  if (ack !== undefined && flags.includes('ACK')) words.push(`ack ${signed(ack)}`);
  if (length > 0) words.push(`len ${length}`);
  // a window of 0 stops the other end; that of a RST says nothing
  if (window === 0 && !flags.includes('RST')) words.push('win 0');
  if (mark !== '') words.push(mark);
  return named(name, words.join(' '));
}

/** On a wire that delays most of what it carries, a delay is not of note. */
function delayIsRule(rows: readonly LadderRow[]): boolean {
  const all = rows.flatMap((row) => ('segments' in row ? row.segments : [])).filter(hasPassed);
  return all.filter(({ deed }) => deed.do === 'delayed').length * 2 > all.length;
}

function deedText(segment: SegmentRecord, ladder: Ladder, time: Times): string {
  const { deed, t, arrived } = segment;
  const after = arrived === undefined ? '' : formatSeconds((arrived - t) / 1e9);
  switch (deed.do) {
    case 'carried':
      return arrived === undefined ? 'arrival not recorded' : '';
    case 'dropped':
      return 'lost: dropped by the wire';
    case 'refused':
      return `lost: refused by the kernel (${deed.errno})`;
    case 'black hole':
      return 'lost in a black hole';
    case 'lost':
      return 'lost';
    case 'queue full':
      return 'lost: the queue was full';
    case 'held':
      return after === '' ? 'held, never released' : `held for ${after}`;
    case 'delayed':
      return after === '' ? 'delayed, arrival not recorded' : `delayed by ${after}`;
    case 'forged':
      return `forged by the wire in the ${segment.from}'s name`;
    case 'copy':
    case 'replay':
      return `${deed.do === 'copy' ? 'copied' : 'replayed'} by the wire${originalOf(deed.of, ladder, time)}`;
  }
}

/** Which one it repeats: by its time where the ladder has it, else by its number in the capture. */
function originalOf(of: number, { rows }: Ladder, time: Times): string {
  const row = rows.find((each) => 'segments' in each && each.segments.some(({ n }) => n === of));
  const original = row && 'segments' in row && row.segments.find(({ n }) => n === of);
  if (!original) return `: number ${of} of the capture`;
  return `: the one sent at ${time(original.t)}`;
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

const inCapture = (count: number): string => `${plural(count, 'packet')} that only the capture has`;

/** Packets that only the capture has, and how long they took. */
export const gapText = ({ count, since, at }: Pick<GapRow, 'count' | 'since' | 'at'>): string =>
  `${inCapture(count)}, ${formatSeconds((at - since) / 1e9)}`;

/** Segments that the wire sends once more by and by. */
function replayedIn(rows: readonly LadderRow[]): Set<number> {
  const segments = rows.flatMap((row) => ('segments' in row ? row.segments : []));
  return new Set(segments.flatMap(({ deed }) => (deed.do === 'replay' ? [deed.of] : [])));
}

function enteredText({ at, step, mini, full, why, call }: StateRow, time: Times, origin: number): string[] {
  const own = step.mini && step.state !== 'TIME-WAIT' && full === undefined ? ['mini-socket'] : [];
  return [
    enteredAt(step, at, time, origin),
    ...(call ? [callText(call)] : []),
    ...own,
    ...(mini ? [`mini-socket from ${time(mini.at)}`] : []),
    ...(full === undefined ? [] : [`a request until ${time(full)}`]),
    ...(why ? [why] : []),
  ];
}

/** A range reaches as far as its state is known to have been entered then. */
function enteredAt(step: StateRow['step'], at: number, time: Times, origin: number): string {
  const early = Math.max(origin, step.notBefore ?? step.at);
  const isRange = step.evidence !== 'exact' && time(early) !== time(step.at);
  const text = isRange ? `${time(early)} to ${time(step.at)}` : time(step.evidence === 'exact' ? step.at : at);
  return step.evidence === 'sampled' ? `${text} (sampled)` : text;
}
