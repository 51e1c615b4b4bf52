import type { Ns } from '../record/event.ts';
import type { PathStep } from '../record/schema.ts';
import { sameAddress } from '../tcp/address.ts';
import { type End, ends, otherEnd } from '../tcp/states.ts';
import { resetArrivals } from './carried.ts';
import { type Chain, enteredAt, isOf } from './chains.ts';
import { type CellView, type ConnectionView, type EndView, endsOf } from './connections.ts';
import { described, type Found, factGroup, kind, Unknown } from './kinds.ts';
import { hasNumbers } from './mini-socket.ts';
import type { EndpointPath } from './path.ts';

interface Holder {
  readonly end: End;
  readonly path: EndpointPath;
  readonly step: PathStep;
}

/** A connection with the paths of both its ends. */
export interface OfConnection {
  readonly view: CellView;
  readonly connection: ConnectionView;
  readonly folded: Readonly<Record<End, EndpointPath>>;
}

const declared = {
  'timeWait.holder': described('the end that keeps TIME-WAIT', kind.word('client', 'server', 'both', 'none')),
  'timeWait.began': described('time from the first FIN to the beginning of TIME-WAIT', kind.seconds()),
  'timeWait.beganWith': described(
    'segment with which TIME-WAIT began; `both`: both ends keep TIME-WAIT, and began with different segments',
    kind.word("peer's FIN", 'ACK of FIN', 'both'),
  ),
  'timeWait.seconds': described(
    'how long TIME-WAIT lasted, if its timer ended it',
    kind.seconds({ compare: 'within', resolution: 'timer' }),
  ),
  // when that is, is the scenario's doing, and the machine's
  'timeWait.cutShort': described(
    'how long TIME-WAIT lasted, if something other than its timer ended it',
    kind.seconds(),
  ),
  // ss prints whole seconds, and each of two runs may be a second off
  'timeWait.timer': described(
    'length of the TIME-WAIT timer: the rest that ss showed, in whole seconds, plus the time since it was set; up to 1 s too short',
    kind.seconds({ compare: 'within', resolution: 2 }),
  ),
  'timeWait.endedBy': described(
    'what ended TIME-WAIT: `timer`, its own; `recycled`, a new connection of the same addresses and ports; `rst`, a RST, whether or not such a connection followed; `kill`, ss -K; `namespace`, nothing before the cell ended',
    kind.word('timer', 'recycled', 'rst', 'kill', 'overflow', 'namespace'),
  ),
} as const;
type TimeWait = Found<typeof declared>;

/**
 * By a look at TIME-WAIT: what was left of its timer, and what had passed since that was set or, where the trace shows that
 * (a segment may do it: tcp_timewait_state_process()), set again. Absent where nobody looked.
 */
function timerOf(view: CellView, { chain, looks }: EndView, step: PathStep): number | undefined {
  const setAt = [step.at, ...(chain ? setAgain(view, chain, step.at) : [])];
  const look = looks.find(
    ({ from, until, socket }) =>
      from >= step.at &&
      socket?.state === 'TIME-WAIT' &&
      socket.timer?.name === 'timewait' &&
      // whether it shows the timer before or after that is not known
      !setAt.some((at) => at > from && at <= until),
  );
  const since = look && setAt.findLast((at) => at <= look.from);
  return look?.socket?.timer && since !== undefined
    ? look.socket.timer.ms / 1000 + (look.from - since) / 1e9
    : undefined;
}

function setAgain(view: CellView, chain: Chain, since: Ns): readonly Ns[] {
  const mini = view.miniSockets.findLast((event) => isOf(chain, event));
  return view.miniTimers
    .filter(({ kind, timer, t }) => kind === 'mini-timer-start' && timer === mini?.timer && t > since)
    .map(({ t }) => t);
}

function lengthFindings(view: CellView, connection: ConnectionView, { end, path, step }: Holder, began: Ns): TimeWait {
  const { miniEnd } = path;
  const { succeededAt, looks } = connection[end];
  // its addresses and ports are another connection's: it gave way to that, at the latest
  const endedAt = miniEnd?.at ?? succeededAt;
  if (endedAt === Number.POSITIVE_INFINITY) {
    const watched = view.sight.miniTimers || looks.some(({ until }) => until >= step.at);
    if (!watched) return unknownLength('no ss sample after it began, and this kernel traces no mini-socket timers');
    // not waited for: the namespace goes, and TIME-WAIT with it
    return { 'timeWait.endedBy': 'namespace' };
  }
  const seconds = (endedAt - began) / 1e9;
  if (miniEnd?.by === 'timer') return { 'timeWait.seconds': seconds, 'timeWait.endedBy': 'timer' };
  const ended = (endedBy: TimeWait['timeWait.endedBy']): TimeWait => ({
    'timeWait.cutShort': seconds,
    'timeWait.endedBy': endedBy,
  });
  if (miniEnd?.by === 'recycled' || miniEnd?.by === 'rst') return ended(miniEnd.by);
  if (destroyed(view, connection[end], step.at, endedAt)) return ended('kill');
  if (miniEnd?.by === 'succeeded') return undecided;
  // where the wire has its numbers, it shows the RST that ended it; others had no effect
  const reset =
    !hasNumbers(view, connection[end], endedAt) &&
    (resetFrom(view, connection[end], step.at, endedAt) ||
      resetArrivals(view.carried, connection.event, otherEnd(end), [step.at, endedAt]).length > 0);
  if (reset) return ended('rst');
  if (!miniEnd) return view.sight.resets ? ended('recycled') : undecided;
  return ended(
    new Unknown(
      'cause-not-seen',
      `TIME-WAIT ended ${seconds.toFixed(3)} s after it began, before its timer expired; no observer shows why`,
    ),
  );
}

