import type { CallEvent, QueuesEvent } from '../record/event.ts';
import { otherEnd } from '../tcp/states.ts';
import { readsOf, shutsDown, type Told, toldBy } from './application.ts';
import { enteredAt } from './chains.ts';
import type { CellView, ConnectionView, EndView } from './connections.ts';
import { below, foreignIn } from './foreign.ts';
import { described, type Found, factGroup, kind, Unknown } from './kinds.ts';
import type { OfEnd } from './path.ts';

/**
 * How far a byte had come that no application read, along its way: in the writer's process (a queue of net or libuv); in its
 * kernel's send queue, never sent; sent, and not received in order by the other kernel; in the other kernel's receive queue;
 * in net's buffer at the other end. TCP delivers in order, so each place holds one stretch of the stream.
 */
const places = ['js', 'sendQueue', 'network', 'receiveQueue', 'readBuffer'] as const;
type Place = (typeof places)[number];

/** Where a stream stops is a matter of what both kernels' buffers hold, and of timers: the places are compared by `lostIn`. */
const lostAt = (place: string) =>
  described(`lost bytes that had reached ${place}`, kind.bytes({ compare: 'measurement' }));

const declared = {
  written: described("bytes that the end's application wrote, also in a write that failed later", kind.bytes()),
  // a matter of when the other end's delayed ACK came
  acked: described(
    "bytes of this end that the other end's kernel acknowledged",
    kind.bytes({ compare: 'measurement' }),
  ),
  // how much of a stream fits before a reader's window closes varies with the last window that was announced, and with what was
  // read by then: each is rounded to a unit of the window, 128 bytes at scale 7, so that two runs differ by less than two units
  delivered: described(
    "bytes of this end that the other end's application read",
    kind.bytes({ compare: 'within', resolution: 256 }),
  ),
  foreign: described(
    "bytes that the other end's application read as if this end had written them: the wire forged them, or replayed them from another connection",
    // what a replayed segment has of the next connection's numbers is a matter of the initial ones
    kind.bytes({ compare: 'measurement' }),
  ),
  lost: described(
    'bytes that this end wrote and no application read; known once the other end is closed',
    kind.bytes({ compare: 'within', resolution: 256 }),
  ),
  lostIn: described(
    "where this end's bytes were lost: in its process, in its kernel's send queue, on the network, in the other kernel's receive queue, in net's buffer there",
    { ...kind.words(...places), isSet: true },
  ),
  'lost.js': lostAt('its own process, in a queue of net or libuv'),
  'lost.sendQueue': lostAt("its kernel's send queue, and were never sent"),
  'lost.network': lostAt('the network: sent, and in no receive queue'),
  'lost.receiveQueue': lostAt("the other kernel's receive queue"),
  'lost.readBuffer': lostAt("net's buffer at the other end"),
} as const;
type BytesOfEnd = Found<typeof declared>;

/** What became of the bytes that one end wrote, and where two sources contradict each other about them. */
export interface BytesFound {
  readonly findings: BytesOfEnd;
  readonly disagreements: readonly string[];
}

/** What a call gave net to write, also where it failed later; of write(2) what the kernel took, as the call returned it. */
function givenBy(call: CallEvent): number {
  if (call.verb === 'write') return call.bytes;
  if (call.verb === 'write(2)') return call.wrote ?? 0;
  return call.verb === 'close' || call.verb === 'shutdown' ? (call.sending ?? 0) : 0;
}
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

const isOver = ({ queues, end, node }: Told): boolean =>
  queues !== undefined || end.chain?.transitions.at(-1)?.to === 'CLOSED' || node.some(({ event }) => event === 'close');

/**
 * Counts the bytes of one direction: written by this end's application, acknowledged by the other end's kernel, delivered to the
 * other application and, once the other end is closed, lost, with the place where they were lost. Bytes that the wire made are
 * counted separately. If the application read more than these counts explain, the writer of those bytes is unknown.
 */
