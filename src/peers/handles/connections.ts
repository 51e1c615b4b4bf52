import { isIP } from 'node:net';
import { LingerlabError } from '../../errors.ts';
import type {
  Answer,
  ConnectOptions,
  Endpoint,
  Handed,
  Incoming,
  Listener,
  Opened,
  Queue,
  Side,
  Source,
} from '../../experiment/handles.ts';
import type { RawEndpoint, RawSocket } from '../../experiment/raw.ts';
import type { ConnectionEvent } from '../../record/event.ts';
import { type Address, sameAddress } from '../../tcp/address.ts';
import { plainAddress, plainText } from '../../tcp/address-text.ts';
import { otherEnd } from '../../tcp/states.ts';
import type { PeerProcess } from '../process.ts';
import type { Verbs } from '../protocol.ts';
import { type Cast, take } from './cast.ts';
import { endpointHandle } from './endpoint.ts';
import { aProgram, calledBy, checkLabel, connected, knownAs, opens, reach } from './opening.ts';
import { addressOf } from './place.ts';
import type { Acting, Numbered, Reachable } from './registry.ts';

type Options = ConnectOptions<string>;

async function asked(
  cast: Cast,
  acting: Acting,
  to: Reachable,
  { as: label = '', allowHalfOpen = true, localPort, localAddress, family }: Options,
): Promise<Verbs['connect']['ask']> {
  checkLabel(cast, label);
  const reached = reach(cast, to, family);
  const from = localAddress && sourceOf(cast, acting, localAddress, reached);
  await cast.lab.ready();
  return {
    to: reached,
    allowHalfOpen,
    ...(localPort !== undefined && { localPort }),
    ...(from !== undefined && { localAddress: from }),
  };
}

/** Where a connection comes from: an address of the family of where it goes. */
function sourceOf(cast: Cast, { end }: Acting, at: Source, to: Address): string {
  const family = to.address.includes(':') ? 6 : 4;
  if (typeof at === 'object' && isIP(at.address) !== family)
    throw new TypeError(
      `connect: localAddress: '${at.address}' is not an IPv${family} address, but the remote address '${to.address}' is`,
    );
  return addressOf(cast, end, at, family);
}

/** Opens a connection to wherever: one end, which nobody has answered. */
export async function open(cast: Cast, acting: Acting, to: Reachable, options: Options): Promise<Answer<Opened>> {
  const { process, end } = acting;
  const { localPort } = options;
  const ask = await asked(cast, acting, to, localPort === undefined ? options : { localAddress: 'own', ...options });
  const here = localPort === undefined ? undefined : { address: plainText(ask.localAddress ?? ''), port: localPort };
  const answer = await opens(
    cast,
    acting,
    to,
    { to: ask.to, from: here, options },
    () => process.ask('open', ask),
    (value) => value,
  );
  if (!answer.ok) return answer;
  const { value, opened } = answer.value;
  const { endpoint: id, local } = value;
  const parts = {
    at: { peer: process, id },
    end: end === 'server' ? end : ('client' as const),
    local,
    remote: plainAddress(ask.to),
    label: opened?.label ?? '',
  };
  const itself = sameAddress(local, parts.remote);
  const endpoint = endpointHandle(cast, parts);
  return {
    ...answer,
    value: openedHandle(cast, endpoint, opened as ConnectionEvent, itself ? local : await knownAs(cast, local)),
  };
}

/** An endpoint that may not be established, with its other end, which may have no process. */
function openedHandle(cast: Cast, endpoint: Endpoint, opened: ConnectionEvent, known: Address): Opened {
  const { at, label } = cast.registry.endpoint(endpoint);
  const { end, remote } = endpoint;
  const other: Side = { end: otherEnd(end), local: remote, remote: known };
  const { peer, id } = at as NonNullable<typeof at>;
  const value: Opened = {
    ...endpoint,
    other,
    connected: () => take(cast, `${label ? `${label}.` : ''}${end}.connected`, peer.ask('connected', { endpoint: id })),
  };
  cast.registry.addEndpoint({ endpoint: value, at: { peer, id }, label, opened });
  cast.registry.addEndpoint({ endpoint: other, label, opened });
  return value;
}

/** A process that is stopped has its sockets still. */
const infoMs = 250;

