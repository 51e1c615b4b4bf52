import { setTimeout as sleep } from 'node:timers/promises';
import { LingerlabError } from '../../errors.ts';
import { lookIn, type Sight, viewOf } from '../../facts/connections.ts';
import { pathOf } from '../../facts/path.ts';
import type { Lab } from '../../lab/lab.ts';
import type { CellObservers } from '../../observers/observers.ts';
import type { ConnectionEvent, Event } from '../../record/event.ts';
import type { State } from '../../tcp/states.ts';
import type { Placed } from './registry.ts';

export interface Waiting {
  readonly events: readonly Event[];
  readonly sight: Sight;
  readonly observers: CellObservers;
  /** Where an end is; default: at the end of its name. */
  readonly siteOf?: Lab['siteOf'];
  readonly now: () => number;
  readonly record: (event: Event) => void;
  readonly signal: AbortSignal;
  /** Gives the cell's place among those at work away until the promise settles. */
  readonly resting: <T>(wait: () => Promise<T>) => Promise<T>;
}

/** Pause after the first poll. A poll costs one message to a process, so a state that lasts is polled less and less often. */
const firstPollMs = 0.5;
const lastPollMs = 250;
/** From this pace on the cell only waits. */
const restingMs = 50;
/** Samples in a row that do not show whether the socket exists, after which no later sample is expected to. */
const mostUntold = 5;

/**
 * Resolves with the first of the states that the endpoint is in or has passed through: by TCP_INFO while its descriptor
 * is open, then by the trace, and by `ss` for what the trace cannot see. The cell's deadline bounds the wait. Rejects with
 * NOT_OBSERVED if only `ss` can show the state, and its samples fail.
 */
export async function until(placed: Placed, wanted: readonly State[], waiting: Waiting): Promise<State> {
  let untold = 0;
  for (let pause = 0; ; pause = Math.min(Math.max(pause * 2, firstPollMs), lastPollMs)) {
    waiting.signal.throwIfAborted();
    const lookAgain = async () => {
      if (pause > 0) await sleep(pause, undefined, { signal: waiting.signal });
      untold = (await look(placed, waiting, pause)) ? 0 : untold + 1;
    };
    // looking is waiting, too: where many cells ask for samples, each waits for its turn
    await (pause >= restingMs ? waiting.resting(lookAgain) : lookAgain());
    const reached = passed(placed, wanted, waiting);
    if (reached) return reached;
    if (untold >= mostUntold) throw notObserved(placed, wanted);
  }
}

/** What a deadline says of one that has not come to its end: `until(TIME-WAIT) of the client, which has been in ESTABLISHED, …`. */
export function untilText(
  placed: Placed,
  wanted: readonly State[],
  waiting: Pick<Waiting, 'events' | 'sight'>,
): string {
  const { endpoint, label } = placed;
  const steps = stepsOf(placed, waiting).map(({ state }) => state);
  // a mini-socket goes on with the state that a full socket left
  const states = steps.filter((state, nth) => state !== steps[nth - 1]);
  const seen = states.length > 0 ? `was seen in ${states.join(', ')}` : 'was seen in no state';
  return `until(${wanted.join(', ')}) of the ${label ? `${label} ` : ''}${endpoint.end}, which ${seen}`;
}

/** A peer that is stopped, or blocked in a lingering close, does not answer: the observers see its sockets all the same. */
const infoMs = 20;

const notObserved = ({ endpoint }: Placed, wanted: readonly State[]): LingerlabError =>
  new LingerlabError(
    'NOT_OBSERVED',
    `until(${wanted.join(', ')}) of the ${endpoint.end}: ${mostUntold} samples in a row did not show whether its socket exists`,
    'run as root, so that tracepoints show the state without samples; or use --sampler netlink, which needs no ss',
  );

/** Brings the record of this endpoint up to date. Returns false if a sample was needed and does not show the endpoint. */
async function look(placed: Placed, waiting: Waiting, pause: number): Promise<boolean> {
  const { observers, sight, events } = waiting;
  const info = tcpState(placed, waiting);
  const [state] = await Promise.all([Promise.race([info, sleep(infoMs)]), observers.flush()]);
  // what the trace cannot see: everything without tracepoints, mini-sockets without their timers; how a mini-socket ends
  // before its timer does is seen by the samples that come anyway
  const gone = state === undefined || state === 'CLOSED';
  // a request has neither a process nor a transition
  const request = !placed.at;
  const isTraced = sight.transitions && !request && (sight.miniTimers || pause < 4);
  if (!gone || (isTraced && pathSoFar(placed, waiting)?.incomplete === undefined)) return true;
  const before = events.length;
  await observers.sample();
  const site = waiting.siteOf?.(placed.endpoint) ?? placed.endpoint.end;
  return events
    .slice(before)
    .some(
      (event) =>
        event.kind === 'sample' && (event.space === 'lab' || event.space === site) && lookIn(event, placed.endpoint),
    );
}

/** The state by TCP_INFO, recorded; nothing when the descriptor or its process is gone. */
async function tcpState({ at }: Placed, { now, record }: Waiting): Promise<State | undefined> {
  if (!at) return undefined;
  const { peer, id } = at;
  const answer = await peer.ask('info', { socket: id }).catch(() => undefined);
  if (!answer?.ok) return undefined;
  const { state } = answer.value;
  record({ t: now(), source: 'tcp_info', kind: 'state', peer: peer.name, endpoint: id, state });
  return state;
}

const passed = (placed: Placed, wanted: readonly State[], waiting: Waiting): State | undefined =>
  stepsOf(placed, waiting).find(({ state }) => wanted.includes(state))?.state;

const isSameOpening = ({ client }: ConnectionEvent, opened: ConnectionEvent): boolean =>
  client.opening?.from === opened.client.opening?.from;

const stepsOf = (placed: Placed, seen: Pick<Waiting, 'events' | 'sight'>) => pathSoFar(placed, seen)?.steps ?? [];

/** The endpoint's path so far; undefined where nothing was seen of it. */
function pathSoFar({ endpoint, at, opened }: Placed, { events, sight }: Pick<Waiting, 'events' | 'sight'>) {
  const view = viewOf(events, sight);
  const connection = view.connections.findLast(({ event }) => {
    if (opened) return opened.client.opening ? isSameOpening(event, opened) : event === opened;
    const own = event[endpoint.end];
    return own.peer === at?.peer.name && own.endpoint === at.id;
  });
  return connection && pathOf(view, connection, connection[endpoint.end]);
}
