import type { QueuesEvent } from '../record/event.ts';
import type { Told } from './bytes.ts';
import { enteredAt } from './chains.ts';

/**
 * How far a byte had come that no application read, along its way: in the writer's process (a queue of net or libuv); in its
 * kernel's send queue, never sent; sent, and not received in order by the other kernel; in the other kernel's receive queue;
 * in net's buffer at the other end. TCP delivers in order, so each place holds one stretch of the stream.
 */
export const places = ['js', 'sendQueue', 'network', 'receiveQueue', 'readBuffer'] as const;
export type Place = (typeof places)[number];

/** A number of bytes that is known to lie between two; known exactly where these are equal. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** How far one direction's stream had come when the connection was over, in bytes from its beginning. */
export interface Marks {
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

/** Whether a FIN was in the send queue when the queues were read; after a RST the state does not tell. */
function finQueued({ end, node, calls }: Told, { t, state }: QueuesEvent): boolean {
  if (['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK'].includes(state)) return true;
  const queued = enteredAt(end.chain, 'FIN-WAIT-1', 'LAST-ACK');
  if (queued !== undefined && queued <= t) return true;
  if (node.some(({ event, t: at }) => event === 'finish' && at <= t)) return true;
  return calls.some(({ verb, errno, t: at }) => verb === 'shutdown' && errno === undefined && at <= t);
}

/** What the writer's kernel told, without SYN and FIN. */
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
 * A process that is killed tells nothing. Where it was stopped before, it has read nothing since: what `ss` then saw in its
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
  calls.reduce((sum, { verb, bytes, errno }) => sum + (verb === 'write' && errno === undefined ? (bytes ?? 0) : 0), 0);

/** From what both ends told: how far each byte of a direction had come. */
export function marksOf(
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

const between = (before: Range, after: Range): Range => ({
  lo: Math.max(0, after.lo - before.hi),
  hi: Math.max(0, after.hi - before.lo),
});

/** How many bytes were lost in each place. */
export const placeAmounts = ({ delivered, read, received, sent, taken, written }: Marks): Record<Place, Range> => ({
  js: between(taken, written),
  sendQueue: between(sent, taken),
  network: between(received, sent),
  receiveQueue: between(read, received),
  readBuffer: between(delivered, read),
});
