/**
 * The run's observer process: it owns every observer.
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
import { observers } from './list.ts';
import { Observing } from './observing.ts';

const { parent, originNs, sampler } = JSON.parse(process.argv[2] ?? '{}') as ObserverArguments;
// not SIGKILL: the trace instance would stay until the next run reaps it
dieWithParent(parent, 'SIGTERM');

const origin = BigInt(originNs);
const now = clockSince(origin);
const tell = (message: ObserverReply | ObserverTold | { ready: true }) => void process.send?.(message);
let observing: Observing | undefined;
/** Every other verb comes after `open`. */
const opened = (): Observing => {
  if (!observing) throw new Error('the observers are not open');
  return observing;
};
const guarded = new Set<number>();

type Handlers = {
  readonly [V in ObserverVerb]: (
    ask: ObserverVerbs[V]['ask'],
  ) => ObserverVerbs[V]['value'] | Promise<ObserverVerbs[V]['value']>;
};
const handlers: Handlers = {
  open({ ports }) {
    observing = new Observing(observers, { ports, origin, now, sampler }, tell);
    return observing.opened;
  },
  watch: ({ cell, spaces, samples }) => opened().watch(cell, spaces, samples) as undefined,
  nudge: ({ cell }) => opened().nudge(cell) as undefined,
  sample: ({ cell }) => opened().look(cell) as Promise<undefined>,
  pace: ({ cell, perSecond }) => opened().pace(cell, perSecond) as undefined,
  counters: ({ cell }) => opened().total(cell) as undefined,
  guard({ pid }) {
    guarded.add(pid);
    return undefined;
  },
  flush: () => opened().flush() as undefined,
  leave: ({ cell, space }) => opened().leave(cell, space) as Promise<undefined>,
  unwatch: ({ cell }) => opened().unwatch(cell),
  cpu: () => ownCpu() + childrenCpu(),
  close: () => observing?.close() as undefined,
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
    observing?.close();
    process.exit(0);
  });
}
tell({ ready: true });
