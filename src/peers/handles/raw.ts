import { inspect } from 'node:util';
import { acceptedArgument, acceptedOptions, acceptedPayload } from '../../experiment/accepted-steps.ts';
import type { Answer, Side } from '../../experiment/handles.ts';
import type {
  PollOptions,
  RawAcceptOptions,
  RawBindOptions,
  RawConnectOptions,
  RawEndpoint,
  RawSocket,
  RawSocketOptions,
  RawWriteOptions,
  WaitOptions,
} from '../../experiment/raw.ts';
import type { ConnectionEvent } from '../../record/event.ts';
import type { Address } from '../../tcp/address.ts';
import { plainAddress } from '../../tcp/address-text.ts';
import { netsBacklog } from '../bound.ts';
import type { RawConnected, Verbs } from '../protocol.ts';
import { type Cast, optionsOf, take } from './cast.ts';
import { aProgram, calledBy, checkLabel, connected, knownAs, opens, reach } from './opening.ts';
import { addressOf, begins, ownPort } from './place.ts';
import type { Acting, Numbered, Placed, Reachable } from './registry.ts';

/** A raw socket as the harness knows it, whichever of its descriptors a handle is of. */
interface Known {
  readonly acting: Acting;
  /** By which the record names it. */
  readonly id: number;
  readonly family: 4 | 6;
  /** What steps call it. */
  name: string;
  /** Where it is bound. */
  at: Address | undefined;
  readonly handles: Set<RawSocket>;
  /** The end that it is, or was last. */
  end?: { readonly endpoint: number; readonly handle: RawEndpoint };
}

/** What a handle stands for: a descriptor, and the socket that it is of until dup2(2) makes it another one's. */
interface Descriptor {
  readonly number: number;
  known: Known;
}
const descriptors = new WeakMap<RawSocket, Descriptor>();

/** What was given where a raw socket of another peer was to be: `client.socket, of client`. */
const notOf = (given: Descriptor | undefined, value: unknown): string =>
  given ? `${given.known.name}, of ${given.known.acting.process.name}` : inspect(value, { depth: 0 });

/** socket(2). */
export async function socket(cast: Cast, acting: Acting, { family = 4 }: RawSocketOptions): Promise<Answer<RawSocket>> {
  const answer = await acting.process.ask('socket(2)', { family });
  return answer.ok ? { ...answer, value: fresh(cast, acting, answer.value, { family }) } : answer;
}

interface Found {
  readonly family?: 4 | 6;
  readonly what?: string;
  readonly at?: Address;
}

/** The socket of a listener of net's, as a raw one. */
export async function rawOf(cast: Cast, acting: Acting, number: number, found: Found): Promise<Answer<RawSocket>> {
  const answer = await acting.process.ask('raw', { socket: number });
  return answer.ok ? { ...answer, value: fresh(cast, acting, answer.value, found) } : answer;
}

/** An endpoint of net's as a raw one, which is that end of its connection still. */
export async function rawEnd(cast: Cast, acting: Acting, of: Side, what: string): Promise<Answer<RawEndpoint>> {
  const placed = cast.registry.endpoint(of);
  const { id: endpoint } = placed.at as Numbered;
  const answer = await acting.process.ask('raw', { socket: endpoint });
  if (!answer.ok) return answer;
  const { end, local, remote } = of;
  const known = newlyKnown(acting, answer.value, { family: family(local), what });
  return {
    ...answer,
    value: endHandle(cast, known, answer.value.socket, { ...placed, endpoint: { end, local, remote } }),
  };
}

/** A handle of a raw socket that the harness did not know. */
const fresh = (cast: Cast, acting: Acting, value: Verbs['raw']['value'], found: Found): RawSocket =>
  rawHandle(cast, newlyKnown(acting, value, found), value.socket);

const newlyKnown = (acting: Acting, { id }: Verbs['raw']['value'], { family = 4, what, at }: Found): Known => ({
  acting,
  id,
  family,
  name: what === undefined ? `${acting.process.name}.socket` : `${what}.socket`,
  at,
  handles: new Set(),
});

function rawHandle(cast: Cast, known: Known, number: number): RawSocket {
  const descriptor: Descriptor = { number, known };
  const handle = callsOf(cast, descriptor);
  descriptors.set(handle, descriptor);
  known.handles.add(handle);
  isAt(cast, known, known.at);
  return handle;
}

/** Where it can be reached from now on: whether it listens there is the scenario's matter. */
function isAt(cast: Cast, known: Known, at: Address | undefined): void {
  known.at = at;
  if (at) for (const handle of known.handles) cast.registry.addListening(handle, { ...known.acting, at });
}

