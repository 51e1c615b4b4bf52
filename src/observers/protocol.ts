import type { Started } from '../process/protocol.ts';
import type { Event, SamplerName } from '../record/event.ts';

/** What the observer process is told. Cells are numbered by the run. */
export interface ObserverVerbs {
  /** Traces what happens at these ports. Not where another run of this kernel has them: those are to be left to it. */
  open: { ask: { ports: { from: number; to: number } }; value: Opened | { readonly taken: true } };
  /** Removes what dead runs left: the instances' names. */
  reap: { ask: Record<never, never>; value: readonly string[] };
  /** Traces what happens at these ports, too, and at no others but those of `open`. */
  trace: { ask: { ports: readonly number[] }; value: undefined };
  watch: {
    ask: { cell: number; samples: boolean; spaces: readonly { name: string; path: string }[] };
    value: undefined;
  };
  /** The cell's peers just took a step: sample it soon. */
  nudge: { ask: { cell: number }; value: undefined };
  /** Sample now; answered when the samples have been told. */
  sample: { ask: { cell: number }; value: undefined };
  /** So many samples a second from now on; 0: none but those of the schedule. */
  pace: { ask: { cell: number; perSecond: number }; value: undefined };
  counters: { ask: { cell: number }; value: undefined };
  /** A peer was started: should the harness be gone before the peer could ask to die with it, it is killed. */
  guard: { ask: { pid: number }; value: undefined };
  /** Answered when every trace event of before has been told. */
  flush: { ask: Record<never, never>; value: undefined };
  /** Answered with the ns of the longest time since then in which the process did not run. */
  stood: { ask: { since: number }; value: number };
  /** One of a watched cell's namespaces is to be given back: let go of it. */
  leave: { ask: { cell: number; space: string }; value: undefined };
  /** Answered with the seconds of CPU that the cell's samples took. */
  unwatch: { ask: { cell: number }; value: number };
  /** Seconds of CPU that the process has used, with every `ss` that has ended. */
  cpu: { ask: Record<never, never>; value: number };
}
export type ObserverVerb = keyof ObserverVerbs;
/** What the tracepoints of this kernel, with these privileges, can tell. */
export interface TraceSight {
  /** Empty where transitions are traced; otherwise why not. */
  readonly missing: string;
  readonly transitions: boolean;
  readonly resets: boolean;
  readonly retransmits: boolean;
  readonly miniTimers: boolean;
  /** The instance in which they are recorded. */
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