export function bytesOf(view: CellView, connection: ConnectionView, end: EndView): BytesFound {
  const other = connection[otherEnd(end.end)];
  if (end.endpoint === null) return { findings: {}, disagreements: [] };
  const from = toldBy(view, end);
  const to = toldBy(view, other);
  const written = sum(from.calls.map(givenBy));
  if (other.endpoint === null) return { findings: { written }, disagreements: [] };
  const read = sum(readsOf(to).map(({ bytes }) => bytes));
  const foreign = foreignIn(view, connection, end.end);
  const notTold = (why: Unknown): BytesFound => ({
    findings: { written, delivered: why, acked: why, ...(foreign && { foreign: why }), ...all(why) },
    disagreements: [],
  });
  if (foreign instanceof Unknown) return notTold(foreign);
  const taken = foreign ? below(foreign.stretches, read) : 0;
  const delivered = read - taken;
  if (delivered > written) {
    const more = `the ${to.end.end}'s application read ${delivered - written} bytes more than were written`;
    return notTold(new Unknown('foreign-bytes', more));
  }
  if (foreign && foreign.stretches.length > 0) {
    return withForeign({
      from,
      to,
      written,
      read,
      taken,
      isPlain: below(foreign.stretches, written) === taken && foreign.sent >= read,
    });
  }
  const marks = marksOf(from, to, written, delivered);
  const findings: BytesOfEnd = { written, delivered, acked: ackedOf(from, marks), ...(foreign && { foreign: 0 }) };
  if (delivered < written && !isOver(to)) {
    const open = new Unknown('still-open', `the ${to.end.end} was still open when the scenario ended`);
    return { findings: { ...findings, ...all(open) }, disagreements: [] };
  }
  if ('contradiction' in marks) {
    const said = `${end.end}: ${marks.contradiction}`;
    const torn = new Unknown('contradiction', `two sources contradict each other: ${marks.contradiction}`);
    return { findings: { ...findings, ...all(torn), lost: written - delivered }, disagreements: [said] };
  }
  return { findings: { ...findings, lost: written - delivered, ...lostPlaces(marks, from, to) }, disagreements: [] };
}

interface Mixed {
  readonly from: Told;
  readonly to: Told;
  readonly written: number;
  /** Places of the stream that the other application read, whoever filled them. */
  readonly read: number;
  /** Of those the wire's. */
  readonly taken: number;
  /** Whether each of the wire's bytes was read, and stood where the writer had sent one of its own. */
  readonly isPlain: boolean;
}

/** Where the wire's bytes took the places of the writer's: those of its own that came later were thrown away as old ones. */
function withForeign({ from, to, written, read, taken, isPlain }: Mixed): BytesFound {
  const delivered = read - taken;
  const lost = written - delivered;
  const found = { written, delivered, foreign: taken };
  if (lost > 0 && !isOver(to)) {
    const open = new Unknown('still-open', `the ${to.end.end} was still open when the scenario ended`);
    return { findings: { ...found, acked: open, ...all(open) }, disagreements: [] };
  }
  const unclear = new Unknown('foreign-bytes', "the wire forged bytes with sequence numbers of this end's own bytes");
  const marks = isPlain && read <= written ? marksOf(from, to, written, read) : { contradiction: '' };
  if ('contradiction' in marks)
    return { findings: { ...found, acked: unclear, ...all(unclear), lost }, disagreements: [] };
  return {
    findings: { ...found, acked: ackedOf(from, marks), lost, ...lostPlaces(marks, from, to, taken) },
    disagreements: [],
  };
}

const all = (value: Unknown): BytesOfEnd => ({
  lost: value,
  lostIn: value,
  'lost.js': value,
  'lost.sendQueue': value,
  'lost.network': value,
  'lost.receiveQueue': value,
  'lost.readBuffer': value,
});

/** `thrownAway`: so many were sent, and not received, though what follows them in the stream was. */
function lostPlaces(marks: Marks, from: Told, to: Told, thrownAway = 0): BytesOfEnd {
  const inOrder = placeAmounts(marks);
  const { lo: least, hi: most } = inOrder.network;
  const amounts = { ...inOrder, network: { lo: least + thrownAway, hi: most + thrownAway } };
  const why = whyUnknown(from, to);
  const found: { -readonly [K in keyof BytesOfEnd]: BytesOfEnd[K] } = {};
  for (const place of places) {
    const { lo, hi } = amounts[place];
    found[`lost.${place}`] = lo === hi ? lo : new Unknown('bounded', `between ${lo} and ${hi} bytes: ${why}`);
  }
  const maybe = places.filter((place) => amounts[place].lo === 0 && amounts[place].hi > 0);
  const lostIn: readonly Place[] = places.filter((place) => amounts[place].lo > 0);
  found.lostIn = maybe.length === 0 ? lostIn : new Unknown('bounded', `perhaps ${maybe.join(', ')}: ${why}`);
  return found;
}

function whyUnknown(from: Told, to: Told): string {
  const silent = [from, to].filter(({ queues }) => queues === undefined).map(({ end }) => `the ${end.end}`);
  const reasons = [
    from.queues && `the ${from.end.end}'s kernel went on after the close`,
    silent.length > 0 && `the queues of ${silent.join(' and ')} were not read when it closed`,
  ];
  return reasons.filter(Boolean).join(', and ');
}

