import { setTimeout as sleep } from 'node:timers/promises';
import { type Sight, viewOf } from '../../facts/connections.ts';
import { pathOf } from '../../facts/path.ts';
import type { CellObservers } from '../../observers/observers.ts';
import type { Event } from '../../record/event.ts';
import type { State } from '../../tcp/states.ts';
import type { Placed } from './registry.ts';

export interface Waiting {
  readonly events: readonly Event[];
  readonly sight: Sight;
  readonly observers: CellObservers;
  readonly now: () => number;
  readonly record: (event: Event) => void;
  readonly signal: AbortSignal;
  /** Gives the cell's place among those at work away until the promise settles. */
  readonly resting: <T>(wait: () => Promise<T>) => Promise<T>;
}

/** A poll costs one message to a process; a state that lasts is polled ever less often. */
const firstPollMs = 0.5;
const lastPollMs = 250;
/** From this pace on the cell only waits. */
const restingMs = 50;

/**
 * Resolves with the first of the states that the endpoint is in or has passed through: by TCP_INFO while its descriptor
 * lives, then by the trace, and by `ss` for what the trace cannot see. The cell's deadline bounds it.
 */
export async function until(placed: Placed, wanted: readonly State[], waiting: Waiting): Promise<State> {
  for (let pause = 0; ; pause = Math.min(Math.max(pause * 2, firstPollMs), lastPollMs)) {
    waiting.signal.throwIfAborted();
    const lookAgain = async () => {
      if (pause > 0) await sleep(pause, undefined, { signal: waiting.signal });
      await look(placed, waiting, pause);
    };
    // looking is waiting, too: where many cells ask for samples, each waits for its turn
    await (pause >= restingMs ? waiting.resting(lookAgain) : lookAgain());
    const reached = passed(placed, wanted, waiting);
    if (reached) return reached;
  }
}

/** A peer that is stopped, or blocked in a lingering close, does not answer: the observers see its sockets all the same. */
const infoMs = 20;

/** Bring the record up to date on this endpoint. */
async function look(placed: Placed, waiting: Waiting, pause: number): Promise<void> {
  const { observers, sight } = waiting;
  const info = tcpState(placed, waiting);
  const [state] = await Promise.all([Promise.race([info, sleep(infoMs)]), observers.flush()]);
  // what the trace cannot see: everything without tracepoints, mini-sockets without their timers; how a mini-socket ends
  // before its timer does is seen by the samples that come anyway
  const gone = state === undefined || state === 'CLOSED';
  // a request has neither a process nor a transition
  const request = !placed.at;
  if (gone && (!sight.transitions || request || (!sight.miniTimers && pause >= 4))) await observers.sample();
}

/** The state by TCP_INFO, recorded; nothing when the descriptor or its process is gone. */
async function tcpState({ at }: Placed, { now, record }: Waiting): Promise<State | undefined> {
  if (!at) return undefined;
  const { peer, id } = at;
  const answer = await peer.ask('info', { endpoint: id }).catch(() => undefined);
  if (!answer?.ok) return undefined;
  const { state } = answer.value;
  record({ t: now(), source: 'tcp_info', kind: 'state', peer: peer.name, endpoint: id, state });
  return state;
}

function passed(
  { endpoint, at, opened }: Placed,
  wanted: readonly State[],
  { events, sight }: Waiting,
): State | undefined {
  const view = viewOf(events, sight);
  const connection = view.connections.findLast(({ event }) => {
    if (opened) return event.client.opening?.from === opened.client.opening?.from;
    const own = event[endpoint.end];
    return own.peer === at?.peer.name && own.endpoint === at.id;
  });
  if (!connection) return undefined;
  const { steps } = pathOf(view, connection, connection[endpoint.end]);
  return steps.find(({ state }) => wanted.includes(state))?.state;
}
