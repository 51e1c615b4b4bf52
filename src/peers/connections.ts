import { LingerlabError } from '../errors.ts';
import type {
  Answer,
  ConnectOptions,
  Endpoint,
  Handed,
  Listener,
  Queue,
  Step,
  WithOptions,
} from '../experiment/stage.ts';
import type { End } from '../facts/states.ts';
import type { Address, ConnectionEvent } from '../record/event.ts';
import { endpointHandle } from './endpoint.ts';
import type { Cast, Listening } from './handles.ts';
import type { PeerProcess } from './process.ts';
import type { Verbs } from './protocol.ts';

/** An endpoint as the harness knows it: the handle, with the process and number behind it. */
export interface Placed {
  readonly endpoint: Endpoint;
  readonly peer: PeerProcess;
  readonly id: number;
  readonly label: string;
}

type Reachable = Listener | Handed | Queue;

/** What connections need of the other handles of their cell. */
export interface Within {
  readonly step: <T>(what: string, answer: Promise<Answer<T>>) => Step<T>;
  readonly options: (process: PeerProcess, socket: number, what: string) => WithOptions;
  readonly listening: (listener: Reachable) => Listening;
  readonly reach: (listener: Reachable, family?: 4 | 6) => Address;
}

/** Makes a cell's connections, and knows what stands behind their ends. */
export class Connections {
  readonly #cast: Cast;
  readonly #within: Within;
  readonly #placed = new Map<Endpoint, Placed>();

  constructor(cast: Cast, within: Within) {
    this.#cast = cast;
    this.#within = within;
  }

  placed(endpoint: Endpoint): Placed {
    const placed = this.#placed.get(endpoint);
    if (!placed) throw new TypeError('not an endpoint of this cell');
    return placed;
  }

  #connected(label: string, client: ConnectionEvent['client'], server: ConnectionEvent['server']): void {
    this.#cast.record({ t: this.#cast.now(), source: 'harness', kind: 'connection', label, client, server });
  }

  async #dial(
    process: PeerProcess,
    to: Listener | Handed | Queue,
    { as: label = '', allowHalfOpen = true, localPort, family }: ConnectOptions<string>,
  ): Promise<Answer<Verbs['connect']['value']>> {
    if (label && !this.#cast.labels.includes(label)) {
      const remedy = 'name it under connections, so that its facts are declared';
      throw new LingerlabError('UNKNOWN_LABEL', `connection label '${label}' is not declared`, remedy);
    }
    return process.ask('connect', {
      to: this.#within.reach(to, family),
      allowHalfOpen,
      ...(localPort !== undefined && { localPort }),
    });
  }

  /** To where nobody accepts: one end. */
  async join(process: PeerProcess, to: Queue, options: ConnectOptions<string>): Promise<Answer<Endpoint>> {
    const { process: listening } = this.#within.listening(to);
    const answer = await this.#dial(process, to, options);
    if (!answer.ok) return answer;
    const { as: label = '' } = options;
    const { endpoint, local, remote } = answer.value;
    this.#connected(
      label,
      { peer: process.name, endpoint, local },
      { peer: listening.name, endpoint: null, local: remote },
    );
    return { ...answer, value: this.#endpoint(process, endpoint, 'client', local, remote, label) };
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
      label,
      { peer: process.name, endpoint: near.endpoint, local: near.local },
      { peer: listening.name, endpoint: far.endpoint, local: far.local },
    );
    const ends = [
      this.#endpoint(process, near.endpoint, 'client', near.local, near.remote, label),
      this.#endpoint(listening, far.endpoint, 'server', far.local, far.remote, label),
    ] as const;
    return { ...answer, value: ends };
  }

  #endpoint(peer: PeerProcess, id: number, end: End, local: Address, remote: Address, label: string): Endpoint {
    const what = `${label ? `${label}.` : ''}${end}`;
    const endpoint = endpointHandle(
      { peer, id, end, local, remote, what, options: (socket, named) => this.#within.options(peer, socket, named) },
      (name, answer) => this.#within.step(name, answer),
    );
    this.#placed.set(endpoint, { endpoint, peer, id, label });
    return endpoint;
  }
}
