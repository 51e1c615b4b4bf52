import type { CallEvent, Event, NodeEvent, Ns, QueuesEvent, StallEvent } from '../record/event.ts';
import type { RefusedCall } from '../record/fact.ts';
import type { CellView, EndView } from './connections.ts';
import { described, factGroup, kind } from './kinds.ts';
import type { OfEnd } from './path.ts';

const ofEnd = (end: EndView) => (event: Event) =>
  event.source === 'peer' && event.peer === end.peer && 'endpoint' in event && event.endpoint === end.endpoint;

/** Events of an end: its application's calls, Node's events and its queues at the close, in order. */
export interface Told {
  readonly view: CellView;
  readonly end: EndView;
  readonly calls: readonly CallEvent[];
  readonly node: readonly NodeEvent[];
  /** Bytes in the end's queues when it was closed; undefined if they were not read. */
  readonly queues: QueuesEvent | undefined;
}

export function toldBy(view: CellView, end: EndView): Told {
  const own = view.events.filter(ofEnd(end));
  return {
    view,
    end,
    node: own.filter((event): event is NodeEvent => event.kind === 'node'),
    calls: own.filter((event): event is CallEvent => event.kind === 'call'),
    queues: own.findLast((event): event is QueuesEvent => event.kind === 'queues'),
  };
}

const closings: ReadonlySet<CallEvent['verb']> = new Set(['close', 'closeDuplicate', 'close(2)', 'disconnect']);
/** Whether a call closes a socket, lets go of one of its descriptors, or leaves its connection. */
export const closes = ({ verb }: CallEvent): boolean => closings.has(verb);
/** Whether a call closes a direction of a connection. */
export const shutsDown = (call: CallEvent): call is Extract<CallEvent, { verb: 'shutdown' | 'shutdown(2)' }> =>
  call.verb === 'shutdown' || call.verb === 'shutdown(2)';

/** Bytes that an application read at once. */
export interface Read {
  readonly t: Ns;
  readonly bytes: number;
}

/** What an application read, in order: by net, and by read(2) of a raw socket. */
export function readsOf({ node, calls }: Pick<Told, 'node' | 'calls'>): Read[] {
  const byNet = node.flatMap(({ event, t, bytes }) => (event === 'data' && bytes !== undefined ? [{ t, bytes }] : []));
  // a call that waits has its bytes when it returns
  const byCall = calls.flatMap((call) =>
    call.verb === 'read(2)' && call.got ? [{ t: call.t + call.ns, bytes: call.got }] : [],
  );
  return [...byNet, ...byCall].sort((a, b) => a.t - b.t);
}

/** Whether read(2) gave the end of the stream. */
const isEnd = (call: CallEvent): boolean => call.verb === 'read(2)' && call.asked > 0 && call.got === 0;

const refusalOf = (event: CallEvent | NodeEvent): RefusedCall => ({
  call: event.syscall ?? (event.kind === 'call' ? event.verb : event.event),
  errno: event.errno ?? '',
});

/** An error that the application of a raw socket took with SO_ERROR: no call reports it any more. */
const isTaken = (call: CallEvent): call is Extract<CallEvent, { verb: 'error' }> & { readonly pending: string } =>
  call.verb === 'error' && call.socket !== undefined && call.pending !== undefined && call.pending !== 'none';

/** Refused calls and errors reported, in order; an error by which net reports a call that was refused is that call's. */
function refusedIn(calls: readonly CallEvent[], node: readonly NodeEvent[]): RefusedCall[] {
  const refused = calls.filter(({ errno }) => errno !== undefined);
  const open = new Set(refused);
  const isCalls = (error: NodeEvent): boolean => {
    const { call, errno } = refusalOf(error);
    const own = [...open].find((each) => each.t <= error.t && refusalOf(each).call === call && each.errno === errno);
    return own !== undefined && open.delete(own);
  };
  const errors = node.filter((event) => event.errno !== undefined).sort((a, b) => a.t - b.t);
  const taken = calls.filter(isTaken).map(({ t, pending }) => ({ t, refusal: { call: 'SO_ERROR', errno: pending } }));
  const reported = [...refused, ...errors.filter((error) => !isCalls(error))];
  return [...reported.map((event) => ({ t: event.t, refusal: refusalOf(event) })), ...taken]
    .sort((a, b) => a.t - b.t)
    .map(({ refusal }) => refusal);
}

/** What the end's application did and saw. */
export const applicationFacts = factGroup(
  {
    closeMs: described('how long the closing call held its thread', kind.ms()),
    stallMs: described('longest event-loop stall', kind.ms()),
    errors: described('calls that failed and errors that the application got, each once', kind.calls()),
    sawEnd: described("the end's application read the end of the stream", kind.boolean()),
    hadError: described("Node's 'close' came with hadError", kind.boolean()),
    events: described("Node's events, in order; runs of 'data' are one", kind.words<readonly string[]>()),
  },
  ({ view, end }: OfEnd) => {
    if (end.endpoint === null) return {};
    const { node, calls } = toldBy(view, end);
    const closing = calls.filter((call) => closes(call) || shutsDown(call));
    const names = node.map(({ event }) => event);
    // a raw socket has none; of one that is read without net they are not what its application saw
    const ofNode = end.socket === undefined && !calls.some(({ verb }) => verb === 'read(2)');
    const closed = node.find(({ event }) => event === 'close');
    const stalls = view.events.filter(
      (event): event is StallEvent => event.kind === 'stall' && event.peer === end.peer,
    );
    return {
      events: ofNode ? names.filter((name, index) => name !== 'data' || names[index - 1] !== 'data') : undefined,
      sawEnd: names.includes('end') || calls.some(isEnd),
      hadError: closed?.hadError,
      errors: refusedIn(calls, node),
      closeMs: closing.length === 0 ? undefined : Math.max(...closing.map(({ ns }) => ns)) / 1e6,
      stallMs: stalls.length === 0 ? undefined : Math.max(...stalls.map(({ ns }) => ns)) / 1e6,
    };
  },
);
