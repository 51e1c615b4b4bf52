/**
 * The run's observer process: it owns the trace instance, starts `ss` in the cells' namespaces and reads their counters.
 * It watches from outside the process that holds the records, whose every spawn would cost more with each record.
 */

import { readFileSync } from 'node:fs';
import { clockSince } from '../../native/clock.ts';
import { childrenCpu, ownCpu } from '../../native/cpu.ts';
import { endChildrenNow } from '../../process/child.ts';
import { byHandlers, serve, startedWith, tellHarness } from '../../process/serve.ts';
import type { ObserverArguments, ObserverTold, ObserverVerbs } from '../protocol.ts';
import { Sampler } from './sampler.ts';
import { openTrace, type Trace } from './trace.ts';
import { findTracefs, reapInstances } from './tracefs.ts';

// not SIGKILL: the trace instance would stay until the next run reaps it
const { originNs, sampler: by } = startedWith<ObserverArguments>('SIGTERM');

const origin = BigInt(originNs);
const now = clockSince(origin);
const tell = tellHarness<ObserverTold>;
const sampler = new Sampler(by, now, tell);
let trace: Trace | undefined;
const guarded = new Set<number>();

/** How often the buffers are emptied: they hold 100 ms of 60,000 events a second. */
const readEveryMs = 5;

function tellTraced(): void {
  const traced = trace?.read() ?? [];
  if (traced.length > 0) tell({ traced });
}

const obey = byHandlers<ObserverVerbs>({
  open({ ports }) {
    trace = openTrace(ports, origin, now);
    if (!trace) return { taken: true };
    setInterval(tellTraced, readEveryMs);
    void sampler.run();
    return { trace: trace.sight, reaped: trace.reaped };
  },
  reap: () => reapInstances(findTracefs()),
  watch: ({ cell, spaces, samples }) => sampler.watch(cell, spaces, samples),
  nudge: ({ cell }) => sampler.nudge(cell),
  sample: ({ cell }) => sampler.sample(cell),
  pace: ({ cell, perSecond }) => sampler.pace(cell, perSecond),
  counters: ({ cell }) => sampler.counters(cell),
  guard: ({ pid }) => void guarded.add(pid),
  flush: () => tellTraced(),
  leave: ({ cell, space }) => sampler.leave(cell, space),
  unwatch: ({ cell }) => sampler.unwatch(cell),
  cpu: () => ownCpu() + childrenCpu(),
});

/**
 * Peers ask the kernel to die with the harness, but only when Node has started in them: one that is stopped before that would
 * stay, and its namespace with it. By then it is nobody's child, or init's; a number used again by others is not touched.
 */
function killOrphans(): void {
  for (const pid of guarded) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').match(/\/(load|peers|wire)\/main\.cjs/))
        process.kill(pid, 'SIGKILL');
    } catch {
      // ended
    }
  }
}

serve<ObserverVerbs>(obey, () => {
  killOrphans();
  endChildrenNow(0);
  sampler.close();
  trace?.[Symbol.dispose]();
});