/** Whether a socket is closed: by its process, or by a reset. */
async function hasEnded({ peer, id }: Numbered): Promise<boolean> {
  try {
    const info = await peer.ask('info', { socket: id }, infoMs);
    return !info.ok || info.value.state === 'CLOSED';
  } catch (error) {
    return !(error instanceof LingerlabError && error.code === 'NO_ANSWER');
  }
}

/** The end that a listener's application has, of a connection that was opened to it. */
export async function accepted(
  cast: Cast,
  process: PeerProcess,
  near: Opened | RawEndpoint,
): Promise<Answer<Endpoint>> {
  const { opened, label, at } = cast.registry.endpoint(near);
  if (!opened) throw new TypeError('accepted: not an end that was opened');
  const ended = at !== undefined && (await hasEnded(at));
  const answer = await process.ask('accepted', { from: await knownAs(cast, near.local), ...(ended && { ended }) });
  if (!answer.ok) return answer;
  const { endpoint: id, local, remote } = answer.value;
  connected(cast, opened, opened.client, { peer: process.name, endpoint: id, local }, opened);
  const endpoint = endpointHandle(cast, { at: { peer: process, id }, end: 'server', local, remote, label });
  return { ...answer, value: endpoint };
}

/** The next connection that no peer of the cell opened. */
export async function next(
  cast: Cast,
  process: PeerProcess,
  listener: number,
  options: Options,
): Promise<Answer<Incoming>> {
  checkLabel(cast, options.as ?? '');
  const answer = await process.ask('next', { listener });
  if (!answer.ok) return answer;
  const { endpoint: id, local, remote } = answer.value;
  const called = calledBy(options);
  const { label } = called;
  const event = connected(
    cast,
    called,
    { peer: aProgram, endpoint: null, local: remote },
    { peer: process.name, endpoint: id, local },
  );
  const at = { peer: process, id };
  const endpoint = endpointHandle(cast, { at, end: 'server', local, remote, label });
  const other: Side = { end: 'client', local: remote, remote: local };
  const value: Incoming = { ...endpoint, other };
  cast.registry.addEndpoint({ endpoint: value, at, label });
  cast.registry.addEndpoint({ endpoint: other, label, opened: event });
  return { ...answer, value };
}

/** Connects to where nobody accepts: one end. */
export const join = (cast: Cast, acting: Acting, to: Queue | RawSocket, options: Options): Promise<Answer<Endpoint>> =>
  cast.registry.opening(cast.registry.listening(to).at, joined(cast, acting, to, options));

async function joined(cast: Cast, acting: Acting, to: Queue | RawSocket, options: Options): Promise<Answer<Endpoint>> {
  const { process } = acting;
  const { process: listening } = cast.registry.listening(to);
  const ask = await asked(cast, acting, to, options);
  const answer = await cast.observers.begins('SYN-SENT', ask.to, () => process.ask('connect', ask));
  if (!answer.ok) return answer;
  const { endpoint: id, local, remote } = answer.value;
  const called = calledBy(options);
  connected(
    cast,
    called,
    { peer: process.name, endpoint: id, local },
    { peer: listening.name, endpoint: null, local: remote },
  );
  const parts = { at: { peer: process, id }, end: 'client', local, remote, label: called.label } as const;
  return { ...answer, value: endpointHandle(cast, parts) };
}

/** Connects to a listener: both ends. */
export async function connect(
  cast: Cast,
  acting: Acting,
  to: Listener | Handed,
  options: Options,
): Promise<Answer<readonly [Endpoint, Endpoint]>> {
  const { process } = acting;
  const { process: listening } = cast.registry.listening(to);
  const ask = await asked(cast, acting, to, options);
  const answer = await cast.observers.begins('SYN-SENT', ask.to, () => process.ask('connect', ask));
  if (!answer.ok) return answer;
  const near = answer.value;
  const taken = await listening.ask('accepted', { from: await knownAs(cast, near.local) });
  if (!taken.ok) return taken;
  const far = taken.value;
  const called = calledBy(options);
  connected(
    cast,
    called,
    { peer: process.name, endpoint: near.endpoint, local: near.local },
    { peer: listening.name, endpoint: far.endpoint, local: far.local },
  );
  const { label } = called;
  const ends = [
    endpointHandle(cast, { ...near, at: { peer: process, id: near.endpoint }, end: 'client', label }),
    endpointHandle(cast, { ...far, at: { peer: listening, id: far.endpoint }, end: 'server', label }),
  ] as const;
  return { ...answer, value: ends };
}
