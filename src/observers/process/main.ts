/**
 * The run's observer process: it owns every observer.
 * It watches from outside the process that holds the records, whose every spawn would cost more with each record.
 */

import { clockSince } from '../../native/clock.ts';
import { childrenCpu, ownCpu } from '../../native/cpu.ts';
import { processStart } from '../../native/process-state.ts';
import { endChildrenNow } from '../../process/child.ts';
import { byHandlers, serve, startedWith, tellHarness } from '../../process/serve.ts';
import { watchStalls } from '../../process/stalls.ts';
import type { ObserverArguments, ObserverTold, ObserverVerbs } from '../protocol.ts';
import { findTracefs, reapInstances } from '../trace/tracefs.ts';
import { observers } from './list.ts';
import { Observing } from './observing.ts';

// not SIGKILL: the trace instance would stay until the next run reaps it
const { originNs, sampler } = startedWith<ObserverArguments>('SIGTERM');

const origin = BigInt(originNs);
const now = clockSince(origin);
const stalls = watchStalls(now);
let observing: Observing | undefined;
/** Every other verb comes after `open`. */
const opened = (): Observing => {
  if (!observing) throw new Error('the observers are not open');
  return observing;
};
/** By pid, when each started: the same number with another start is another process. */
const guarded = new Map<number, number | null>();

const obey = byHandlers<ObserverVerbs>({
  open({ ports }) {
    observing = Observing.open(observers, { ports, origin, now, sampler }, tellHarness<ObserverTold>);
    return observing?.opened ?? { taken: true };
  },
  reap: () => reapInstances(findTracefs()),
  trace: ({ ports }) => opened().follow(ports),
  watch: ({ cell, spaces, samples }) => opened().watch(cell, spaces, samples),
  nudge: ({ cell }) => opened().nudge(cell),
  sample: ({ cell }) => opened().look(cell),
  pace: ({ cell, perSecond }) => opened().pace(cell, perSecond),
  counters: ({ cell }) => opened().total(cell),
  guard: ({ pid }) => void guarded.set(pid, processStart(pid)),
  flush: () => opened().flush(),
  stood: ({ since }) => stalls.longest(since),
  leave: ({ cell, space }) => opened().leave(cell, space),
  unwatch: ({ cell }) => opened().unwatch(cell),
  cpu: () => ownCpu() + childrenCpu(),
});

/**
 * Peers ask the kernel to die with the harness, but only when Node has started in them: one that is stopped before that would
 * stay, and its namespace with it. By then it is nobody's child, or init's; a number used again by others is not touched.
 */
function killOrphans(): void {
  for (const [pid, start] of guarded) {
    try {
      if (start !== null && processStart(pid) === start) process.kill(pid, 'SIGKILL');
    } catch {
      // ended
    }
  }
}

serve<ObserverVerbs>(obey, () => {
  killOrphans();
  endChildrenNow(0);
  observing?.close();
});
