import type { Kind, ValueOf } from '../facts/kinds.ts';
import type { End, State } from '../tcp/states.ts';
import type { Instant, Peer, Side, StartOptions, Step } from './handles.ts';
import type { Instruments } from './instruments.ts';
import type { Loaded, LoadOptions } from './load.ts';
import type { Wire } from './wire.ts';

/** What a scenario is played on. */
export interface Stage<C extends readonly string[], M> extends Instruments {
  readonly client: Peer<C[number]>;
  readonly server: Peer<C[number]>;
  /** What carries the packets of the network `wire`; throws TypeError on another. */
  readonly wire: Wire;
  /** One more process, in the namespace of the client or of the server. */
  readonly start: (name: string, options?: End | StartOptions) => Step<Peer<C[number]>>;
  /** Resolves with the first of these states that the endpoint is in or has passed through. */
  readonly until: (endpoint: Side, ...states: readonly [State, ...State[]]) => Promise<State>;
  /** Open and close connections as fast as they go, or as they are due; the experiment says `load`. */
  readonly load: (options: LoadOptions) => Step<Loaded>;
  /** Resolves after so many seconds in which the cell only waits. */
  readonly rest: (seconds: number) => Promise<void>;
  /** A moment far enough ahead for every peer to have heard of it. */
  readonly soon: () => Instant;
  /** Set a fact that the experiment declares under `measures`. */
  readonly note: <K extends keyof M & string>(name: K, value: ValueOf<M[K]>) => void;
}

/** The stage of a network that is never `wire`: to use its wire is an error of the compiler's. */
export type WithoutWire<S extends { readonly wire: Wire }> = Omit<S, 'wire'> & { readonly wire: never };

export type AnyStage = Stage<readonly string[], Record<string, Kind<unknown>>>;