/** A FIN that was acknowledged has all bytes before it acknowledged. */
function finAcknowledged({ chain, resetAt }: EndView): boolean {
  if (enteredAt(chain, 'FIN-WAIT-2') !== undefined) return true;
  const ended = chain?.transitions.some(
    ({ from, to }) => to === 'CLOSED' && (from === 'CLOSING' || from === 'LAST-ACK'),
  );
  return resetAt === undefined && ended === true;
}

function ackedOf(from: Told, marks: Marks | { readonly contradiction: string }): number | Unknown {
  if ('contradiction' in marks)
    return new Unknown('contradiction', `two sources contradict each other: ${marks.contradiction}`);
  const { taken, received, acked, final } = marks;
  if (taken.hi === 0) return 0;
  if (finAcknowledged(from.end) && taken.lo === taken.hi) return taken.hi;
  if (acked !== undefined && (final || acked === received.hi)) return acked;
  if (acked === undefined)
    return new Unknown('not-read', `the queues of the ${from.end.end} were not read when it closed`);
  return new Unknown(
    'bounded',
    `between ${acked} and ${received.hi} bytes: the ${from.end.end}'s kernel went on after the close`,
  );
}

/** What became of the bytes that the end's application wrote. */
export const bytesFacts = factGroup(
  declared,
  ({ view, connection, end }: OfEnd) => bytesOf(view, connection, end).findings,
);

/** A number of bytes that is known to lie between two; known exactly where these are equal. */
interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** How far one direction's stream had come when the connection was over, in bytes from its beginning. */
interface Marks {
  readonly delivered: Range;
  /** Read from the kernel by net at the other end. */
  readonly read: Range;
  /** Received in order by the other kernel. */
  readonly received: Range;
  readonly sent: Range;
  /** Taken from the process by its kernel. */
  readonly taken: Range;
  readonly written: Range;
  /** Acknowledged when the writer was closed. */
  readonly acked: number | undefined;
  /** Nothing was sent after the writer's queues were read: what they held was thrown away. */
  readonly final: boolean;
}

interface Sender {
  readonly sent: number;
  readonly taken: number;
  readonly acked: number;
  readonly final: boolean;
}

/** Whether a FIN was in the send queue when the queues were read. After a RST the state alone does not show that. */
function finQueued({ end, node, calls }: Told, { t, state }: QueuesEvent): boolean {
  if (['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK'].includes(state)) return true;
  const queued = enteredAt(end.chain, 'FIN-WAIT-1', 'LAST-ACK');
  if (queued !== undefined && queued <= t) return true;
  if (node.some(({ event, t: at }) => event === 'finish' && at <= t)) return true;
  return calls.some((call) => shutsDown(call) && call.how !== 'RD' && call.errno === undefined && call.t <= t);
}

/** Counters of the writer's kernel, without SYN and FIN; undefined if its queues were not read. */
function senderOf(told: Told): Sender | undefined {
  const { end, queues } = told;
  if (!queues) return undefined;
  const fin = queues.unsent > 0 && finQueued(told, queues) ? 1 : 0;
  const syn = end.end === 'client' ? 1 : 0;
  // a close that does not reset announces FIN-WAIT-1 or LAST-ACK first, again where it is in that state already
  const next = end.chain?.transitions.find(({ t }) => t > queues.t);
  return {
    sent: queues.sent,
    taken: queues.sent + queues.unsent - fin,
    // a FIN is acknowledged after every byte
    acked: Math.max(0, Math.min(queues.acked - syn, queues.sent)),
    final: queues.state === 'CLOSED' || next?.to === 'CLOSED',
  };
}

const fixed = (value: number): Range => ({ lo: value, hi: value });
const from = (lo: number): Range => ({ lo, hi: Number.POSITIVE_INFINITY });

/**
 * A process that is killed reports nothing. Where it was stopped before, it has read nothing since: what `ss` then saw in its
 * receive queue is the least that was lost there, and net had read no more than what was sent without that.
 */
