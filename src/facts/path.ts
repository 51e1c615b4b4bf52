import type { Ns, PathStep } from '../record/event.ts';
import { otherEnd, type State } from '../tcp/states.ts';
import { closingSegments, finArrivals } from './carried.ts';
import { type Chain, enteredAt } from './chains.ts';
import type { CellView, ConnectionView, EndView } from './connections.ts';
import { endOnWire } from './end-on-wire.ts';
import { afterlifeOf, type MiniEnd, miniEndOf } from './mini-socket.ts';
import { requestPath, withRequest } from './request.ts';

/** What one endpoint went through. */
export interface EndpointPath {
  readonly steps: readonly PathStep[];
  /** Why the steps are not the whole path; absent where they are. */
  readonly incomplete?: string;
  /** How its mini-socket ended, if it had one and that was seen. */
  readonly miniEnd?: MiniEnd;
  /** What began its TIME-WAIT. */
  readonly beganWith?: "peer's FIN" | 'ACK of FIN';
  /** Where two observers contradict each other. */
  readonly disagreements: readonly string[];
}

/** Fold everything observed of one end of a connection into its path. */
export function pathOf(view: CellView, connection: ConnectionView, end: EndView): EndpointPath {
  const accepted = end.opened && connection.event[end.end].opening === undefined;
  const request = accepted && view.sight.transitions && end.endpoint === null;
  if (!end.chain) return request ? requestPath(view, connection, end) : sampledPath(view, end, accepted);
  const path = tracedPath(view, connection, end, end.chain);
  return accepted ? { ...path, steps: withRequest(view, connection, end, path.steps) } : path;
}

function tracedPath(view: CellView, connection: ConnectionView, end: EndView, chain: Chain): EndpointPath {
  const steps: PathStep[] = [];
  for (const { t, to } of chain.transitions) {
    steps.push({ state: to, at: t, evidence: 'exact', source: 'trace' });
  }
  const last = chain.transitions.at(-1);
  const disagreements = contradictions(end, steps);
  if (last?.to !== 'CLOSED') return { steps, disagreements };
  const afterlife = afterlifeOf(view, end, last.from, last.t);
  if (afterlife.exists === false) return { steps, disagreements };
  steps.pop();
  if (afterlife.exists === 'unknown') return { steps, disagreements, incomplete: afterlife.why };
  const began = miniSteps(view, connection, end, last);
  steps.push(...began.steps);
  const mini = steps.at(-1) ?? { state: last.from, at: last.t };
  const miniEnd = endOnWire(view, connection, end, mini, miniEndOf(view, end, mini.at, afterlife.timer));
  if (miniEnd) steps.push(closedStep(miniEnd));
  return {
    steps,
    disagreements: [...disagreements, ...miniContradictions(end, steps, last.t)],
    ...(miniEnd && { miniEnd }),
    ...(began.beganWith && { beganWith: began.beganWith }),
    ...(began.incomplete && { incomplete: began.incomplete }),
  };
}

const closedStep = ({ at, notBefore, step }: MiniEnd): PathStep => ({
  state: 'CLOSED',
  at,
  ...(notBefore !== undefined && { notBefore }),
  ...(step ??
    (notBefore === undefined ? { evidence: 'exact', source: 'trace' } : { evidence: 'sampled', source: 'ss' })),
});

interface MiniSteps {
  readonly steps: PathStep[];
  readonly beganWith?: "peer's FIN" | 'ACK of FIN';
  readonly incomplete?: string;
}

/**
 * The states of the mini-socket. tcp_time_wait() makes it in TIME-WAIT when the peer's FIN has come, and in FIN-WAIT-2 when
 * an orphan waits for that FIN: then TIME-WAIT begins with no event of its own, when that comes: on a wire exactly known,
 * otherwise between its being sent and its acknowledgement taking the peer from LAST-ACK to CLOSED.
 */
