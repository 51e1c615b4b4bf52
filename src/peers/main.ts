/**
 * A peer: a process that obeys the scenario's steps with real net sockets. It starts in 30 ms because it imports
 * node:net and native/ only.
 */

import { clockSince } from '../native/clock.ts';
import { dieWithParent } from '../native/process.ts';
import type { CallEvent } from '../record/event.ts';
import type { Timed, Took } from './handler.ts';
import type { FromPeer, PeerArguments, Reply, Request, Verbs } from './protocol.ts';
import { Sockets } from './sockets.ts';
import { watchStalls } from './stalls.ts';
import { handlers } from './verbs.ts';

const { name, parent, originNs, index } = JSON.parse(process.argv[2] ?? '{}') as PeerArguments;
dieWithParent(parent);
process.on('disconnect', () => process.exit(0));

const tell = (message: FromPeer) => void process.send?.(message);
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

async function obey(request: Request): Promise<Reply> {
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
  const { id, verb } = request;
  const event = (refusal?: { errno: string; syscall: string }): CallEvent => ({
    t,
    source: 'peer',
    kind: 'call',
    peer: name,
    verb: 'by' in request ? closingOf(request) : verb,
    ns,
    ...('endpoint' in request && { endpoint: request.endpoint }),
    ...('socket' in request && sockets.has(request.socket) && { endpoint: request.socket }),
    ...('sending' in request && request.sending !== undefined && { bytes: request.sending }),
    ...('bytes' in request && { bytes: request.bytes }),
    ...refusal,
  });
  const record = (refusal?: { errno: string; syscall: string }) => {
    if (!silent.has(verb)) tell({ saw: event(refusal) });
  };
  try {
    const value = await verbs[verb](request as never, timed, took);
    record();
    return { id, ok: true, value, ns };
  } catch (error) {
    const refusal = refusalOf(error as Refusal);
    record(refusal);
    return { id, ok: false, ...refusal, ns };
  }
}

const reportStall = () => tell({ saw: { t: now(), source: 'peer', kind: 'stall', peer: name, ns: stalls.longest() } });

process.on('message', (request: Request) => {
  if (request.verb === 'connect' || request.verb === 'open' || request.verb === 'listen') stalls.reset();
  void obey(request).then((reply) => {
    if (request.verb === 'sync') reportStall();
    tell(reply);
  });
});
tell({ ready: true });
