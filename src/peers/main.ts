/**
 * A peer: a process that obeys the scenario's steps with real net sockets. It starts in 30 ms because it imports
 * node:net and native/ only.
 */

import type { Answer } from '../experiment/handles.ts';
import { clockSince } from '../native/clock.ts';
import { serve, startedWith, tellHarness } from '../process/serve.ts';
import { callOf } from './calls.ts';
import type { Timed, Took } from './handler.ts';
import type { Kept, PeerArguments, PeerProtocol, Told, Verb, Verbs } from './protocol.ts';
import { Sockets } from './sockets.ts';
import { watchStalls } from './stalls.ts';
import { handlers } from './verbs.ts';

const { name, parent, originNs, index } = startedWith<PeerArguments>();
const tell = tellHarness<Told>;
const origin = BigInt(originNs);
const now = clockSince(origin);
const sockets = new Sockets(name, now, (saw) => tell({ saw }));
const verbs = handlers(sockets, { now, origin, index, parent });

const stalls = watchStalls(now);

type Refusal = NodeJS.ErrnoException | { errno: string; syscall: string; message: string };
const refusalOf = (error: Refusal) => ({
  errno: ('code' in error && error.code) || (typeof error.errno === 'string' ? error.errno : error.message),
  syscall: error.syscall ?? 'step',
});

type Refused = ReturnType<typeof refusalOf>;

/** The endpoint that a step is of. */
const endpointOf = (ask: Verbs[Verb]['ask']) => ({
  ...('endpoint' in ask && { endpoint: ask.endpoint }),
  ...('socket' in ask && sockets.has(ask.socket) && { endpoint: ask.socket }),
});

async function obey<V extends Verb>(verb: V, ask: Verbs[V]['ask']): Promise<Answer<Verbs[V]['value']>> {
  let t = now();
  let ns = 0;
  const timed: Timed = (call) => {
    t = now();
    const ends = () => {
      ns = now() - t;
    };
    try {
      const result = call();
      return result instanceof Promise ? (result.finally(ends) as typeof result) : result;
    } finally {
      ends();
    }
  };
  const took: Took = (from, lasted) => {
    t = from;
    ns = lasted;
  };
  const call = callOf(verb, ask);
  const record = (more?: Refused | Kept) => {
    if (call) tell({ saw: { t, source: 'peer', kind: 'call', peer: name, ns, ...endpointOf(ask), ...call, ...more } });
  };
  try {
    const value = await verbs[verb](ask, timed, took);
    record(verb === 'set' ? (value as Kept) : undefined);
    return { ok: true, value, ns };
  } catch (error) {
    const refusal = refusalOf(error as Refusal);
    record(refusal);
    return { ok: false, ...refusal, ns };
  }
}

const reportStall = () => tell({ saw: { t: now(), source: 'peer', kind: 'stall', peer: name, ns: stalls.longest() } });

serve<PeerProtocol>(async (verb, ask) => {
  if (verb === 'connect' || verb === 'open' || verb === 'listen') stalls.reset();
  const answer = await obey(verb, ask);
  if (verb === 'sync') reportStall();
  return answer;
});