function stoppedUnread({ view, end }: Told, sender: Sender | undefined, closedAt: number | undefined) {
  const signals = view.events.filter((event) => event.kind === 'signal' && event.peer === end.peer);
  const stop = signals.findLast((event) => event.kind === 'signal' && event.signal === 'SIGSTOP');
  const goesOn = signals.some(
    (event) => event.kind === 'signal' && event.signal === 'SIGCONT' && event.t > (stop?.t ?? 0),
  );
  if (!stop || goesOn || !sender) return undefined;
  return end.looks
    .filter(({ from: at, socket }) => at > stop.t && socket && socket.state !== 'TIME-WAIT')
    .map(({ until, socket }) => {
      // tcp_diag_get_info() in net/ipv4/tcp_diag.c counts the FIN behind unread data, SIOCINQ does not
      const fin = socket?.state !== 'ESTABLISHED' && (socket?.recvQ ?? 0) > 0 ? 1 : 0;
      const unread = (socket?.recvQ ?? 0) - fin;
      const sent = closedAt !== undefined && until <= closedAt ? sender.sent : sender.taken;
      return { unread, readAtMost: sent - unread };
    })
    .reduce<{ unread: number; readAtMost: number } | undefined>(
      (best, one) => (best && best.readAtMost <= one.readAtMost ? best : one),
      undefined,
    );
}

/** Neither end's account can be right where one has more than the other can have. */
function contradiction(sender: Sender | undefined, to: QueuesEvent | undefined, written: number, delivered: number) {
  if (sender && sender.taken > written) return `its kernel took ${sender.taken} bytes of ${written} written`;
  if (!to) return undefined;
  const received = to.read + to.unread;
  if (delivered > to.read) return `the other application read ${delivered} bytes, net only ${to.read}`;
  // a FIN is one
  if (to.received !== received && to.received !== received + 1)
    return `the other kernel received ${to.received} bytes, of which net read ${to.read} and ${to.unread} were left`;
  if (sender?.final && received > sender.taken) return `${received} bytes were received of ${sender.taken} sent`;
  return undefined;
}

const handedOver = ({ calls }: Told): number =>
  calls.reduce((total, call) => {
    if (call.verb === 'write(2)') return total + (call.wrote ?? 0);
    return total + (call.verb === 'write' && call.errno === undefined ? call.bytes : 0);
  }, 0);

/** From what both ends recorded: how far each byte of a direction had come. */
function marksOf(
  writer: Told,
  reader: Told,
  written: number,
  delivered: number,
): Marks | { readonly contradiction: string } {
  const sender = senderOf(writer);
  const { queues } = reader;
  const torn = contradiction(sender, queues, written, delivered);
  if (torn) return { contradiction: torn };
  const stopped = queues ? undefined : stoppedUnread(reader, sender, writer.queues?.t);
  // what was acknowledged has been received, though it came after the queues were read
  const received = Math.max(queues ? queues.read + queues.unread : 0, sender?.acked ?? 0);
  const read: Range = queues
    ? fixed(queues.read)
    : { lo: delivered, hi: stopped?.readAtMost ?? Number.POSITIVE_INFINITY };
  const marks = [
    fixed(delivered),
    read,
    queues ? fixed(received) : from(Math.max(received, delivered + (stopped?.unread ?? 0))),
    sender?.final ? fixed(Math.max(sender.sent, received)) : from(sender?.sent ?? 0),
    // net's write() calls back when the kernel has taken all of it
    sender ? fixed(sender.taken) : from(handedOver(writer)),
    fixed(written),
  ];
  const [d, n, r, s, k, w] = tightened(marks) as [Range, Range, Range, Range, Range, Range];
  return {
    delivered: d,
    read: n,
    received: r,
    sent: s,
    taken: k,
    written: w,
    acked: sender?.acked,
    final: sender?.final ?? false,
  };
}

/** Marks in their order along the stream: none lies before the one before it, or beyond the one after it. */
function tightened(marks: readonly Range[]): Range[] {
  const found: { lo: number; hi: number }[] = [];
  let least = 0;
  for (const { lo, hi } of marks) {
    least = Math.max(least, lo);
    found.push({ lo: least, hi });
  }
  let most = Number.POSITIVE_INFINITY;
  for (const mark of found.toReversed()) {
    most = Math.min(most, mark.hi);
    mark.hi = most;
  }
  return found;
}

const stretch = (before: Range, after: Range): Range => ({
  lo: Math.max(0, after.lo - before.hi),
  hi: Math.max(0, after.hi - before.lo),
});

/** How many bytes were lost in each place. */
const placeAmounts = ({ delivered, read, received, sent, taken, written }: Marks): Record<Place, Range> => ({
  js: stretch(taken, written),
  sendQueue: stretch(sent, taken),
  network: stretch(received, sent),
  receiveQueue: stretch(read, received),
  readBuffer: stretch(delivered, read),
});
