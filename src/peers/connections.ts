import { LingerlabError } from '../errors.ts';
import type {
  Answer,
  Bound,
  ConnectOptions,
  Endpoint,
  Handed,
  Listener,
  Opened,
  Peer,
  Place,
  Queue,
  Side,
  Step,
  WithOptions,
} from '../experiment/handles.ts';
import type { ConnectionEvent } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import { sameAddress } from '../tcp/address.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import { endpointHandle } from './endpoint.ts';
import type { Cast, Listening } from './handles.ts';
import type { PeerProcess } from './process.ts';
import type { Verbs } from './protocol.ts';

/** An endpoint as the harness knows it: the handle, with the process and number behind it. */
export interface Placed {
  readonly endpoint: Side;
  /** Absent: no process has this end, or none that the scenario asked for. */
  readonly at?: { readonly peer: PeerProcess; readonly id: number };
  readonly label: string;
  /** What was told of its connection when that was opened. */
  readonly opened?: ConnectionEvent;
}

/** What has an address in the cell. */
export type Reachable = Listener | Handed | Queue | Bound | Place;

/** What connections need of the other handles of their cell. */
export interface Within {
  readonly step: <T>(what: string, answer: Promise<Answer<T>>) => Step<T>;
  readonly options: (process: PeerProcess, socket: number, what: string) => WithOptions;
  readonly processOf: (peer: Peer) => PeerProcess;
  readonly listening: (listener: Reachable) => Listening;
  readonly reach: (listener: Reachable, family?: 4 | 6) => Address;
}

/** What a connection is called in the record. */
type Called = Pick<ConnectionEvent, 'label' | 'again'>;
const calledBy = ({ as: label = '', again = false }: ConnectOptions<string>): Called => ({ label, again });

/** Makes a cell's connections, and knows what stands behind their ends. */
export class Connections {
  readonly #cast: Cast;
  readonly #within: Within;
  readonly #placed = new Map<Side, Placed>();

  constructor(cast: Cast, within: Within) {
    this.#cast = cast;
    this.#within = within;
  }

  placed(endpoint: Side): Placed {
    const placed = this.#placed.get(endpoint);
    if (!placed) throw new TypeError('not an endpoint of this cell');
    return placed;
  }

