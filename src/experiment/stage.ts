import type { Kind, ValueOf } from '../facts/kinds.ts';
import type { Site } from '../tcp/network.ts';
import type { State } from '../tcp/states.ts';
import type { CloseBy, Endpoint, Instant, Peer, Side, StartOptions, Step } from './handles.ts';
import type { Gauges, Instruments } from './instruments.ts';
import type { Loaded, LoadOptions } from './load.ts';
import type { Wire } from './wire.ts';

/** What scenarios of either kind are played on. */
interface Ground<M> extends Gauges {
  /** What carries the packets of the network `wire`; to use it throws TypeError on another. */
  readonly wire: Wire;
  /** Resolves after so many seconds in which the cell only waits. */
  readonly rest: (seconds: number) => Promise<void>;
  /** Set a fact that the experiment declares under `measures`. */
  readonly note: <K extends keyof M & string>(name: K, value: ValueOf<M[K]>) => void;
  /** Sets such a fact to unknown, and records why: the scenario came too late to observe it, for one. */
  readonly noteUnknown: (name: keyof M & string, why: string) => void;
}

/** What a scenario is played on. */
export interface Stage<C extends readonly string[], M> extends Ground<M>, Instruments {
  readonly client: Peer<C[number]>;
  readonly server: Peer<C[number]>;
  /** One more process, in the namespace of the client, of the server, or of the router of the network `routed`. */
  readonly start: (name: string, options?: Site | StartOptions) => Step<Peer<C[number]>>;
  /** Resolves with the first of these states that the endpoint is in or has passed through. */
  readonly until: (endpoint: Side, ...states: readonly [State, ...State[]]) => Promise<State>;
  /**
   * Closes a connection in order: the first end closes, by net's `destroy()` or as `by` says; once its FIN is acknowledged and
   * the second end has read the end of the stream, that closes. Resolves when the first is in TIME-WAIT, or past it, the second in
   * CLOSED, and Node has emitted 'close' at both.
   */
  readonly closeInTurn: (first: Endpoint, second: Endpoint, by?: CloseBy) => Promise<void>;
  /** A moment far enough ahead for every peer to have heard of it. */
  readonly soon: () => Instant;
}

/** What the scenario of a load experiment is played on: it has no peers, whose CPU would be the load's. */
export interface LoadStage<M> extends Ground<M> {
  /** Open and close connections as fast as they go, or as they are due; once in a cell, whose facts are of it. */
  readonly load: (options: LoadOptions) => Step<Loaded>;
}

/** The stage of a network that is never `wire`: to use its wire is an error of the compiler's. */
export type WithoutWire<S extends { readonly wire: Wire }> = Omit<S, 'wire'> & { readonly wire: never };

export type AnyStage = Stage<readonly string[], Record<string, Kind<unknown>>>;
export type AnyLoadStage = LoadStage<Record<string, Kind<unknown>>>;
