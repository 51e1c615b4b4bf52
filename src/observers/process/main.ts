/**
 * The run's observer process: it owns the trace instance, starts `ss` in the cells' namespaces and reads their counters.
 * It watches from outside the process that holds the records, whose every spawn would cost more with each record.
 */

import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { clockSince } from '../../native/clock.ts';
import { childrenCpu, ownCpu } from '../../native/cpu.ts';
import { dieWithParent } from '../../native/process.ts';
import type {
  ObserverArguments,
  ObserverReply,
  ObserverRequest,
  ObserverTold,
  ObserverVerb,
  ObserverVerbs,
} from '../protocol.ts';
import { Sampler } from './sampler.ts';
import { openTrace, type Trace } from './trace.ts';

const { parent, originNs, sampler: by } = JSON.parse(process.argv[2] ?? '{}') as ObserverArguments;
// not SIGKILL: the trace instance would stay until the next run reaps it
dieWithParent(parent, 'SIGTERM');

const origin = BigInt(originNs);
const now = clockSince(origin);
const tell = (message: ObserverReply | ObserverTold | { ready: true }) => void process.send?.(message);
const sampler = new Sampler(by, now, tell);
let trace: Trace | undefined;
const guarded = new Set<number>();

/** How often the buffers are emptied: they hold 100 ms of 60,000 events a second. */
const readEveryMs = 5;

function tellTraced(): void {
  const traced = trace?.read() ?? [];
  if (traced.length > 0) tell({ traced });
}

function close(): void {
  sampler.close();
  trace?.[Symbol.dispose]();
  trace = undefined;
}

type Handlers = {
  readonly [V in ObserverVerb]: (
    ask: ObserverVerbs[V]['ask'],
  ) => ObserverVerbs[V]['value'] | Promise<ObserverVerbs[V]['value']>;
};
const handlers: Handlers = {
  open({ ports }) {
    trace = openTrace(ports, origin, now);
    setInterval(tellTraced, readEveryMs);
    void sampler.run();
    return { trace: trace.sight, reaped: trace.reaped };
  },
  watch: ({ cell, spaces, samples }) => sampler.watch(cell, spaces, samples) as undefined,
  nudge: ({ cell }) => sampler.nudge(cell) as undefined,
  sample: ({ cell }) => sampler.sample(cell) as Promise<undefined>,
  pace: ({ cell, perSecond }) => sampler.pace(cell, perSecond) as undefined,
  counters: ({ cell }) => sampler.counters(cell) as undefined,
  guard({ pid }) {
    guarded.add(pid);
    return undefined;
  },
  flush: () => tellTraced() as undefined,
  leave: ({ cell, space }) => sampler.leave(cell, space) as Promise<undefined>,
  unwatch: ({ cell }) => sampler.unwatch(cell),
  cpu: () => ownCpu() + childrenCpu(),
  close: () => close() as undefined,
};

async function obey({ id, verb, ...ask }: ObserverRequest): Promise<void> {
  try {
    tell({ id, value: await handlers[verb](ask as never) });
  } catch (error) {
    tell({ id, error: messageOf(error) });
  }
  if (verb === 'close') process.exit(0);
}

process.on('message', (request: ObserverRequest) => void obey(request));
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

// the harness is gone: leave nothing behind
for (const end of ['disconnect', 'SIGTERM']) {
  process.on(end, () => {
    killOrphans();
    close();
    process.exit(0);
  });
}
tell({ ready: true });
