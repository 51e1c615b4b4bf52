import type { Event, Ns, SamplerName } from '../record/event.ts';
import type { Opened } from './protocol.ts';

/** What an observer needs to know of the run. */
export interface RunContext {
  /** The run's block of ports: from, up to and not including. */
  readonly ports: { readonly from: number; readonly to: number };
  /** The run's origin on CLOCK_MONOTONIC, ns. */
  readonly origin: bigint;
  readonly now: () => Ns;
  readonly sampler: SamplerName;
}

/** Runs synchronous work, and adds the CPU that it takes to the cell's account. */
export type Metered = <T>(work: () => T) => T;

/** A namespace of a cell. */
export interface WatchedSpace {
  readonly name: string;
  /** Its descriptor: see insideNamespace() in native/namespaces.ts. */
  readonly fd: number;
}

/** One look at one namespace. */
export interface Turn {
  readonly space: WatchedSpace;
  readonly metered: Metered;
  /** Reports what could not be read or done: a warning of the cell. */
  readonly complain: (text: string) => void;
}

/** An observer at work. It has the methods of the ways in which it watches. */
export interface OpenObserver {
  /** What it reports of itself when it is opened. */
  readonly opened?: Partial<Opened>;
  /** Looks at a namespace when the schedule, or a step, asks. Rejects only with NO_ANSWER. */
  look?(turn: Turn): Promise<readonly Event[]>;
  /** Ports to watch beside the run's block, which scenarios name or the kernel chose. */
  follow?(ports: readonly number[]): void;
  /** Reports what a namespace has counted since it was made: at the end of the scenario, and before the namespace goes. */
  total?(space: WatchedSpace): readonly Event[];
  /** Returns what it has seen since the last call, of all cells; the router gives each event to its cell. Never blocks. */
  drain?(): readonly Event[];
  close?(): void;
}

/**
 * One way to watch the cells of a run, inside the observer process. To add one: a folder with an Observer, an entry in
 * process/list.ts, the type of its events in record/event.ts, and the facts that are derived from them.
 */
export interface Observer {
  readonly name: string;
  /**
   * Begins to watch, once for the run. Throws nothing: what cannot be had is in `opened`, or in the events. undefined where
   * another run of this kernel has the ports.
   */
  open(run: RunContext): OpenObserver | undefined;
}
