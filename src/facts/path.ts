import type { Ns } from '../record/event.ts';
import type { PathStep, SegmentRecord } from '../record/schema.ts';
import { otherEnd, type State, states } from '../tcp/states.ts';
import { closingSegments, finTaken, type TakenFin } from './carried.ts';
import { type Chain, enteredAt } from './chains.ts';
import type { CellView, ConnectionView, EndView, Look } from './connections.ts';
import { described, type Found, factGroup, type Kind, kind, Unknown } from './kinds.ts';
import { afterlifeOf, endOnWire, type MiniEnd, miniEndOf } from './mini-socket.ts';

/** What one endpoint went through. */
export interface EndpointPath {
  readonly steps: readonly PathStep[];
  /** Why the steps are not the whole path; absent where they are. */
  readonly incomplete?: Unknown;
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
  if (!end.chain) return request ? requestPath(view, connection, end) : sampledPath(view, connection, end, accepted);
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
  const afterlife = afterlifeOf(view, end, last);
  if (afterlife.exists === false) return { steps, disagreements };
  steps.pop();
  if (afterlife.exists === 'unknown') return { steps, disagreements, incomplete: afterlife.why };
  const began = miniSteps(view, connection, end, last);
  steps.push(...began.steps);
  if (began.incomplete) return { steps, disagreements, incomplete: began.incomplete };
  const mini = steps.at(-1) ?? { state: last.from, at: last.t };
  const miniEnd = endOnWire(view, connection, end, mini, miniEndOf(view, end, mini.at, afterlife.timer));
  if (miniEnd) steps.push(closedStep(miniEnd));
  return {
    steps,
    disagreements: [...disagreements, ...miniContradictions(end, steps, last.t)],
    ...(miniEnd && { miniEnd }),
    ...(began.beganWith && { beganWith: began.beganWith }),
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
  /** Why it is not known whether TIME-WAIT is among them. */
  readonly incomplete?: Unknown;
  readonly beganWith?: "peer's FIN" | 'ACK of FIN';
}

/**
 * The states of the mini-socket. tcp_time_wait() makes it in TIME-WAIT when the peer's FIN has come, and in FIN-WAIT-2 when
 * an orphan waits for that FIN: then TIME-WAIT begins with no event of its own, when that comes: on a wire exactly known,
 * otherwise between its being sent and its acknowledgement taking the peer from LAST-ACK to CLOSED.
 */
function miniSteps(
  { carried, horizon }: CellView,
  connection: ConnectionView,
  end: EndView,
  closed: { t: Ns; from: State },
): MiniSteps {
  const exact = (state: State): PathStep => ({ state, at: closed.t, evidence: 'exact', source: 'trace', mini: true });
  if (closed.from === 'CLOSING') return { steps: [exact('TIME-WAIT')], beganWith: 'ACK of FIN' };
  const peer = connection[otherEnd(end.end)];
  const finSent = enteredAt(peer.chain, 'FIN-WAIT-1', 'LAST-ACK');
  const waits = end.looks.filter(({ from, socket }) => from >= closed.t && socket?.state === 'FIN-WAIT-2').at(-1);
  const orphan = exact('FIN-WAIT-2');
  // the wire shows whether a FIN came and was accepted; without it, a FIN's sender may have given up
  const isWired = closingSegments(carried, connection.event, end.end) !== undefined;
  if (isWired) {
    const fin = finTaken(carried, connection.event, end.end, horizon, (came) => acknowledgedSoon(peer, came));
    if (fin instanceof Unknown) return { steps: [orphan], incomplete: fin };
    // the wire takes the time before it gives: a FIN that seems to come before its full socket ended was what ended it
    if (fin && fin.came < closed.t && !waits) return { steps: [exact('TIME-WAIT')], beganWith: "peer's FIN" };
    if (fin) return { steps: [orphan, waitingSince(fin, waits)], beganWith: "peer's FIN" };
  } else if (finSent !== undefined && finSent <= closed.t && !waits) {
    return { steps: [exact('TIME-WAIT')], beganWith: "peer's FIN" };
  }
  // before the peer's FIN there is no TIME-WAIT: such a sample contradicts the trace
  const shown = end.looks.find(
    ({ from, until, socket }) => from >= closed.t && until >= (finSent ?? 0) && socket?.state === 'TIME-WAIT',
  );
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

/** Shorter than it takes a kernel to send a FIN again, TCP_RTO_MIN: who was CLOSED by then had not given it up. */
const soonNs: Ns = 200e6;

/** Whether an end's FIN that came then was acknowledged: without a RST it went from LAST-ACK to CLOSED. */
const acknowledgedSoon = ({ chain, resetAt }: EndView, came: Ns): boolean =>
  resetAt === undefined &&
  chain !== undefined &&
  chain.transitions.some(({ t, from, to }) => from === 'LAST-ACK' && to === 'CLOSED' && t >= came && t - came < soonNs);

/** TIME-WAIT of a mini-socket that was in FIN-WAIT-2; `ss` may have seen it there after the FIN seems to have come. */
function waitingSince({ came, acknowledged }: TakenFin, waits: Look | undefined): PathStep {
  const step = { state: 'TIME-WAIT', mini: true, source: 'wire' } as const;
  if (!waits || came >= waits.from) return { ...step, at: came, evidence: 'exact' };
  return { ...step, at: Math.max(acknowledged ?? 0, waits.until), notBefore: waits.from, evidence: 'bracketed' };
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
function sampledPath(view: CellView, connection: ConnectionView, end: EndView, accepted: boolean): EndpointPath {
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
    // CLOSED means that the full socket ended; only ss shows whether a mini-socket followed it
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
    ? new Unknown('no-socket', 'the trace has no socket of this endpoint')
    : new Unknown('not-traced', 'without tracepoints, states between samples are not seen');
  const waits = steps.find(({ state }) => state === 'TIME-WAIT');
  const miniEnd = waits && endOnWire(view, connection, end, waits, miniEndOf(view, end, waits.at, undefined));
  return { steps, incomplete, disagreements: [], ...(miniEnd && { miniEnd }) };
}

/** What the wire saw of a connection that was opened. */
const segmentsOf = ({ carried }: CellView, { event }: ConnectionView): readonly SegmentRecord[] =>
  carried.segments.filter(({ incarnation }) => carried.connections.get(incarnation) === event);

const isSyn = ({ from, flags }: SegmentRecord) => from === 'client' && flags.includes('SYN') && !flags.includes('ACK');
const isSynAck = ({ from, flags }: SegmentRecord) =>
  from === 'server' && flags.includes('SYN') && flags.includes('ACK');

/** A request as `ss` showed it: TCP_NEW_SYN_RECV, include/net/tcp_states.h. */
const requestLooks = ({ looks }: EndView, until: Ns): readonly Look[] =>
  looks.filter((look) => look.until <= until && look.socket?.state === 'SYN-RECEIVED');

/**
 * The step of a request that `ss` showed: it began when the SYN came, by the wire; without one at some time before the look.
 * A server that sends SYN cookies answers a SYN and has none.
 */
function requestStep(view: CellView, connection: ConnectionView, first: Look): PathStep {
  const state = { state: 'SYN-RECEIVED', mini: true } as const;
  const came = segmentsOf(view, connection).find(isSyn)?.arrived;
  if (came !== undefined && came <= first.until) return { ...state, at: came, evidence: 'exact', source: 'wire' };
  const notBefore = connection.event.client.opening?.from ?? first.from;
  return { ...state, at: first.until, notBefore, evidence: 'sampled', source: 'ss' };
}

/** The steps of an accepted socket after those of the request that it was, where `ss` showed that. */
function withRequest(
  view: CellView,
  connection: ConnectionView,
  end: EndView,
  steps: readonly PathStep[],
): readonly PathStep[] {
  const [first] = requestLooks(end, end.chain?.begins ?? 0);
  return first ? [requestStep(view, connection, first), ...steps] : steps;
}

/** When the request ended: at a RST that the wire carried, otherwise between two looks; undefined: it had not. */
function requestEnd(view: CellView, connection: ConnectionView, end: EndView, last: Look): PathStep | undefined {
  const gone = end.looks.find(({ from, socket }) => socket === undefined && from >= last.until);
  if (!gone) return undefined;
  const reset = segmentsOf(view, connection).find(
    ({ from, flags, arrived }) =>
      from === 'client' &&
      flags.includes('RST') &&
      arrived !== undefined &&
      arrived >= last.from &&
      arrived <= gone.until,
  );
  if (reset?.arrived !== undefined) return { state: 'CLOSED', at: reset.arrived, evidence: 'exact', source: 'wire' };
  return { state: 'CLOSED', at: gone.until, notBefore: last.from, evidence: 'sampled', source: 'ss' };
}

/** The path of an end that no full socket ever was: nothing, or a request that was given up. Only `ss` shows which. */
function requestPath(view: CellView, connection: ConnectionView, end: EndView): EndpointPath {
  const shown = requestLooks(end, Number.POSITIVE_INFINITY);
  const [first] = shown;
  const last = shown.at(-1);
  if (first && last) {
    const over = requestEnd(view, connection, end, last);
    return { steps: [requestStep(view, connection, first), ...(over ? [over] : [])], disagreements: [] };
  }
  const segments = segmentsOf(view, connection);
  const answered = segments.find(isSynAck);
  const nobody = segments.length > 0 && !answered;
  const answer = answered?.t ?? Number.POSITIVE_INFINITY;
  const over =
    segments.find(({ t, arrived, from }) => from === 'client' && t > answer && arrived !== undefined)?.arrived ??
    view.carried.lacks?.since;
  // a cookie: the SYN was answered, and in the time of a request there was none
  const looked = end.looks.some(({ from, until }) => from >= answer && until <= (over ?? Number.POSITIVE_INFINITY));
  if (nobody || looked) return { steps: [], disagreements: [] };
  return {
    steps: [],
    disagreements: [],
    incomplete: new Unknown('not-sampled', 'no ss sample while a request may have waited there'),
  };
}

/** One end of a connection, with its path. */
export interface OfEnd {
  readonly view: CellView;
  readonly connection: ConnectionView;
  readonly end: EndView;
  readonly path: EndpointPath;
}

type Lengths = { [S in State as `stateMs.${S}`]: Kind<number> };
const stateMs = described('how long the endpoint was in this state', kind.ms());
const lengths = Object.fromEntries(states.map((state) => [`stateMs.${state}`, stateMs])) as Lengths;

/**
 * How long each state lasted that was seen to end; states entered twice, and a full socket and its mini-socket, add up. Where one of
 * these parts has no exact end, the sum of the others is no length.
 */
function durations(path: EndpointPath): Found<Lengths> {
  const found: Partial<Record<keyof Lengths, number | Unknown>> = {};
  const parts = path.steps.flatMap((step, index) => {
    const next = path.steps[index + 1];
    return next
      ? [
          {
            state: step.state,
            isExact: step.evidence !== 'sampled' && next.evidence !== 'sampled',
            ns: next.at - step.at,
          },
        ]
      : [];
  });
  for (const [state, own] of Map.groupBy(parts, (part) => part.state)) {
    const exact = own.filter(({ isExact }) => isExact);
    if (exact.length === 0) continue;
    found[`stateMs.${state}`] =
      exact.length === own.length
        ? own.reduce((sum, { ns }) => sum + ns, 0) / 1e6
        : new Unknown('not-sampled', 'only samples of ss show the beginning or the end of a part of this time');
  }
  const last = path.steps.at(-1);
  if (!last || last.state === 'CLOSED') return found;
  return {
    ...found,
    [`stateMs.${last.state}`]: new Unknown('not-over', 'the endpoint was still in this state when the scenario ended'),
  };
}

/** The states that the end passed, and how long it was in each. */
export const pathFacts = factGroup(
  {
    path: described('states that the endpoint passed through, in order', kind.words(...states)),
    // an orphan whose FIN is acknowledged while close(2) still holds its socket stays a full one in FIN-WAIT-2: a race with the
    // ACK (tcp_rcv_state_process() in net/ipv4/tcp_input.c, sock_owned_by_user())
    miniSocket: described('states that the endpoint had as a mini-socket, without a process', {
      ...kind.words('SYN-RECEIVED', 'FIN-WAIT-2', 'TIME-WAIT'),
      compare: 'race',
    } as Kind<readonly State[]>),
    ...lengths,
  },
  ({ path }: OfEnd) => {
    const { steps, incomplete } = path;
    const passed = steps.map(({ state }) => state);
    return {
      path: incomplete ?? passed.filter((state, index) => state !== passed[index - 1]),
      miniSocket: incomplete ?? steps.filter(({ mini }) => mini).map(({ state }) => state),
      ...durations(path),
    };
  },
);
