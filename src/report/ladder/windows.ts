import type { SegmentRecord } from '../../record/schema.ts';
import { otherEnd } from '../../tcp/states.ts';
import type { LadderRow } from './parts.ts';
import { connectionOf, isOwn, purposeOf, signed } from './segment.ts';

/**
 * What a segment is in the story of a window that closes: `turns`: it closes it, or opens it again, or would have; `probe`: it
 * asks whether it is open, the last of all or not; `answer`: it says that it is not; `brief`: it closes it, or opens it again, so
 * soon that nobody asks.
 */
export type WindowRole = 'turns' | 'probe' | 'last probe' | 'answer' | 'brief';

/** No probe leaves sooner, ns: half of the shortest time until one does, TCP_RTO_MIN. */
const briefNs = 100e6;

interface Window {
  isClosed: boolean;
  /** The other end's, since it closed. */
  probes: SegmentRecord[];
  /** What said that it is closed, or open again. */
  told: SegmentRecord[];
}

/** The roles of segments in the stories of windows, in the order in which they were sent. */
export function windowRoles(segments: readonly SegmentRecord[]): ReadonlyMap<SegmentRecord, WindowRole> {
  const windows = new Map<string, Window>();
  const sentTo = new Map<string, number>();
  const roles = new Map<SegmentRecord, WindowRole>();
  const windowOf = (sender: string): Window => {
    const known = windows.get(sender) ?? { isClosed: false, probes: [], told: [] };
    windows.set(sender, known);
    return known;
  };
  for (const segment of segments) {
    const { from, seq, length, window, flags, arrived } = segment;
    if (flags.includes('SYN') || flags.includes('RST')) continue;
    const sender = `${connectionOf(segment)} ${from}`;
    const own = windowOf(sender);
    const others = windowOf(`${connectionOf(segment)} ${otherEnd(from)}`);
    const isAck = purposeOf(segment) === 'ACK';
    if (isAck && window === 0) roles.set(segment, own.isClosed ? 'answer' : 'turns');
    else if (own.isClosed && window > 0) roles.set(segment, 'turns');
    else if (isAck && others.isClosed && seq !== undefined && seq < (sentTo.get(sender) ?? 0)) {
      roles.set(segment, 'probe');
      others.probes.push(segment);
    }
    // one that is lost changes nothing for the other end
    if (arrived !== undefined && (isAck || own.isClosed)) {
      own.isClosed = window === 0;
    }
    if (roles.has(segment) && (window === 0 || own.told.length > 0)) own.told.push(segment);
    if (!own.isClosed && own.told.length > 0) turn(own, roles);
    if (seq !== undefined) sentTo.set(sender, Math.max(sentTo.get(sender) ?? 0, seq + length));
  }
  for (const each of windows.values()) turn(each, roles);
  return roles;
}

/** The last probe before a window opened is the one that mattered. */
function turn(window: Window, roles: Map<SegmentRecord, WindowRole>): void {
  const last = window.probes.at(-1);
  if (last) roles.set(last, 'last probe');
  const { told } = window;
  const lasted = (told.at(-1)?.t ?? 0) - (told[0]?.t ?? 0);
  if (!last && !window.isClosed && lasted < briefNs) for (const each of told) roles.set(each, 'brief');
  window.probes = [];
  window.told = [];
}

/** Returns the retransmissions that the capture shows: segments with a SYN, a FIN or bytes that the same end had sent before. */
export function repeatsIn(rows: readonly LadderRow[]): Set<SegmentRecord> {
  const sent = rows
    .flatMap((row) => ('segments' in row ? row.segments : []))
    .filter((segment) => !isOwn(segment) && segment.seq !== undefined && takesNumbers(segment))
    .sort((a, b) => a.t - b.t);
  const opened = new Set<string>();
  const sentTo = new Map<string, number>();
  return new Set(
    sent.filter((segment) => {
      const { from, flags, seq = 0, ack, length } = segment;
      const sender = `${connectionOf(segment)} ${from}`;
      if (flags.includes('SYN')) {
        // a SYN that crossed another is acknowledged with the same number; one that acknowledges another SYN is a new one
        const key = [sender, seq, length, flags.includes('ACK') ? ack : 'SYN'].join(' ');
        const known = opened.has(key);
        opened.add(key);
        return known;
      }
      const before = sentTo.get(sender) ?? Number.NEGATIVE_INFINITY;
      sentTo.set(sender, Math.max(before, signed(seq) + length + Number(flags.includes('FIN'))));
      return signed(seq) < before;
    }),
  );
}

const takesNumbers = (segment: SegmentRecord): boolean => ['SYN', 'FIN', 'data'].includes(purposeOf(segment));

/** What follows a segment's numbers where it asks whether a window is still closed, or says that it is open again. */
export const probe = '(probe)';

const opens = '(window open)';

/** Segments that have such a mark, with it. */
export function windowMarks(rows: readonly LadderRow[]): ReadonlyMap<SegmentRecord, string> {
  const segments = rows.flatMap((row) => ('segments' in row ? row.segments : []));
  const roles = windowRoles(segments.sort((a, b) => a.t - b.t || a.n - b.n));
  return new Map(
    [...roles].flatMap(([segment, role]): [SegmentRecord, string][] => {
      if (role === 'probe' || role === 'last probe') return [[segment, probe]];
      return role === 'turns' && segment.window > 0 ? [[segment, opens]] : [];
    }),
  );
}