const family = ({ address }: Address): 4 | 6 => (address.includes(':') ? 6 : 4);

/** The calls on one descriptor of a raw socket. */
function callsOf(cast: Cast, descriptor: Descriptor): RawSocket {
  const { number, known: first } = descriptor;
  const { acting } = first;
  const { process } = acting;
  const one = { socket: number };
  const step = <T>(what: string, answer: Promise<Answer<T>>) => take(cast, `${descriptor.known.name}.${what}`, answer);
  const bound = async ({ port = ownPort(cast), at = 'own' }: RawBindOptions): Promise<Answer<Address>> => {
    const { known } = descriptor;
    const address = addressOf(cast, acting.end, at, known.family);
    await cast.lab.ready();
    const answer = await process.ask('bind(2)', { ...one, address, port });
    if (!answer.ok) return answer;
    isAt(cast, known, answer.value.at);
    return { ...answer, value: answer.value.at };
  };
  const listening = async (backlog: number): Promise<Answer<Address>> => {
    const { known } = descriptor;
    const place = known.at ?? { address: known.family === 6 ? '::' : '0.0.0.0', port: 0 };
    const answer = await begins(cast, place, () => process.ask('listen(2)', { ...one, backlog }));
    if (!answer.ok) return answer;
    isAt(cast, known, answer.value.at);
    return { ...answer, value: answer.value.at };
  };
  const duplicated = async (): Promise<Answer<RawSocket>> => {
    const answer = await process.ask('dup(2)', one);
    return answer.ok ? { ...answer, value: rawHandle(cast, descriptor.known, answer.value.socket) } : answer;
  };
  const replacing = async (onto: RawSocket): Promise<Answer> => {
    const other = descriptors.get(onto);
    if (other?.known.acting.process !== process)
      throw new TypeError(
        `dup2(): onto: must be a raw socket of ${process.name}, as this one is, not ${notOf(other, onto)}`,
      );
    const answer = await process.ask('dup2(2)', { ...one, onto: other.number });
    if (!answer.ok) return answer;
    other.known.handles.delete(onto);
    other.known = descriptor.known;
    descriptor.known.handles.add(onto);
    isAt(cast, descriptor.known, descriptor.known.at);
    return answer;
  };
  return {
    ...optionsOf(cast, process, number, first.name),
    bind(options = {}) {
      acceptedOptions('raw.bind', options);
      return step('bind', bound(options));
    },
    listen(options = {}) {
      acceptedOptions('raw.listen', options);
      return step('listen', listening(options.backlog ?? netsBacklog));
    },
    connect(to, options = {}) {
      acceptedOptions('raw.connect', options);
      return step('connect', connecting(cast, descriptor, to as Reachable, options, true));
    },
    open(to, options = {}) {
      acceptedOptions('raw.connect', options);
      return step('open', connecting(cast, descriptor, to as Reachable, options, false));
    },
    accept(options = {}) {
      acceptedOptions('raw.accept', options);
      return step('accept', accepting(cast, descriptor, options));
    },
    read(bytes, options: WaitOptions = {}) {
      acceptedArgument('read(): bytes', bytes);
      acceptedOptions('read', options);
      return step(`read ${bytes}`, process.ask('read(2)', { ...one, asked: bytes, wait: options.wait ?? true }));
    },
    write(what, options: RawWriteOptions = {}) {
      acceptedOptions('raw.write', options);
      const { fill, wait = true } = options;
      const payload = acceptedPayload('write()', what);
      const given =
        typeof payload === 'number'
          ? { asked: payload, ...(fill !== undefined && { fill }) }
          : { asked: payload.length, data: payload.toString('base64') };
      return step(`write ${given.asked}`, process.ask('write(2)', { ...one, ...given, wait }));
    },
    poll(options: PollOptions = {}) {
      acceptedOptions('poll', options);
      const { for: wanted = ['POLLIN', 'POLLPRI', 'POLLOUT', 'POLLRDHUP'], within = 0 } = options;
      return step(`poll for ${wanted.join(', ')}`, process.ask('poll(2)', { ...one, for: wanted, within }));
    },
    shutdown(how) {
      acceptedArgument('shutdown(): how', how);
      return step(`shutdown ${how}`, process.ask('shutdown(2)', { ...one, how }));
    },
    disconnect: () => step('disconnect', process.ask('disconnect', one)),
    dup: () => step('dup', duplicated()),
    dup2: (onto) => step('dup2', replacing(onto)),
    getpeername: () => step('getpeername', process.ask('getpeername(2)', one)),
    getsockname: () => step('getsockname', process.ask('getsockname(2)', one)),
    error: () => step('SO_ERROR', process.ask('error', one)),
    info: () => step('TCP_INFO', process.ask('info', one)),
    sendQueue: () => step('SIOCOUTQ', process.ask('sendQueue', one)),
    receiveQueue: () => step('SIOCINQ', process.ask('receiveQueue', one)),
    close: () => step('close', process.ask('close(2)', one)),
  };
}

