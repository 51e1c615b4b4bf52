import type { MiniSocketEvent, Ns } from '../record/event.ts';
import type { CellView, EndView, Look } from './connections.ts';
import type { State } from './states.ts';

/** What became of an endpoint after its full socket ended. */
export type Afterlife =
  | { readonly exists: false }
  | { readonly exists: true; readonly timer?: MiniSocketEvent; readonly firstSeen?: Look }
  | { readonly exists: 'unknown'; readonly why: string };

/** States a full socket can leave to a mini-socket: tcp_time_wait() is called from these only. */
const leavesMini: ReadonlySet<State> = new Set(['FIN-WAIT-2', 'CLOSING']);

/** Whether a mini-socket took over when the full socket went from `left` to CLOSED, and by what evidence. */
export function afterlifeOf(view: CellView, end: EndView, left: State, closed: Ns): Afterlife {
  if (!leavesMini.has(left)) return { exists: false };
  const timer = view.miniSockets.findLast(({ socket, t }) => socket === end.chain?.socket && t <= closed);
  const later = end.looks.filter((look) => look.from >= closed);
  const firstSeen = later.find(({ socket }) => socket !== undefined);
  if (timer || firstSeen) return { exists: true, ...(timer && { timer }), ...(firstSeen && { firstSeen }) };
  if (view.sight.miniTimers || later.length > 0) return { exists: false };
  return {
    exists: 'unknown',
    why: 'no ss sample after the full socket ended, and this kernel traces no mini-socket timers',
  };
}

/** How a mini-socket ended, if it did while anyone looked. */
export interface MiniEnd {
  readonly at: Ns;
  readonly notBefore?: Ns;
  /** `timer`: it ran out. Otherwise the samples only say that it was gone. */
  readonly by: 'timer' | 'gone';
}

export function miniEndOf(
  view: CellView,
  end: EndView,
  since: Ns,
  timer: MiniSocketEvent | undefined,
): MiniEnd | undefined {
  if (timer) {
    // the slab may give the same address to a later mini-socket: the first expiry, before another's first start, is ours
    const expired = view.miniTimers.find(
      (event) => event.kind === 'mini-timer-expire' && event.timer === timer.timer && event.t >= since,
    );
    if (expired) return { at: expired.t, by: 'timer' };
  }
  const later = end.looks.filter((look) => look.from >= since);
  const lastSeen = later.findLast(({ socket }) => socket !== undefined);
  const gone = later.find((look) => look.socket === undefined && look.from >= (lastSeen?.until ?? since));
  if (!gone) return undefined;
  const left = lastSeen?.socket?.timer;
  const notBefore = lastSeen?.from ?? since;
  // what its timer still had to run, at its last look, ended before it was looked for in vain; ss rounds up to whole ms
  const ranOut = left !== undefined && notBefore + left.ms * 1e6 <= gone.until;
  return { at: gone.until, notBefore, by: ranOut ? 'timer' : 'gone' };
}
