/**
 * A peer: a process that obeys the scenario's steps with real net sockets. It starts in 30 ms because it imports
 * node:net and native/ only.
 */

import { refused, succeeded } from '../experiment/answer.ts';
import type { Answer } from '../experiment/handles.ts';
import { clockSince } from '../native/clock.ts';
import { serve, startedWith, tellHarness } from '../process/serve.ts';
import { watchStalls } from '../process/stalls.ts';
import type { CallEvent, Ns } from '../record/event.ts';
import { callOf, endOf, goesOn } from './calls.ts';
import type { Timed, Took } from './handler.ts';
import type { PeerArguments, PeerProtocol, Told, Verb, Verbs } from './protocol.ts';
import { Sockets } from './sockets.ts';
import { handlers } from './verbs.ts';

/** Shorter ones are of every day. */
const shortestLateNs = 20e6;
/** Steps whose calls may block. */
const closing: ReadonlySet<Verb> = new Set([
  'close',
  'closeDuplicate',
  'shutdown',
  'close(2)',
  'dup2(2)',
  'shutdown(2)',
]);

const { name, parent, originNs, index } = startedWith<PeerArguments>();
const tell = tellHarness<Told>;
const origin = BigInt(originNs);
const now = clockSince(origin);
/** A peer that ends by itself has closed its channel. */
const tellLate = (t: Ns, ns: Ns): void => {
  if (ns >= shortestLateNs && process.connected) tell({ saw: { t, source: 'peer', kind: 'late', peer: name, ns } });
};
const stalls = watchStalls(now, tellLate);
process.on('SIGCONT', () => stalls.resumed());
// close(2) holds its thread where SO_LINGER says so: that is what the experiment asked for
const sockets = new Sockets(
  name,
  now,
  (saw) => tell({ saw }),
  (from) => stalls.excuse(from),
);
const verbs = handlers(sockets, { name, now, origin, index, parent }, (saw) => {
  // a peer that ends by itself has closed its channel
  if (process.connected) tell({ saw });
});

type Refusal = NodeJS.ErrnoException | { errno: string; syscall: string; message: string };
const refusalOf = (error: Refusal, verb: Verb) => ({
  errno: ('code' in error && error.code) || (typeof error.errno === 'string' ? error.errno : error.message),
  // what net itself refuses is no system call's
  syscall: error.syscall ?? verb,
});

type Refused = ReturnType<typeof refusalOf>;

/** The endpoint, and the raw socket, that a step is of. */
const socketOf = (ask: Verbs[Verb]['ask']) => ({
  ...('endpoint' in ask && { endpoint: ask.endpoint }),
  ...('socket' in ask && sockets.numbers(ask.socket)),
});

async function obey<V extends Verb>(verb: V, ask: Verbs[V]['ask']): Promise<Answer<Verbs[V]['value']>> {
  let t = now();
  let ns = 0;
  const timed: Timed = (call) => {
    t = now();
    const ends = () => {
      ns = now() - t;
    };
    const isClosing = closing.has(verb);
    try {
      const result = call();
      return result instanceof Promise ? (result.finally(ends) as typeof result) : result;
    } finally {
      ends();
      if (isClosing) stalls.excuse(t);
    }
  };
  const took: Took = (from, lasted) => {
    t = from;
    ns = lasted;
  };
  const call = callOf(verb, ask);
  // a call may end the connection that it was on
  const own = socketOf(ask);
  const record = (more: Refused | object): void => {
    if (!call) return;
    const made = { t, source: 'peer', kind: 'call', peer: name, ns, ...own, ...call, ...more };
    tell({ saw: made as CallEvent });
  };
  try {
    const value = await verbs[verb](ask, timed, took);
    if (!goesOn(verb, ask, value)) record(endOf(verb, value));
    return succeeded(value, ns);
  } catch (error) {
    const refusal = refusalOf(error as Refusal, verb);
    record(refusal);
    return refused(refusal, ns);
  }
}

let openedAt = now();
const reportStall = () =>
  tell({ saw: { t: now(), source: 'peer', kind: 'stall', peer: name, ns: stalls.longest(openedAt) } });

serve<PeerProtocol>(async (verb, ask) => {
  if (verb === 'connect' || verb === 'open' || verb === 'listen') openedAt = now();
  const answer = await obey(verb, ask);
  if (verb === 'sync') reportStall();
  return answer;
});
