import type { Started } from '../process/protocol.ts';
import type { Event, SamplerName } from '../record/event.ts';

/** Requests to the observer process, with their answers. The run numbers the cells. */
export interface ObserverVerbs {
  /** Traces connections at these ports; answers `taken` if another run on this kernel traces them. */
  open: { ask: { ports: { from: number; to: number } }; value: Opened | { readonly taken: true } };
  /** Removes the trace instances of dead runs; answers with their names. */
  reap: { ask: Record<never, never>; value: readonly string[] };
  /** Traces connections at these ports in addition to those of `open`, and at no others. */
  trace: { ask: { ports: readonly number[] }; value: undefined };
  watch: {
    ask: { cell: number; samples: boolean; spaces: readonly { name: string; path: string }[] };
    value: undefined;
  };
  /** Samples a cell soon, since its peers just took a step. */
  nudge: { ask: { cell: number }; value: undefined };
  /** Samples now; answers when the samples have been reported. */
  sample: { ask: { cell: number }; value: undefined };
  /** Sets the number of samples per second from now on; 0: only those of the schedule. */
  pace: { ask: { cell: number; perSecond: number }; value: undefined };
  counters: { ask: { cell: number }; value: undefined };
  /** Guards a new peer: kills it if the harness dies before the peer has asked the kernel to end it together with the harness. */
  guard: { ask: { pid: number }; value: undefined };
  /** Answers when all trace events so far have been reported. */
  flush: { ask: Record<never, never>; value: undefined };
  /** Answers with the longest time since then, in ns, in which the process did not run. */
  stood: { ask: { since: number }; value: number };
  /** Closes a namespace of a watched cell, which is to be given back. */
  leave: { ask: { cell: number; space: string }; value: undefined };
  /** Ends watching; answers with the seconds of CPU that the cell's samples took. */
  unwatch: { ask: { cell: number }; value: number };
  /** Answers with the seconds of CPU that the process and all ended `ss` have used. */
  cpu: { ask: Record<never, never>; value: number };
}
export type ObserverVerb = keyof ObserverVerbs;
/** What the tracepoints of this kernel show with these privileges. */
export interface TraceSight {
  /** Why transitions are not traced; empty if they are. */
  readonly missing: string;
  readonly transitions: boolean;
  readonly resets: boolean;
  readonly retransmits: boolean;
  readonly miniTimers: boolean;
  /** Name of the trace instance that records them. */
  readonly instance: string;
}

export interface Opened {
  readonly trace: TraceSight;
  /** Instances of dead runs that were removed. */
  readonly reaped: readonly string[];
}

/** What the observer reports unasked: trace events of all ports that are traced; what it saw in a cell's namespaces. */
export type ObserverTold =
  | { readonly traced: readonly Event[] }
  /** `ss` did not end in a cell's namespace, and was killed. */
  | { readonly cell: number; readonly unanswered: string }
  | {
      readonly cell: number;
      readonly seen: readonly Event[];
      /** What could not be read, or not be done: lines of `ss`. */
      readonly unparsed: readonly string[];
    };

export interface ObserverArguments extends Started {
  readonly originNs: string;
  readonly sampler: SamplerName;
}
