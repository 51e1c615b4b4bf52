import type { MiniSocketEvent, Ns, PathStep } from '../record/event.ts';
import type { State } from '../tcp/states.ts';
import { isOf } from './chains.ts';
import type { CellView, EndView, Look } from './connections.ts';

/** What became of an endpoint after its full socket ended. */
export type Afterlife =
  | { readonly exists: false }
  | { readonly exists: true; readonly timer?: MiniSocketEvent; readonly firstSeen?: Look }
  | { readonly exists: 'unknown'; readonly why: string };

/** States a full socket can leave to a mini-socket: tcp_time_wait() is called from these only. */
const leavesMini: ReadonlySet<State> = new Set(['FIN-WAIT-2', 'CLOSING']);

/**
 * No mini-socket runs out sooner: TIME-WAIT takes 60 s, an orphan's FIN-WAIT-2 not less than 3.5 times an RTO, which is 200 ms
 * or more (tcp_fin_time() in include/net/tcp.h). A sample that shows none later than this says nothing.
 */
const shortestNs: Ns = 700_000_000;

/** Whether a mini-socket took over when the full socket went from `left` to CLOSED, and by what evidence. */
export function afterlifeOf(view: CellView, end: EndView, left: State, closed: Ns): Afterlife {
  if (!leavesMini.has(left)) return { exists: false };
  const { chain } = end;
  const timer = chain && view.miniSockets.findLast((event) => isOf(chain, event) && event.t <= closed);
  const later = end.looks.filter((look) => look.from >= closed);
  const firstSeen = later.find(({ socket }) => socket !== undefined);
  if (timer || firstSeen) return { exists: true, ...(timer && { timer }), ...(firstSeen && { firstSeen }) };
  if (view.sight.miniTimers || later.some(({ until }) => until < closed + shortestNs)) return { exists: false };
  return {
    exists: 'unknown',
    why: 'no ss sample soon after the full socket ended, and this kernel traces no mini-socket timers',
  };
}

/** How a mini-socket ended, if it did while anyone looked. */
export interface MiniEnd {
  readonly at: Ns;
  readonly notBefore?: Ns;
  /** `timer`: it ran out. By the wire: a RST came, or a SYN took its place. Otherwise the samples only say that it was gone. */
  readonly by: 'timer' | 'rst' | 'recycled' | 'gone';
  /** Where the wire tells of it. */
  readonly step?: Pick<PathStep, 'evidence' | 'source'>;
}

export function miniEndOf(
  view: CellView,
  end: EndView,
  since: Ns,
  timer: MiniSocketEvent | undefined,
): MiniEnd | undefined {
  if (timer) {
    // the slab may give the same address to a later mini-socket: the first expiry, before another's first start, is ours
    const another = view.miniSockets.find((event) => event.timer === timer.timer && event.t > timer.t);
    const limit = Math.min(another?.t ?? Number.POSITIVE_INFINITY, end.succeededAt);
    const expired = view.miniTimers.find(
      ({ kind, timer: address, t }) =>
        kind === 'mini-timer-expire' && address === timer.timer && t >= since && t < limit,
    );
    if (expired) return { at: expired.t, by: 'timer' };
  }
  const later = end.looks.filter((look) => look.until >= since);
  const lastSeen = later.findLast(({ socket }) => socket !== undefined);
  const gone = later.find((look) => look.socket === undefined && look.from >= (lastSeen?.until ?? since));
  if (!gone) return undefined;
  const shown = lastSeen?.socket?.timer;
  const left = shown?.name === 'timewait' ? shown : undefined;
  const notBefore = Math.max(lastSeen?.from ?? since, since);
  // what its timer still had to run, at its last look, ended before it was looked for in vain; were the timer traced, its
  // end would have been seen
  const ranOut = timer === undefined && lastSeen && left !== undefined && lastSeen.from + left.ms * 1e6 <= gone.until;
  return { at: gone.until, notBefore, by: ranOut ? 'timer' : 'gone' };
}
