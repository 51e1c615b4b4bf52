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
import type { Lab } from '../../lab/lab.ts';
import type { ConnectionEvent } from '../../record/event.ts';
import { type Address, sameAddress } from '../../tcp/address.ts';
import { plainAddress, plainText } from '../../tcp/address-text.ts';
import { type End, otherEnd } from '../../tcp/states.ts';
import { didYouMean } from '../../text/nearest.ts';
import type { PeerProcess } from '../process.ts';
import type { Verbs } from '../protocol.ts';
import { type Cast, take } from './cast.ts';
import { endpointHandle } from './endpoint.ts';
import { addressOf } from './place.ts';
import type { Acting, Numbered, Reachable } from './registry.ts';

type Options = ConnectOptions<string>;
/** What a connection is called in the record. */
type Called = Pick<ConnectionEvent, 'label' | 'again'>;
const calledBy = ({ as: label = '', again = false }: Options): Called => ({ label, again });

/** An end that the router's namespace has says so. */
const atRouter = <E extends ConnectionEvent[End]>(lab: Lab, end: End, of: E): E =>
  lab.siteOf({ end, local: of.local }) === 'router' ? { ...of, site: 'router' } : of;

/** Records a connection. */
function connected(
  { lab, now, record }: Cast,
  { label, again }: Called,
  client: ConnectionEvent['client'],
  server: ConnectionEvent['server'],
  t = now(),
): ConnectionEvent {
  const event: ConnectionEvent = {
    t,
    source: 'harness',
    kind: 'connection',
    label,
    client: atRouter(lab, 'client', client),
    server: atRouter(lab, 'server', server),
    ...(again && { again }),
  };
  record(event);
  return event;
}

/** Where a connection finds a listener: a wildcard has no address of its own. */
export function reach({ lab, registry }: Cast, listener: Reachable, family?: 4 | 6): Address {
  const { end, at } = registry.listening(listener);
  const plain = plainText(at.address);
  if (plain !== '0.0.0.0' && plain !== '::') return at;
  return { address: lab.address(end, family ?? (plain === '::' ? 6 : 4)), port: at.port };
}

/** Throws UNKNOWN_LABEL where the experiment declares no connection of this name. */
function checkLabel(cast: Cast, { as: label = '' }: Options): void {
  if (label && !cast.labels.includes(label)) {
    const declared =
      cast.labels.length > 0 ? `connections: ${cast.labels.join(', ')}` : 'the experiment has no connections';
    const meant = didYouMean(label, cast.labels);
    const remedy = 'name it under connections, so that its facts are declared';
    throw new LingerlabError(
      'UNKNOWN_LABEL',
      `connection label '${label}' is not declared${meant}; ${declared}`,
      remedy,
    );
  }
}

async function asked(cast: Cast, acting: Acting, to: Reachable, options: Options): Promise<Verbs['connect']['ask']> {
  const { allowHalfOpen = true, localPort, localAddress, family } = options;
  checkLabel(cast, options);
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
      `connect: localAddress: '${at.address}' is not of IPv${family}, as '${to.address}' is, to which it connects`,
    );
  return addressOf(cast, end, at, family);
}

/** What the other end knows an address of an end as: another one where the wire translates. */
const knownAs = async ({ lab }: Cast, address: Address): Promise<Address> =>
  (await lab.wire?.outside(address)) ?? address;

/** Opens a connection to wherever: one end, which nobody has answered. */
export async function open(cast: Cast, acting: Acting, to: Reachable, options: Options): Promise<Answer<Opened>> {
  const { process, end } = acting;
  const { process: there } = cast.registry.listening(to);
  const { localPort } = options;
  const ask = await asked(cast, acting, to, localPort === undefined ? options : { localAddress: 'own', ...options });
  const remote = plainAddress(ask.to);
  const here = localPort === undefined ? undefined : { address: plainText(ask.localAddress ?? ''), port: localPort };
  const begun = here && facing(cast, here, remote);
  if (end === 'server' && !begun) throw new TypeError("open: the client's end opens first");
  const answer = await cast.observers.begins(ask.to, () => process.ask('open', ask));
  if (!answer.ok) return answer;
  const { endpoint: id, local, calledNs, sentNs } = answer.value;
  const own = { peer: process.name, endpoint: id, local, opening: { from: calledNs, until: sentNs } };
  const itself = sameAddress(local, remote);
  const other = itself ? own : { peer: there.name, endpoint: null, local: remote };
  const joins = end === 'server' ? begun : undefined;
  const opened = joins
    ? connected(cast, joins, joins.client, own, joins.t)
    : connected(cast, calledBy(options), own, other, sentNs);
  const endpoint = endpointHandle(cast, {
    at: { peer: process, id },
    end: end === 'server' ? end : 'client',
    local,
    remote,
    label: opened.label,
  });
  return { ...answer, value: openedHandle(cast, endpoint, opened, itself ? local : await knownAs(cast, local)) };
}

/** The connection that was opened from there to here, whose other end nobody has. */
function facing({ registry }: Cast, here: Address, there: Address): ConnectionEvent | undefined {
  return registry.endpoints.findLast(
    ({ endpoint, opened }) =>
      opened?.server.endpoint === null &&
      endpoint.end === 'client' &&
      sameAddress(endpoint.local, there) &&
      sameAddress(endpoint.remote, here),
  )?.opened;
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
    const info = await peer.ask('info', { endpoint: id }, infoMs);
    return !info.ok || info.value.state === 'CLOSED';
  } catch (error) {
    return !(error instanceof LingerlabError && error.code === 'NO_ANSWER');
  }
}

/** The end that a listener's application has, of a connection that was opened to it. */
export async function accepted(cast: Cast, process: PeerProcess, near: Opened): Promise<Answer<Endpoint>> {
  const { opened, label, at } = cast.registry.endpoint(near);
  if (!opened) throw new TypeError('accepted: not an end that was opened');
  const ended = at !== undefined && (await hasEnded(at));
  const answer = await process.ask('accepted', { from: await knownAs(cast, near.local), ...(ended && { ended }) });
  if (!answer.ok) return answer;
  const { endpoint: id, local, remote } = answer.value;
  connected(cast, opened, opened.client, { peer: process.name, endpoint: id, local }, opened.t);
  const endpoint = endpointHandle(cast, { at: { peer: process, id }, end: 'server', local, remote, label });
  return { ...answer, value: endpoint };
}

/** What a connection's end is said to be of, where it is a program's: no peer can have this name. */
const aProgram = 'a program';

/** The next connection that no peer of the cell opened. */
export async function next(
  cast: Cast,
  process: PeerProcess,
  listener: number,
  options: Options,
): Promise<Answer<Incoming>> {
  checkLabel(cast, options);
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
export async function join(cast: Cast, acting: Acting, to: Queue, options: Options): Promise<Answer<Endpoint>> {
  const { process } = acting;
  const { process: listening } = cast.registry.listening(to);
  const ask = await asked(cast, acting, to, options);
  const answer = await cast.observers.begins(ask.to, () => process.ask('connect', ask));
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
  const answer = await cast.observers.begins(ask.to, () => process.ask('connect', ask));
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