/** connect(2): begins, is known as a connection, and, of a blocking socket, comes to its end. */
async function connecting(
  cast: Cast,
  { number, known }: Descriptor,
  to: Reachable,
  options: RawConnectOptions,
  wait: boolean,
): Promise<Answer<RawEndpoint>> {
  const { acting, id } = known;
  const { process } = acting;
  const { at } = cast.registry.listening(to);
  await cast.lab.ready();
  const ask = {
    socket: number,
    to: reach(cast, to, options.family ?? (at.address === '::' ? known.family : undefined)),
    wait,
  };
  const begun = await opens(
    cast,
    acting,
    to,
    { to: ask.to, from: known.at && plainAddress(known.at), options },
    () => process.ask('connect(2)', ask),
    // it went on with what an earlier call had begun
    (value) => (value.endpoint === known.end?.endpoint ? undefined : { ...value, raw: true, socket: id }),
  );
  if (!begun.ok) return begun;
  const { value, opened } = begun.value;
  if (opened) endOf(cast, known, number, value, plainAddress(ask.to), opened);
  const handle = known.end?.handle as RawEndpoint;
  if (!wait || !value.inProgress) return { ...begun, value: handle };
  const ended = await process.ask('connect(2)', { ...ask, ends: true });
  return ended.ok ? { ...ended, value: handle } : ended;
}

/** The end that a raw socket is from now on. */
function endOf(
  cast: Cast,
  known: Known,
  number: number,
  { endpoint, local }: Pick<RawConnected, 'endpoint' | 'local'>,
  remote: Address,
  opened: ConnectionEvent | undefined,
): RawEndpoint {
  const { acting } = known;
  const isClient = opened?.client.peer === acting.process.name && opened.client.endpoint === endpoint;
  const end = isClient ? 'client' : 'server';
  const label = opened?.label ?? '';
  known.name = `${label ? `${label}.` : ''}${end}`;
  return endHandle(cast, known, number, {
    endpoint: { end, local, remote },
    at: { peer: acting.process, id: endpoint },
    label,
    ...(opened?.client.opening && { opened }),
  });
}

/** A handle of a raw socket that is an end of a connection, entered in the registry. */
function endHandle(cast: Cast, known: Known, number: number, placed: Placed): RawEndpoint {
  const descriptor: Descriptor = { number, known };
  const handle: RawEndpoint = { ...placed.endpoint, ...callsOf(cast, descriptor) };
  descriptors.set(handle, descriptor);
  cast.registry.addEndpoint({ ...placed, endpoint: handle });
  known.handles.add(handle);
  isAt(cast, known, known.at);
  if (placed.at) known.end = { endpoint: placed.at.id, handle };
  return handle;
}

/** accept(2), and which connection it is the other end of. */
async function accepting(
  cast: Cast,
  { number, known: { acting, name } }: Descriptor,
  { wait = true, ...options }: RawAcceptOptions,
): Promise<Answer<RawEndpoint>> {
  checkLabel(cast, options.as ?? '');
  const { process } = acting;
  const answer = await process.ask('accept(2)', { socket: number, wait });
  if (!answer.ok) return answer;
  const { socket: own, id, endpoint, local, remote } = answer.value;
  const before = await cast.registry.unaccepted(remote, local, (address) => knownAs(cast, address));
  const far = { peer: process.name, endpoint, local, raw: true, socket: id } as const;
  if (before && options.as !== undefined && options.as !== before.label)
    throw new TypeError(
      `accept(): as: '${options.as}' is not what this connection was opened as, ${before.label ? `'${before.label}'` : 'without a label'}; give the label to the step that opens it`,
    );
  // nobody whom the scenario asked has opened it: another program, or the wire, which the record has as such
  const near = before?.client ?? { peer: aProgram, endpoint: null, local: remote };
  const isKnown = before !== undefined || options.as !== undefined || !cast.lab.wire;
  const event = isKnown ? connected(cast, before ?? calledBy(options), near, far, before) : undefined;
  const known: Known = { acting, id, family: family(local), name, at: undefined, handles: new Set() };
  return { ...answer, value: endOf(cast, known, own, { endpoint, local }, remote, event) };
}