function miniSteps(
  { carried }: CellView,
  connection: ConnectionView,
  end: EndView,
  closed: { t: Ns; from: State },
): MiniSteps {
  const exact = (state: State): PathStep => ({ state, at: closed.t, evidence: 'exact', source: 'trace', mini: true });
  if (closed.from === 'CLOSING') return { steps: [exact('TIME-WAIT')], beganWith: 'ACK of FIN' };
  const peer = connection[otherEnd(end.end)];
  const finSent = enteredAt(peer.chain, 'FIN-WAIT-1', 'LAST-ACK');
  const waits = end.looks.filter(({ from, socket }) => from >= closed.t && socket?.state === 'FIN-WAIT-2').at(-1);
  if (finSent !== undefined && finSent <= closed.t && !waits) {
    return { steps: [exact('TIME-WAIT')], beganWith: "peer's FIN" };
  }
  const orphan = exact('FIN-WAIT-2');
  const came = finArrivals(carried, connection.event, otherEnd(end.end)).find((at) => at >= closed.t);
  if (came !== undefined) {
    const waiting: PathStep = { state: 'TIME-WAIT', at: came, evidence: 'exact', source: 'wire', mini: true };
    return { steps: [orphan, waiting], beganWith: "peer's FIN" };
  }
  // before the peer's FIN there is no TIME-WAIT: such a sample contradicts the trace
  const shown = end.looks.find(
    ({ from, until, socket }) => from >= closed.t && until >= (finSent ?? 0) && socket?.state === 'TIME-WAIT',
  );
  // the wire tells that no FIN came: its sender may have given it up
  const isWired = closingSegments(carried, connection.event, end.end) !== undefined;
  const acknowledged = isWired ? undefined : enteredAt(peer.chain, 'CLOSED');
  const reset = peer.resetAt !== undefined;
  if (finSent === undefined && !shown) return { steps: [orphan] };
  const latest = Math.min(
    acknowledged !== undefined && !reset ? acknowledged : Number.POSITIVE_INFINITY,
    shown ? shown.until : Number.POSITIVE_INFINITY,
  );
  if (latest === Number.POSITIVE_INFINITY) return { steps: [orphan] };
  const earliest = Math.max(closed.t, finSent ?? 0, waits?.from ?? 0);
  const bracketed = finSent !== undefined && latest === acknowledged;
  return {
    steps: [
      orphan,
      {
        state: 'TIME-WAIT',
        at: latest,
        notBefore: Math.min(earliest, latest),
        evidence: bracketed ? 'bracketed' : 'sampled',
        source: bracketed ? 'trace' : 'ss',
        mini: true,
      },
    ],
    beganWith: "peer's FIN",
  };
}

/** `ss` samples that lie wholly inside one exact step of a full socket must show that step's state. */
function contradictions(end: EndView, steps: readonly PathStep[]): string[] {
  const found: string[] = [];
  steps.forEach((step, index) => {
    const next = steps[index + 1];
    if (step.state === 'CLOSED' || !next) return;
    for (const { from, until, socket } of end.looks) {
      if (from < step.at || until > next.at || socket?.state === step.state) continue;
      // a request or a socket being closed may be off the tables for a moment; a wrong state may not be shown
      if (socket) found.push(`${end.end}: ss shows ${socket.state} while the trace has ${step.state}`);
    }
  });
  return found;
}

/** Samples after the full socket's end must show what the mini-socket was in meanwhile, and nothing after its end. */
function miniContradictions(end: EndView, steps: readonly PathStep[], since: Ns): string[] {
  const after = steps.slice(steps.findIndex((step) => step.mini));
  return end.looks.flatMap(({ from, until, socket }) => {
    if (from < since || !socket) return [];
    const possible = after.filter((step, index) => {
      const next = after[index + 1];
      return (step.notBefore ?? step.at) <= until && (next === undefined || from <= next.at);
    });
    if (possible.some(({ state }) => state === socket.state)) return [];
    return [
      `${end.end}: ss shows ${socket.state} where ${possible.map(({ state }) => state).join(' or ')} is expected`,
    ];
  });
}

/** Without tracepoints: the states that `ss` and TCP_INFO happened to show. */
function sampledPath(view: CellView, end: EndView, accepted: boolean): EndpointPath {
  const known = end.opened ? 'SYN-SENT' : 'ESTABLISHED';
  // of an end that another one opened to, nothing is known but what is seen of it
  const seen: PathStep[] = accepted ? [] : [{ state: known, at: end.knownAt, evidence: 'sampled', source: 'node' }];
  for (const { from, until, socket } of end.looks) {
    if (!socket) continue;
    const mini = socket.timer?.name === 'timewait';
    seen.push({
      state: socket.state,
      at: until,
      notBefore: from,
      evidence: 'sampled',
      source: 'ss',
      ...(mini && { mini }),
    });
  }
  for (const event of view.events) {
    if (event.kind !== 'state' || event.peer !== end.peer || event.endpoint !== end.endpoint) continue;
    // says that the full socket ended, which a mini-socket may have followed: only ss can tell
    if (event.state === 'CLOSED') continue;
    seen.push({ state: event.state, at: event.t, evidence: 'sampled', source: 'tcp_info' });
  }
  seen.sort((a, b) => a.at - b.at);
  // a state began at some time after the last look at the one before
  const steps = seen.flatMap((step, index): PathStep[] => {
    const before = seen[index - 1];
    if (step.state === before?.state) return [];
    return [before ? { ...step, notBefore: before.notBefore ?? before.at } : step];
  });
  const lastSeen = end.looks.findLast(({ socket }) => socket !== undefined);
  const notBefore = Math.max(lastSeen?.from ?? 0, end.knownAt);
  const gone = end.looks.find(({ from, socket }) => socket === undefined && from >= (lastSeen?.until ?? end.knownAt));
  if (gone && steps.at(-1)?.state !== 'CLOSED') {
    steps.push({ state: 'CLOSED', at: gone.until, notBefore, evidence: 'sampled', source: 'ss' });
  }
  const incomplete = view.sight.transitions
    ? 'the trace has no socket of this endpoint'
    : 'without tracepoints, states between samples are not seen';
  const waits = steps.find(({ state }) => state === 'TIME-WAIT');
  const miniEnd = waits && miniEndOf(view, end, waits.at, undefined);
  return { steps, incomplete, disagreements: [], ...(miniEnd && { miniEnd }) };
}
