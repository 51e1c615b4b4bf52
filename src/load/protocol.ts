import type { Driven } from '../experiment/load.ts';
import type { Address } from '../tcp/address.ts';
import type { LoadPlan } from './plan.ts';

export type ServeAsk = Pick<LoadPlan, 'closer' | 'by' | 'requests' | 'requestBytes' | 'responseBytes'> & {
  readonly port: number;
  readonly reusePort: boolean;
};
export type DriveAsk = Omit<LoadPlan, 'servers' | 'addresses' | 'watched'> & {
  readonly targets: readonly Address[];
  /** The client's address, where it binds one. */
  readonly from: string;
};

/** Seconds of CPU of a process: its own code's, and the kernel's in its name. */
export interface CpuTimes {
  readonly user: number;
  readonly system: number;
}

/** Requests to a process of the load, with their answers. */
export interface LoadVerbs {
  /** Goes into a network namespace. */
  enter: { ask: { readonly path: string }; value: undefined };
  /** Listens on every address; answered when it does. */
  serve: { ask: ServeAsk; value: undefined };
  /** Opens and closes connections; answered when the window and what was still open in it are over. */
  drive: { ask: DriveAsk; value: Driven };
  /** What it has used of the CPU until now. */
  cpu: { ask: object; value: CpuTimes };
  /** Closes all that a server still has, and goes back to the namespace that it was started in. */
  leave: { ask: object; value: undefined };
}
export type LoadVerb = keyof LoadVerbs;
/** Report of the client that answers no request: the window begins or ends. */
export interface LoadTold {
  readonly window: 'begins' | 'ends';
}
