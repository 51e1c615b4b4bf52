import type { Answer, Bound, Listener, Queue, Step, WithOptions } from '../experiment/handles.ts';
import type { Address } from '../tcp/address.ts';
import type { PeerProcess } from './process.ts';
import type { Verbs } from './protocol.ts';

/** What the handle of a bound socket is made of. */
export interface BoundParts {
  readonly peer: PeerProcess;
  readonly bound: number;
  readonly at: Address;
  /** The options of a socket of its peer's, by number; what its steps are called. */
  readonly options: (socket: number, what: string) => WithOptions;
  /** The handle of what it becomes when net has it. */
  readonly listener: (listening: Verbs['listenBound']['value']) => Listener;
  /** Told of what it becomes when nobody accepts. */
  readonly queued: (queue: Queue) => void;
}

/** A scenario's handle of a socket that is bound, and no more; `take` makes a step of an answer. */
export function boundHandle(
  { peer, bound, at, options, listener, queued }: BoundParts,
  take: <T>(what: string, answer: Promise<Answer<T>>) => Step<T>,
): Bound {
  const name = `${peer.name}.bound`;
  const own = options(bound, name);
  const close = () => take(`${name}.close`, peer.ask('unbind', { bound }));
  const listen = async (ask: Omit<Verbs['listenBound']['ask'], 'bound'>): Promise<Answer<Listener>> => {
    const listening = await peer.ask('listenBound', { bound, ...ask });
    return listening.ok ? { ...listening, value: listener(listening.value) } : listening;
  };
  const queue = async (ask: Omit<Verbs['queue']['ask'], 'bound'>): Promise<Answer<Queue>> => {
    const queueing = await peer.ask('queue', { bound, ...ask });
    if (!queueing.ok) return queueing;
    const value: Queue = { at, ...own, close };
    queued(value);
    return { ...queueing, value };
  };
  return {
    at,
    ...own,
    listen: ({ backlog, allowHalfOpen = true } = {}) =>
      take(`${name}.listen`, listen({ allowHalfOpen, ...(backlog !== undefined && { backlog }) })),
    queue: ({ backlog } = {}) => take(`${name}.queue`, queue({ ...(backlog !== undefined && { backlog }) })),
    close,
  };
}
