import type { SegmentRecord } from '../record/schema.ts';
import type { GapMoment, Moment } from './ladder-moments.ts';
import { type WindowRole, windowRoles } from './ladder-windows.ts';

/** What a segment is for, by its flags and payload. */
export type Purpose = 'SYN' | 'FIN' | 'RST' | 'data' | 'ACK';
export function purposeOf({ flags, length }: SegmentRecord): Purpose {
  const flag = (['RST', 'SYN', 'FIN'] as const).find((each) => flags.includes(each));
  return flag ?? (length > 0 ? 'data' : 'ACK');
}

/** The wire let it through, sooner or later as its network has it. */
export const hasPassed = ({ deed }: SegmentRecord): boolean => deed.do === 'carried' || deed.do === 'delayed';

/** Segments that go together as one. */
export interface Fold {
  readonly segments: readonly SegmentRecord[];
  /** Whether all left and arrived without anything of note in between. */
  readonly whole: boolean;
  /** Among them, what only the capture has. */
  readonly gaps: readonly GapMoment[];
  /** They are probes of a closed window, and the answers to them. */
  readonly probing: boolean;
}

/** How much of a ladder is folded. */
export interface Folding {
  /** Fewer are drawn each for itself. */
  readonly least: number;
  /** A longer silence than this, ns, parts what goes together. */
  readonly silenceNs: number;
  /** Whether the segment, the nth of its like and so many from the last, may be folded. */
  readonly mayFold: (segment: SegmentRecord, nth: number, fromLast: number) => boolean;
}

const isStream = (segment: SegmentRecord): boolean =>
  hasPassed(segment) && (purposeOf(segment) === 'data' || purposeOf(segment) === 'ACK');

/** From little to much: the first that makes a ladder short enough is taken. A pause is longer than the silence. */
export const foldings = (silenceNs: number): readonly Folding[] => [
  {
    least: 6,
    silenceNs,
    mayFold: (segment, nth) =>
      (isStream(segment) && (nth > 0 || purposeOf(segment) === 'ACK')) || (segment.deed.do === 'held' && nth > 0),
  },
  { least: 3, silenceNs, mayFold: (segment, nth, fromLast) => nth > 0 && (isStream(segment) || fromLast > 0) },
  { least: 2, silenceNs: Number.POSITIVE_INFINITY, mayFold: (_, nth, fromLast) => nth > 0 && fromLast > 0 },
  { least: 2, silenceNs: Number.POSITIVE_INFINITY, mayFold: (segment, nth) => nth > 0 || purposeOf(segment) === 'ACK' },
];

type Roles = ReadonlyMap<SegmentRecord, WindowRole>;

/** Which segments go together as one. */
export function foldsOf(moments: readonly Moment[], folding: Folding): Fold[] {
  const segments = segmentsIn(moments);
  const roles = windowRoles(segments);
  let folded = candidates(segments, roles, folding);
  for (;;) {
    const groups = groupsOf(moments, folded, roles, folding);
    const enough = groups.filter((group) => group.segments.length >= folding.least);
    if (enough.length === groups.length) return groups;
    // what is drawn for itself parts others
    folded = new Set(enough.flatMap((group) => group.segments));
  }
}

const segmentsIn = (moments: readonly Moment[]): SegmentRecord[] => [
  ...new Set(moments.flatMap((moment) => ('segment' in moment ? [moment.segment] : []))),
];

/** What a reader must see, however much is folded. */
const isTurn = (role: WindowRole | undefined): boolean => role === 'turns' || role === 'last probe';

const isProbing = (role: WindowRole | undefined): boolean => role === 'probe' || role === 'answer';

function candidates(segments: readonly SegmentRecord[], roles: Roles, { mayFold, least }: Folding): Set<SegmentRecord> {
  const again = new Set(segments.flatMap(({ deed }) => (deed.do === 'replay' ? [deed.of] : [])));
  const alike = [
    ...Map.groupBy(
      segments.filter((segment) => {
        const role = roles.get(segment);
        // where so much has to be folded that even those do not fit, they go with the rest
        return !isTurn(role) && !(role === 'brief' && least > 2) && !again.has(segment.n);
      }),
      (segment) => `${likeOf(segment)} ${isProbing(roles.get(segment)) ? roles.get(segment) : ''}`,
    ).values(),
  ];
  return new Set(
    alike.flatMap((group) =>
      group.filter(
        (segment, index) =>
          mayFold(segment, index, group.length - 1 - index) && (index > 0 || !isProbing(roles.get(segment))),
      ),
    ),
  );
}

const likeOf = (segment: SegmentRecord): string =>
  [connectionOf(segment), segment.from, purposeOf(segment), hasPassed(segment) ? 'passed' : segment.deed.do].join(' ');

/** Tells the connections of a cell apart. */
export const connectionOf = ({ label, incarnation }: SegmentRecord): string => `${label} ${incarnation}`;

/** Candidates between whose leaving, and between whose arrivals, nothing of note happened. */
function groupsOf(
  moments: readonly Moment[],
  folded: ReadonlySet<SegmentRecord>,
  roles: Roles,
  { silenceNs }: Folding,
): Fold[] {
  const places = new Map<SegmentRecord, number[]>();
  const gaps = new Map<number, GapMoment[]>();
  let block = 0;
  let probing = false;
  let before = moments[0]?.at ?? 0;
  for (const moment of moments) {
    const isFolded = 'segment' in moment && folded.has(moment.segment);
    const isGap = moment.kind === 'gap';
    if (!(isFolded || isGap) || (isGap ? moment.since : moment.at) - before > silenceNs) block++;
    // probes are told apart from what is sent otherwise
    if (isFolded && isProbing(roles.get(moment.segment)) !== probing) {
      probing = !probing;
      block++;
    }
    if (isGap) gaps.set(block, [...(gaps.get(block) ?? []), moment]);
    if (isFolded) places.set(moment.segment, [...(places.get(moment.segment) ?? []), block]);
    before = Math.max(before, moment.at);
  }
  const groups = Map.groupBy(places.keys(), (segment) => {
    const [from, to = from] = places.get(segment) ?? [];
    const direction = from === to ? '' : segment.from;
    return [connectionOf(segment), from, to, direction].join(' ');
  });
  return [...groups.values()].map((segments) => {
    const [from, to = from] = places.get(segments[0] as SegmentRecord) ?? [];
    const own = from === to && from !== undefined ? (gaps.get(from) ?? []) : [];
    if (from !== undefined && own.length > 0) gaps.delete(from);
    return { segments, whole: from === to, gaps: own, probing: isProbing(roles.get(segments[0] as SegmentRecord)) };
  });
}