  #connected(
    { label, again }: Called,
    client: ConnectionEvent['client'],
    server: ConnectionEvent['server'],
    t = this.#cast.now(),
  ): ConnectionEvent {
    const event: ConnectionEvent = {
      t,
      source: 'harness',
      kind: 'connection',
      label,
      client,
      server,
      ...(again && { again }),
    };
    this.#cast.record(event);
    return event;
  }

  #asked(to: Reachable, { as: label = '', allowHalfOpen = true, localPort, family }: ConnectOptions<string>) {
    if (label && !this.#cast.labels.includes(label)) {
      const remedy = 'name it under connections, so that its facts are declared';
      throw new LingerlabError('UNKNOWN_LABEL', `connection label '${label}' is not declared`, remedy);
    }
    return { to: this.#within.reach(to, family), allowHalfOpen, ...(localPort !== undefined && { localPort }) };
  }

  async #dial(
    process: PeerProcess,
    to: Listener | Handed | Queue,
    options: ConnectOptions<string>,
  ): Promise<Answer<Verbs['connect']['value']>> {
    return process.ask('connect', this.#asked(to, options));
  }

  /** To wherever: one end, which nobody has answered. */
  async open(
    { process, end }: { readonly process: PeerProcess; readonly end: End },
    to: Reachable,
    options: ConnectOptions<string>,
  ): Promise<Answer<Opened>> {
    const { as: label = '' } = options;
    const { process: there } = this.#within.listening(to);
    const asked = this.#asked(to, options);
    const from = this.#cast.lab.address(end, asked.to.address.includes(':') ? 6 : 4);
    const begun =
      options.localPort === undefined ? undefined : this.#facing({ address: from, port: options.localPort }, asked.to);
    if (end === 'server' && !begun) throw new TypeError("open: the client's end opens first");
    const bound = options.localPort === undefined ? {} : { localAddress: from };
    const answer = await process.ask('open', { ...asked, ...bound });
    if (!answer.ok) return answer;
    const { endpoint: id, local, calledNs, sentNs } = answer.value;
    const own = { peer: process.name, endpoint: id, local, opening: { from: calledNs, until: sentNs } };
    const itself = sameAddress(local, asked.to);
    const other = itself ? own : { peer: there.name, endpoint: null, local: asked.to };
    const opened =
      begun && end === 'server'
        ? this.#connected(begun, begun.client, own, begun.t)
        : this.#connected(calledBy(options), own, other, sentNs);
    const side = begun && end === 'server' ? begun.label : label;
    return { ...answer, value: this.#opened({ process, id, end, opened, label: side }, local, asked.to) };
  }

  /** The connection that was opened from there to here, whose other end nobody has. */
  #facing(here: Address, there: Address): ConnectionEvent | undefined {
    return [...this.#placed.values()].findLast(
      ({ endpoint, opened }) =>
        opened?.server.endpoint === null &&
        endpoint.end === 'client' &&
        sameAddress(endpoint.local, there) &&
        sameAddress(endpoint.remote, here),
    )?.opened;
  }

  #opened(
    {
      process,
      id,
      end,
      opened,
      label,
    }: Omit<Placed, 'at' | 'endpoint'> & {
      readonly process: PeerProcess;
      readonly id: number;
      readonly end: End;
      readonly opened: ConnectionEvent;
    },
    local: Address,
    remote: Address,
  ): Opened {
    const endpoint = this.#endpoint({ peer: process, id }, end, local, remote, label);
    const other: Side = { end: otherEnd(end), local: remote, remote: local };
    const connected = () =>
      this.#within.step(`${label ? `${label}.` : ''}${end}.connected`, process.ask('connected', { endpoint: id }));
    const value: Opened = { ...endpoint, other, connected };
    this.#placed.delete(endpoint);
    this.#placed.set(value, { endpoint: value, at: { peer: process, id }, label, opened });
    this.#placed.set(other, { endpoint: other, label, opened });
    return value;
  }

  /** The end that a listener's application has, of a connection that was opened to it. */
  async accepted(process: PeerProcess, near: Opened): Promise<Answer<Endpoint>> {
    const { opened, label } = this.placed(near);
    if (!opened) throw new TypeError('accepted: not an end that was opened');
    const answer = await process.ask('accepted', { from: near.local });
    if (!answer.ok) return answer;
    const { endpoint: id, local, remote } = answer.value;
    this.#connected(opened, opened.client, { peer: process.name, endpoint: id, local }, opened.t);
    return { ...answer, value: this.#endpoint({ peer: process, id }, 'server', local, remote, label) };
  }

  /** To where nobody accepts: one end. */
  async join(process: PeerProcess, to: Queue, options: ConnectOptions<string>): Promise<Answer<Endpoint>> {
    const { process: listening } = this.#within.listening(to);
    const answer = await this.#dial(process, to, options);
    if (!answer.ok) return answer;
    const { as: label = '' } = options;
    const { endpoint, local, remote } = answer.value;
    this.#connected(
      calledBy(options),
      { peer: process.name, endpoint, local },
      { peer: listening.name, endpoint: null, local: remote },
    );
    return { ...answer, value: this.#endpoint({ peer: process, id: endpoint }, 'client', local, remote, label) };
  }

  /** Both ends. */
  async connect(
    process: PeerProcess,
    to: Listener | Handed,
    options: ConnectOptions<string>,
  ): Promise<Answer<readonly [Endpoint, Endpoint]>> {
    const { process: listening } = this.#within.listening(to);
    const answer = await this.#dial(process, to, options);
    if (!answer.ok) return answer;
    const { as: label = '' } = options;
    const near = answer.value;
    const accepted = await listening.ask('accepted', { from: near.local });
    if (!accepted.ok) return accepted;
    const far = accepted.value;
    this.#connected(
      calledBy(options),
      { peer: process.name, endpoint: near.endpoint, local: near.local },
      { peer: listening.name, endpoint: far.endpoint, local: far.local },
    );
    const ends = [
      this.#endpoint({ peer: process, id: near.endpoint }, 'client', near.local, near.remote, label),
      this.#endpoint({ peer: listening, id: far.endpoint }, 'server', far.local, far.remote, label),
    ] as const;
    return { ...answer, value: ends };
  }

  #endpoint(
    at: { readonly peer: PeerProcess; readonly id: number },
    end: End,
    local: Address,
    remote: Address,
    label: string,
  ): Endpoint {
    const { peer, id } = at;
    const what = `${label ? `${label}.` : ''}${end}`;
    const endpoint = endpointHandle({ ...this.#within, peer, id, end, local, remote, what });
    this.#placed.set(endpoint, { endpoint, at, label });
    return endpoint;
  }
}
