import type { CallEvent, Event, NodeEvent, QueuesEvent, StallEvent } from '../record/event.ts';
import type { RefusedCall } from '../record/fact.ts';
import type { CellView, EndView } from './connections.ts';
import { described, factGroup, kind } from './kinds.ts';
import type { OfEnd } from './path.ts';

const ofEnd = (end: EndView) => (event: Event) =>
  event.source === 'peer' && event.peer === end.peer && 'endpoint' in event && event.endpoint === end.endpoint;

/** What the end's application, its net and its kernel told, in order. */
export interface Told {
  readonly view: CellView;
  readonly end: EndView;
  readonly calls: readonly CallEvent[];
  readonly node: readonly NodeEvent[];
  /** What lay in its queues when it was closed; undefined where that was not read. */
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

/** Whether a call closes a socket, or lets go of one of its descriptors. */
export const closes = ({ verb }: CallEvent): boolean => verb === 'close' || verb === 'closeDuplicate';

const refusalOf = (event: CallEvent | NodeEvent): RefusedCall => ({
  call: event.syscall ?? (event.kind === 'call' ? event.verb : event.event),
  errno: event.errno ?? '',
});

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
  return [...refused, ...errors.filter((error) => !isCalls(error))].sort((a, b) => a.t - b.t).map(refusalOf);
}

/** What the end's application did and saw. */
export const applicationFacts = factGroup(
  {
    closeMs: described('how long the closing call held its thread', kind.ms()),
    stallMs: described('longest event-loop stall', kind.ms()),
    errors: described('calls refused and errors reported to the application, each once', kind.calls()),
    sawEnd: described('its application read the end of the stream', kind.boolean()),
    hadError: described("Node's 'close' came with hadError", kind.boolean()),
    events: described("Node's events, in order; runs of 'data' are one", kind.words<readonly string[]>()),
  },
  ({ view, end }: OfEnd) => {
    if (end.endpoint === null) return {};
    const { node, calls } = toldBy(view, end);
    const closing = calls.filter((call) => closes(call) || call.verb === 'shutdown');
    const names = node.map(({ event }) => event);
    const closed = node.find(({ event }) => event === 'close');
    const stalls = view.events.filter(
      (event): event is StallEvent => event.kind === 'stall' && event.peer === end.peer,
    );
    return {
      events: names.filter((name, index) => name !== 'data' || names[index - 1] !== 'data'),
      sawEnd: names.includes('end'),
      hadError: closed?.hadError,
      errors: refusedIn(calls, node),
      closeMs: closing.length === 0 ? undefined : Math.max(...closing.map(({ ns }) => ns)) / 1e6,
      stallMs: stalls.length === 0 ? undefined : Math.max(...stalls.map(({ ns }) => ns)) / 1e6,
    };
  },
);
