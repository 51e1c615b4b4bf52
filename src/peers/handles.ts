import { LingerlabError } from '../errors.ts';
import type {
  Answer,
  CloseBy,
  CloseOptions,
  ConnectOptions,
  Endpoint,
  Listener,
  ListenOptions,
  Peer,
  Step,
} from '../experiment/stage.ts';
import type { End } from '../facts/states.ts';
import type { Lab } from '../lab/lab.ts';
import type { CellObservers } from '../observers/observers.ts';
import type { Address, ConnectionEvent, Event } from '../record/event.ts';
import type { PeerProcess } from './process.ts';
import type { Verb, Verbs } from './protocol.ts';
import type { Steps } from './step.ts';

/** What every handle of a scenario needs of its cell. */
export interface Cast {
  readonly lab: Lab;
  readonly steps: Steps;
  readonly observers: CellObservers;
  readonly now: () => number;
  readonly record: (event: Event) => void;
  /** The experiment's `connections`. */
  readonly labels: readonly string[];
}

/** An endpoint as the harness knows it: the handle, with the process and number behind it. */
export interface Placed {
  readonly endpoint: Endpoint;
  readonly peer: PeerProcess;
  readonly id: number;
  readonly label: string;
}

/** The scenario's handles, and what stands behind each. */
export class Handles {
  readonly #cast: Cast;
  readonly #placed = new Map<Endpoint, Placed>();
  readonly #listeners = new Map<Listener, PeerProcess>();

  constructor(cast: Cast) {
    this.#cast = cast;
  }

  placed(endpoint: Endpoint): Placed {
    const placed = this.#placed.get(endpoint);
    if (!placed) throw new TypeError('not an endpoint of this cell');
    return placed;
  }

  peer(process: PeerProcess, end: End): Peer {
    return {
      name: process.name,
      pid: process.pid,
      signal: (name) => process.signal(name),
      listen: (options = {}) => this.#step(`${process.name}.listen`, this.#listen(process, end, options)),
      connect: (to, options = {}) =>
        this.#step(`${process.name}.connect to port ${to.at.port}`, this.#connect(process, to, options)),
    };
  }

  #step<T>(what: string, answer: Promise<Answer<T>>): Step<T> {
    const { steps, observers } = this.#cast;
    const looked = answer.finally(() => observers.nudge());
    return steps.take(what, looked);
  }

  async #listen(process: PeerProcess, end: End, options: ListenOptions): Promise<Answer<Listener>> {
    const { lab, observers } = this.#cast;
    const { family = 4, backlog, allowHalfOpen = true } = options;
    const port = options.port ?? lab.port();
    observers.watchPort(port);
    const ask = { address: lab.address(end, family), port, allowHalfOpen, ...(backlog !== undefined && { backlog }) };
    const answer = await process.ask('listen', ask);
    if (!answer.ok) return answer;
    const { listener, at } = answer.value;
    const handle: Listener = {
      at,
      close: () => this.#step(`${process.name}.listener.close`, process.ask('unlisten', { listener })),
    };
    this.#listeners.set(handle, process);
    return { ...answer, value: handle };
  }

  async #connect(
    process: PeerProcess,
    to: Listener,
    { as: label = '', allowHalfOpen = true, localPort }: ConnectOptions<string>,
  ): Promise<Answer<readonly [Endpoint, Endpoint]>> {
    if (label && !this.#cast.labels.includes(label)) {
      const remedy = 'name it under connections, so that its facts are declared';
      throw new LingerlabError('UNKNOWN_LABEL', `connection label '${label}' is not declared`, remedy);
    }
    const listening = this.#listeners.get(to);
    if (!listening) throw new TypeError('not a listener of this cell');
    const answer = await process.ask('connect', {
      to: to.at,
      allowHalfOpen,
      ...(localPort !== undefined && { localPort }),
    });
    if (!answer.ok) return answer;
    const near = answer.value;
    const accepted = await listening.ask('accepted', { from: near.local });
    if (!accepted.ok) return accepted;
    const far = accepted.value;
    const event: ConnectionEvent = {
      t: this.#cast.now(),
      source: 'harness',
      kind: 'connection',
      label,
      client: { peer: process.name, endpoint: near.endpoint, local: near.local },
      server: { peer: listening.name, endpoint: far.endpoint, local: far.local },
    };
    this.#cast.record(event);
    const ends = [
      this.#endpoint(process, near.endpoint, 'client', near.local, near.remote, label),
      this.#endpoint(listening, far.endpoint, 'server', far.local, far.remote, label),
    ] as const;
    return { ...answer, value: ends };
  }

  #endpoint(peer: PeerProcess, id: number, end: End, local: Address, remote: Address, label: string): Endpoint {
    const step = <V extends Verb>(verb: V, rest: Omit<Verbs[V]['ask'], 'endpoint'>, what: string = verb) =>
      this.#step(
        `${label ? `${label}.` : ''}${end}.${what}`,
        peer.ask(verb, { ...rest, endpoint: id } as unknown as Verbs[V]['ask']),
      );
    const closing = ({ sending, at }: CloseOptions) => ({
      ...(sending !== undefined && { sending }),
      ...(at && { atNs: at.ns }),
    });
    const endpoint: Endpoint = {
      end,
      local,
      remote,
      set: (option, value) => step('set', { option, value }, `set ${option}`),
      get: (option) => step('get', { option }, `get ${option}`) as Step<never>,
      error: () => step('error', {}, 'SO_ERROR'),
      info: () => step('info', {}, 'TCP_INFO'),
      write: (bytes) => step('write', { bytes }),
      received: (bytes) => step('received', { bytes }, `received ${bytes} bytes`),
      ended: () => step('saw', { event: 'end' }, 'ended'),
      gone: () => step('saw', { event: 'close' }, 'gone'),
      pause: () => step('pause', {}),
      stopReading: () => step('stopReading', {}),
      unread: (where, bytes) => step('unread', { where, bytes }, `${bytes} bytes unread in ${where}`),
      resume: () => step('resume', {}),
      close: (by: CloseBy = 'end', options: CloseOptions = {}) =>
        step('close', { by, ...closing(options) }, `close by ${by}`),
      shutdown: (how, options: CloseOptions = {}) => step('shutdown', { how, ...closing(options) }, `shutdown ${how}`),
    };
    this.#placed.set(endpoint, { endpoint, peer, id, label });
    return endpoint;
  }
}
