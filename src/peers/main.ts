/**
 * A peer: a process that obeys the scenario's steps with real net sockets. It starts in 30 ms because it imports
 * node:net and native/ only.
 */

import type { Answer } from '../experiment/step.ts';
import { clockSince } from '../native/clock.ts';
import { serve, startedWith, tellHarness } from '../process/serve.ts';
import type { CallEvent } from '../record/event.ts';
import type { PeerArguments, PeerProtocol, Told, Verb, Verbs } from './protocol.ts';
import { Sockets } from './sockets.ts';
import { watchStalls } from './stalls.ts';
import { handlers, type Timed, type Took } from './verbs.ts';

const { name, parent, originNs, index } = startedWith<PeerArguments>();
const tell = tellHarness<Told>;
const origin = BigInt(originNs);
const now = clockSince(origin);
const sockets = new Sockets(name, now, (saw) => tell({ saw }));
const verbs = handlers(sockets, { now, origin, index, parent });

/** Verbs that only look or wait: not steps of the scenario, so not in the record. */
const silent = new Set([
  'accepted',
  'connected',
  'heard',
  'info',
  'queued',
  'received',
  'saw',
  'sendQueue',
  'sync',
  'unread',
]);
const stalls = watchStalls(now);

type Refusal = NodeJS.ErrnoException | { errno: string; syscall: string; message: string };
const refusalOf = (error: Refusal) => ({
  errno: ('code' in error && error.code) || (typeof error.errno === 'string' ? error.errno : error.message),
  syscall: error.syscall ?? 'step',
});

const closingOf = ({ by, andThen }: Verbs['close']['ask']) => `close by ${by}${andThen ? ` then ${andThen}` : ''}`;

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
  const said: Verbs[Verb]['ask'] = ask;
  const event = (refusal?: { errno: string; syscall: string }): CallEvent => ({
    t,
    source: 'peer',
    kind: 'call',
    peer: name,
    verb: 'by' in said ? closingOf(said) : verb,
    ns,
    ...('endpoint' in said && { endpoint: said.endpoint }),
    ...('socket' in said && sockets.has(said.socket) && { endpoint: said.socket }),
    ...('sending' in said && said.sending !== undefined && { bytes: said.sending }),
    ...('bytes' in said && { bytes: said.bytes }),
    ...refusal,
  });
  const record = (refusal?: { errno: string; syscall: string }) => {
    if (!silent.has(verb)) tell({ saw: event(refusal) });
  };
  try {
    const value = await verbs[verb](ask, timed, took);
    record();
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
