import { acceptedArgument, acceptedOptions } from '../../experiment/accepted-steps.ts';
import type { Answer, BindOptions, Bound, Handed, Listener, ListenOptions, Queue } from '../../experiment/handles.ts';
import type { PeerProcess } from '../process.ts';
import type { Verbs } from '../protocol.ts';
import { type Cast, optionsOf, pass, take } from './cast.ts';
import { accepted, next } from './connections.ts';
import { addressOf, begins, ownPort } from './place.ts';
import { rawOf } from './raw.ts';
import type { Acting, Listening } from './registry.ts';

const withBacklog = (backlog: number | undefined) => (backlog === undefined ? {} : { backlog });

export async function listen(cast: Cast, acting: Acting, options: ListenOptions): Promise<Answer<Listener>> {
  const { family, at = 'own', reuse, noPort, ipv6Only, backlog, allowHalfOpen = true } = options;
  const place = { address: addressOf(cast, acting.end, at, family), port: options.port ?? ownPort(cast) };
  await cast.lab.ready();
  const ask = {
    ...place,
    allowHalfOpen,
    ...(reuse && { reuse }),
    ...(noPort !== undefined && { noPort }),
    ...(ipv6Only !== undefined && { ipv6Only }),
    ...withBacklog(backlog),
  };
  const answer = await begins(cast, place, () => acting.process.ask('listen', ask));
  return answer.ok ? { ...answer, value: listenerHandle(cast, acting, answer.value) } : answer;
}

function listenerHandle(cast: Cast, acting: Acting, { listener, at }: Verbs['listen']['value']): Listener {
  const { process } = acting;
  const name = `${process.name}.listener`;
  const handle: Listener = {
    at,
    ...optionsOf(cast, process, listener, name),
    accepted: (opened) => take(cast, `${name}.accepted`, accepted(cast, process, opened)),
    next(options = {}) {
      acceptedOptions('next', options);
      return take(cast, `${name}.next`, next(cast, process, listener, options));
    },
    handTo(peer) {
      const { process: to } = cast.registry.peer(peer);
      return take(cast, `${name}.handTo ${to.name}`, handTo(cast, listener, { ...acting, at }, to));
    },
    raw: () => take(cast, `${name}.raw`, rawOf(cast, acting, listener, { what: name, at })),
    close: () => take(cast, `${name}.close`, process.ask('unlisten', { listener })),
  };
  cast.registry.addListening(handle, { ...acting, at });
  return handle;
}

async function handTo(cast: Cast, listener: number, from: Listening, process: PeerProcess): Promise<Answer<Handed>> {
  const passed = await pass(from.process, listener, process);
  return passed.ok ? { ...passed, value: handedHandle(cast, { ...from, process }, passed.value) } : passed;
}

function handedHandle(cast: Cast, listening: Listening, handed: number): Handed {
  const { process, at } = listening;
  const name = `${process.name}.handed`;
  const serve = async (ask: Omit<Verbs['serve']['ask'], 'handed'>): Promise<Answer<Listener>> => {
    const serving = await process.ask('serve', { handed, ...ask });
    return serving.ok ? { ...serving, value: listenerHandle(cast, listening, serving.value) } : serving;
  };
  const handle: Handed = {
    at,
    ...optionsOf(cast, process, handed, name),
    queued(connections) {
      acceptedArgument('queued(): connections', connections);
      return take(cast, `${name}.queued`, process.ask('queued', { handed, connections }));
    },
    serve(options = {}) {
      acceptedOptions('serve', options);
      const { backlog, allowHalfOpen = true } = options;
      return take(cast, `${name}.serve`, serve({ allowHalfOpen, ...withBacklog(backlog) }));
    },
    close: () => take(cast, `${name}.close`, process.ask('unbind', { bound: handed })),
  };
  cast.registry.addListening(handle, listening);
  return handle;
}

/** Binds a socket, and no more. */
export async function bind(cast: Cast, acting: Acting, options: BindOptions): Promise<Answer<Bound>> {
  const { family, at = 'own', reuse = 'none', noPort = false, ipv6Only } = options;
  const place = { address: addressOf(cast, acting.end, at, family), port: options.port ?? ownPort(cast) };
  await cast.lab.ready();
  const answer = await acting.process.ask('bind', {
    ...place,
    reuse,
    noPort,
    ...(ipv6Only !== undefined && { ipv6Only }),
  });
  return answer.ok ? { ...answer, value: boundHandle(cast, acting, answer.value) } : answer;
}

function boundHandle(cast: Cast, acting: Acting, { bound, at }: Verbs['bind']['value']): Bound {
  const { process } = acting;
  const name = `${process.name}.bound`;
  const own = optionsOf(cast, process, bound, name);
  const close = () => take(cast, `${name}.close`, process.ask('unbind', { bound }));
  const listenOn = async (ask: Omit<Verbs['listenBound']['ask'], 'bound'>): Promise<Answer<Listener>> => {
    const listening = await begins(cast, at, () => process.ask('listenBound', { bound, ...ask }));
    return listening.ok ? { ...listening, value: listenerHandle(cast, acting, listening.value) } : listening;
  };
  const queue = async (ask: Omit<Verbs['queue']['ask'], 'bound'>): Promise<Answer<Queue>> => {
    const queueing = await begins(cast, at, () => process.ask('queue', { bound, ...ask }));
    if (!queueing.ok) return queueing;
    const { at: listens } = queueing.value;
    const value: Queue = { at: listens, ...own, close };
    cast.registry.addListening(value, { ...acting, at: listens });
    return { ...queueing, value };
  };
  const handle: Bound = {
    at,
    ...own,
    listen(options = {}) {
      acceptedOptions('bound.listen', options);
      const { backlog, allowHalfOpen = true } = options;
      return take(cast, `${name}.listen`, listenOn({ allowHalfOpen, ...withBacklog(backlog) }));
    },
    queue(options = {}) {
      acceptedOptions('queue', options);
      return take(cast, `${name}.queue`, queue(withBacklog(options.backlog)));
    },
    close,
  };
  cast.registry.addListening(handle, { ...acting, at });
  return handle;
}
