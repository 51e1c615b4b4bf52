import type { SegmentRecord } from '../record/schema.ts';
import { otherEnd } from '../tcp/states.ts';
import { connectionOf, purposeOf } from './ladder-folds.ts';

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

/** Probes that go together as one, and how many of them were answered. */
export function probesText(segments: readonly SegmentRecord[]): string {
  const answers = segments.filter(({ window }) => window === 0).length;
  const probes = segments.length - answers;
  const text = `${probes} more ${probes === 1 ? 'probe' : 'probes'}`;
  if (answers === 0) return `${text}, not answered`;
  if (answers >= probes) return `${text}, ${probes === 1 ? '' : 'each '}answered by a closed window`;
  return `${text}, ${answers} answered by a closed window`;
}
