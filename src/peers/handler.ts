import type { Clock } from '../native/clock.ts';
import type { Verb, Verbs } from './protocol.ts';

/** Runs a call and keeps how long it held its thread, whether it succeeds or throws; a promise's until it is settled. */
export type Timed = <T>(call: () => T) => T;
/** Keeps what was timed otherwise: from when, and how long it took. */
export type Took = (from: number, ns: number) => void;
type Handler<V extends Verb> = (
  ask: Verbs[V]['ask'],
  timed: Timed,
  took?: Took,
) => Verbs[V]['value'] | Promise<Verbs[V]['value']>;
/** What a peer knows of itself. */
export interface Self {
  readonly name: string;
  readonly now: Clock;
  readonly origin: bigint;
  /** Counts the cell's peers. */
  readonly index: number;
  /** The harness's pid. */
  readonly parent: number;
}
export type Handlers = { readonly [V in Verb]: Handler<V> };
