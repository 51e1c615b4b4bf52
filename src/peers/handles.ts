import type {
  Answer,
  BindOptions,
  Bound,
  EndBy,
  Ended,
  Handed,
  Listener,
  ListenOptions,
  Peer,
  Place,
  Side,
  Step,
  Where,
  WithOptions,
} from '../experiment/handles.ts';
import type { Lab } from '../lab/lab.ts';
import type { CellObservers } from '../observers/observers.ts';
import type { Event } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import type { End } from '../tcp/states.ts';
import { boundHandle } from './bound-handle.ts';
import { Connections, type Placed, type Reachable } from './connections.ts';
import { pass } from './pass.ts';
import type { PeerProcess } from './process.ts';
import type { Verbs } from './protocol.ts';
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

/** A listener as the harness knows it. */
export interface Listening {
  readonly process: PeerProcess;
  readonly end: End;
  readonly at: Address;
}

/** The scenario's handles, and what stands behind each. */
export class Handles {
  readonly #cast: Cast;
  readonly #connections: Connections;
  readonly #listeners = new Map<Reachable, Listening>();
  readonly #processes = new Map<Peer, PeerProcess>();

  constructor(cast: Cast) {
    this.#cast = cast;
    this.#connections = new Connections(cast, {
      step: (what, answer) => this.#step(what, answer),
      options: (process, socket, what) => this.#options(process, socket, what),
      processOf: (peer) => this.#processOf(peer),
      listening: (listener) => this.#listening(listener),
      reach: (listener, family) => this.#reach(listener, family),
    });
  }

  placed(endpoint: Side): Placed {
    return this.#connections.placed(endpoint);
  }

  peer(process: PeerProcess, end: End): Peer {
    const peer: Peer = {
      name: process.name,
      pid: process.pid,
      signal: async (name) => {
        await process.signal(name);
        this.#signalled(process, name);
      },
      survive: (signal) => this.#step(`${process.name}.survive ${signal}`, process.ask('survive', { signal })),
      end: (by) => this.#step(`${process.name}.end by ${by}`, this.#end(process, by)),
      listen: (options = {}) => this.#step(`${process.name}.listen`, this.#listen(process, end, options)),
      bind: (options = {}) => this.#step(`${process.name}.bind`, this.#bind(process, end, options)),
      knock: (on, { family } = {}) =>
        this.#step(
          `${process.name}.knock on port ${on.at.port}`,
          process.ask('knock', { to: this.#reach(on, family) }),
        ),
      connect: (to, options = {}) =>
        this.#step(`${process.name}.connect to port ${to.at.port}`, this.#connections.connect(process, to, options)),
      join: (queue, options = {}) =>
        this.#step(`${process.name}.join port ${queue.at.port}`, this.#connections.join(process, queue, options)),
      place: ({ family = 4 } = {}) => this.#place(process, end, family),
      open: (to, options = {}) =>
        this.#step(`${process.name}.open to port ${to.at.port}`, this.#connections.open({ process, end }, to, options)),
    };
    this.#processes.set(peer, process);
    return peer;
  }

  #signalled(process: PeerProcess, signal: string): void {
    this.#cast.record({ t: this.#cast.now(), source: 'harness', kind: 'signal', peer: process.name, signal });
  }

  async #end(process: PeerProcess, by: EndBy): Promise<Answer<Ended>> {
    const answer = await process.end(by);
    if (by === 'SIGTERM' || by === 'SIGKILL') this.#signalled(process, by);
    return answer;
  }

  #step<T>(what: string, answer: Promise<Answer<T>>): Step<T> {
    const { steps, observers } = this.#cast;
    const looked = answer.finally(() => observers.nudge());
    return steps.take(what, looked);
  }

  #options(process: PeerProcess, socket: number, what: string): WithOptions {
    return {
      set: (option, value, how = {}) =>
        this.#step(`${what}.set ${option}`, process.ask('set', { socket, option, value, ...how })),
      get: (option) =>
        this.#step(`${what}.get ${option}`, process.ask('get', { socket, option })) as unknown as Step<never>,
      linger: () => this.#step(`${what}.get SO_LINGER`, process.ask('linger', { socket })),
    };
  }

  #address(end: End, at: Where, family: 4 | 6): string {
    const { lab } = this.#cast;
    if (at === 'wildcard') return family === 4 ? '0.0.0.0' : '::';
    return at === 'own' ? lab.address(end, family) : lab.otherAddress(end, family);
  }

  /** A port of the cell's, or the one that was asked for; its events are the cell's. */
  #port(asked: number | undefined): number {
    const { lab, observers } = this.#cast;
    const port = asked ?? lab.port();
    // any other is not traced, and a client of another cell may have it
    if (lab.ports.includes(port)) observers.watchPort(port);
    return port;
  }

  async #listen(process: PeerProcess, end: End, options: ListenOptions): Promise<Answer<Listener>> {
    const { family = 4, at = 'own', reuse, backlog, allowHalfOpen = true } = options;
    const answer = await process.ask('listen', {
      address: this.#address(end, at, family),
      port: this.#port(options.port),
      allowHalfOpen,
      ...(reuse && { reuse }),
      ...(backlog !== undefined && { backlog }),
    });
    return answer.ok ? { ...answer, value: this.#listener(process, end, answer.value) } : answer;
  }

  #listener(process: PeerProcess, end: End, { listener, at }: Verbs['listen']['value']): Listener {
    const handle: Listener = {
      at,
      ...this.#options(process, listener, `${process.name}.listener`),
      accepted: (opened) =>
        this.#step(`${process.name}.listener.accepted`, this.#connections.accepted(process, opened)),
      handTo: (peer) =>
        this.#step(`${process.name}.listener.handTo ${peer.name}`, this.#handTo(listener, { process, end, at }, peer)),
      close: () => this.#step(`${process.name}.listener.close`, process.ask('unlisten', { listener })),
    };
    this.#listeners.set(handle, { process, end, at });
    return handle;
  }

  async #handTo(listener: number, { process, end, at }: Listening, peer: Peer): Promise<Answer<Handed>> {
    const to = this.#processOf(peer);
    const passed = await pass(process, listener, to);
    return passed.ok ? { ...passed, value: this.#handed(to, end, at, passed.value) } : passed;
  }

  #processOf(peer: Peer): PeerProcess {
    const process = this.#processes.get(peer);
    if (!process) throw new TypeError('not a peer of this cell');
    return process;
  }

  #handed(process: PeerProcess, end: End, at: Address, handed: number): Handed {
    const what = `${process.name}.handed`;
    const serve = async (ask: Omit<Verbs['serve']['ask'], 'handed'>): Promise<Answer<Listener>> => {
      const serving = await process.ask('serve', { handed, ...ask });
      return serving.ok ? { ...serving, value: this.#listener(process, end, serving.value) } : serving;
    };
    const handle: Handed = {
      at,
      ...this.#options(process, handed, what),
      queued: (connections) => this.#step(`${what}.queued`, process.ask('queued', { handed, connections })),
      serve: ({ backlog, allowHalfOpen = true } = {}) =>
        this.#step(`${what}.serve`, serve({ allowHalfOpen, ...(backlog !== undefined && { backlog }) })),
      close: () => this.#step(`${what}.close`, process.ask('unbind', { bound: handed })),
    };
    this.#listeners.set(handle, { process, end, at });
    return handle;
  }

  async #bind(process: PeerProcess, end: End, options: BindOptions): Promise<Answer<Bound>> {
    const { family = 4, at = 'own', reuse = 'none', noPort = false, ipv6Only } = options;
    const address = this.#address(end, at, family);
    const port = this.#port(options.port);
    const only = ipv6Only === undefined ? {} : { ipv6Only };
    const answer = await process.ask('bind', { address, port, reuse, noPort, ...only });
    if (!answer.ok) return answer;
    const value = boundHandle(
      {
        peer: process,
        ...answer.value,
        options: (socket, what) => this.#options(process, socket, what),
        listener: (listening) => this.#listener(process, end, listening),
        queued: (queue) => void this.#listeners.set(queue, { process, end, at: queue.at }),
      },
      (what, taken) => this.#step(what, taken),
    );
    this.#listeners.set(value, { process, end, at: value.at });
    return { ...answer, value };
  }

  #place(process: PeerProcess, end: End, family: 4 | 6): Place {
    const place = { at: { address: this.#address(end, 'own', family), port: this.#port(undefined) } };
    this.#listeners.set(place, { process, end, at: place.at });
    return place;
  }

  /** Where a connection finds a listener: a wildcard has no address of its own. */
  #reach(listener: Reachable, family?: 4 | 6): Address {
    const { end, at } = this.#listening(listener);
    if (at.address !== '0.0.0.0' && at.address !== '::') return at;
    return { address: this.#cast.lab.address(end, family ?? (at.address === '::' ? 6 : 4)), port: at.port };
  }

  #listening(listener: Reachable): Listening {
    const listening = this.#listeners.get(listener);
    if (!listening) throw new TypeError('not a listener of this cell');
    return listening;
  }
}
