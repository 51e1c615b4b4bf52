import type { Driven } from '../experiment/load.ts';
import type { Address } from '../tcp/address.ts';
import type { Marked } from './mark.ts';
import type { LoadPlan } from './plan.ts';

export type ServeAsk = Pick<LoadPlan, 'closer' | 'by' | 'requests' | 'requestBytes' | 'responseBytes' | 'sockets'> & {
  readonly port: number;
  readonly reusePort: boolean;
};
export type DriveAsk = Omit<LoadPlan, 'servers' | 'addresses' | 'watched'> & {
  readonly targets: readonly Address[];
  /** The client's address, where it binds one. */
  readonly from: string;
};

/** Requests to a process of the load, with their answers. */
export interface LoadVerbs {
  /** Goes into a network namespace. */
  enter: { ask: { readonly path: string }; value: undefined };
  /** Listens on every address; answered when it does. */
  serve: { ask: ServeAsk; value: undefined };
  /** Opens and closes connections; answered when the window and what was still open in it are over. */
  drive: { ask: DriveAsk & { readonly marked: Marked }; value: Driven };
  /** Closes all that a server still has, and goes back to the namespace that it was started in. */
  leave: { ask: object; value: undefined };
}
export type LoadVerb = keyof LoadVerbs;