/** Nothing shows when it ended, either: at a RST, or when the new connection began. */
const eitherOf = new Unknown(
  'cause-not-seen',
  'a new connection took its addresses and ports; no observer shows whether a RST had ended TIME-WAIT before',
);
const undecided: TimeWait = { 'timeWait.cutShort': eitherOf, 'timeWait.endedBy': eitherOf };

function unknownLength(text: string): TimeWait {
  const unknown = new Unknown('not-sampled', text);
  return { 'timeWait.seconds': unknown, 'timeWait.endedBy': unknown };
}

const destroyed = (view: CellView, { local, remote }: EndView, from: Ns, to: Ns): boolean =>
  view.events.some(
    (event) =>
      event.kind === 'destroyed' &&
      event.t >= from &&
      event.t <= to &&
      sameAddress(event.local, local) &&
      sameAddress(event.remote, remote),
  );

/**
 * Whether the other end's address sent a RST meanwhile: its listener does when TIME-WAIT answers a segment that came late and
 * nobody else is left there (RFC 1337). A listener's RST names no other end.
 */
const resetFrom = (view: CellView, { local, remote }: EndView, from: Ns, to: Ns): boolean =>
  view.events.some(
    (event) =>
      event.kind === 'reset-sent' &&
      event.t >= from &&
      event.t <= to &&
      sameAddress(event.local, remote) &&
      (event.remote.port === 0 || sameAddress(event.remote, local)),
  );

function holderOf(
  view: CellView,
  connection: ConnectionView,
  folded: Readonly<Record<End, EndpointPath>>,
  holders: readonly Holder[],
): End | 'both' | 'none' | Unknown {
  for (const end of endsOf(connection.event)) {
    const { incomplete } = folded[end];
    if (incomplete === undefined || holders.some((holder) => holder.end === end)) continue;
    // without the trace, one sample after the scenario's last step still shows who is in TIME-WAIT, if anyone
    const { looks, succeededAt } = connection[end];
    const sampledLate = looks.some(({ from }) => from >= lastStepAt(view, succeededAt));
    if (!sampledLate || view.sight.transitions) return incomplete;
  }
  return holders.length === 2 ? 'both' : (holders[0]?.end ?? 'none');
}

/** The last step before the connection's addresses became another's. */
const lastStepAt = (view: CellView, before: Ns): Ns =>
  view.events.findLast(({ kind, t }) => kind === 'call' && t < before)?.t ?? 0;

/** Of two ends, either may come first by some µs: which one does is no property of the close. */
function beganWith(holders: readonly Holder[]): 'both' | NonNullable<EndpointPath['beganWith']> | Unknown {
  const [first, second] = holders.map(({ path }) => path.beganWith);
  if (first === undefined || (holders.length > 1 && second === undefined))
    return new Unknown('not-traced', 'without tracepoints, FINs are not seen');
  return second === undefined || second === first ? first : 'both';
}

/**
 * Derives which end kept TIME-WAIT, since when and for how long. If both ends did, the times are those of the end that
 * entered TIME-WAIT first. Lengths count from the earliest moment at which TIME-WAIT can have begun.
 */
export const timeWaitFacts = factGroup(declared, ({ view, connection, folded }: OfConnection): TimeWait => {
  const holders = endsOf(connection.event)
    .flatMap((end): Holder[] => {
      const step = folded[end].steps.find(({ state }) => state === 'TIME-WAIT');
      return step ? [{ end, path: folded[end], step }] : [];
    })
    .sort((a, b) => a.step.at - b.step.at);
  const holder = holderOf(view, connection, folded, holders);
  const [first] = holders;
  if (!first) return { 'timeWait.holder': holder };
  const firstFin = Math.min(
    ...ends.map((end) => enteredAt(connection[end].chain, 'FIN-WAIT-1', 'LAST-ACK') ?? Number.POSITIVE_INFINITY),
  );
  const began = first.step.notBefore ?? first.step.at;
  return {
    'timeWait.holder': holder,
    'timeWait.began': Number.isFinite(firstFin)
      ? (began - firstFin) / 1e9
      : new Unknown('not-traced', 'without tracepoints, FINs are not seen'),
    'timeWait.beganWith': beganWith(holders),
    'timeWait.timer': timerOf(view, connection[first.end], first.step),
    ...lengthFindings(view, connection, first, began),
  };
});
