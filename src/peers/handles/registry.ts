import { inspect } from 'node:util';
import type { Bound, Handed, Listener, Peer, Place, Queue, Side } from '../../experiment/handles.ts';
import type { RawSocket } from '../../experiment/raw.ts';
import type { ConnectionEvent } from '../../record/event.ts';
import { type Address, sameAddress } from '../../tcp/address.ts';
import type { Site } from '../../tcp/network.ts';
import type { PeerProcess } from '../process.ts';

/** A peer's process, and where it is in the lab. */
export interface Acting {
  readonly process: PeerProcess;
  readonly end: Site;
}

/** A listener, a bound socket or a place as the harness knows it. */
export interface Listening extends Acting {
  readonly at: Address;
}

/** A socket by the number that its process knows it by. */
export interface Numbered {
  readonly peer: PeerProcess;
  readonly id: number;
}

/** An endpoint as the harness knows it: the handle, with the process and number behind it. */
export interface Placed {
  readonly endpoint: Side;
  /** Absent: no process has this end, or none that the scenario asked for. */
  readonly at?: Numbered;
  readonly label: string;
  /** What the record has of its connection since that was opened. */
  readonly opened?: ConnectionEvent;
}

/** What has an address in the cell. */
export type Reachable = Listener | Handed | Queue | Bound | Place | RawSocket;

type Entry =
  | ({ readonly is: 'peer' } & Acting)
  | ({ readonly is: 'listener' } & Listening)
  | ({ readonly is: 'endpoint' } & Placed);

const names = {
  peer: 'a peer of this cell',
  listener: 'a listener, a socket that is bound, or a place of this cell',
  endpoint: 'an endpoint of this cell',
} as const;

/** The handles of one cell's scenario, and what stands behind each. */
export class Registry {
  /** A raw socket's handle may be several of these. */
  readonly #entries: { readonly [K in Entry['is']]: Map<object, Extract<Entry, { readonly is: K }>> } = {
    peer: new Map(),
    listener: new Map(),
    endpoint: new Map(),
  };
  readonly #connections: ConnectionEvent[] = [];
  readonly #opening = new Map<Promise<unknown>, Address>();

  addPeer(handle: Peer, acting: Acting): void {
    this.#entries.peer.set(handle, { is: 'peer', ...acting });
  }

  addListening(handle: Reachable, listening: Listening): void {
    this.#entries.listener.set(handle, { is: 'listener', ...listening });
  }

  addEndpoint(placed: Placed): void {
    this.#entries.endpoint.set(placed.endpoint, { is: 'endpoint', ...placed });
  }

  /** A connection, or what is known of it now. */
  addConnection(event: ConnectionEvent, before?: ConnectionEvent): void {
    const index = before ? this.#connections.indexOf(before) : -1;
    if (index >= 0) this.#connections[index] = event;
    else this.#connections.push(event);
  }

  /** A step that opens a connection to there, which is added when it settles. */
  opening<T>(to: Address, step: Promise<T>): Promise<T> {
    this.#opening.set(step, to);
    const settled = (): void => void this.#opening.delete(step);
    step.then(settled, settled);
    return step;
  }

  /**
   * The first connection between two addresses whose accepted end nobody has yet; also one that is being opened. `knownAs`: what the
   * accepted end knows an address of the other as.
   */
  async unaccepted(
    client: Address,
    server: Address,
    knownAs: (address: Address) => Promise<Address>,
  ): Promise<ConnectionEvent | undefined> {
    for (;;) {
      const found = await this.#first(client, server, knownAs);
      const steps = [...this.#opening].flatMap(([step, { port }]) => (port === server.port ? [step] : []));
      if (found || steps.length === 0) return found;
      await Promise.race(steps).catch(() => undefined);
    }
  }

  async #first(
    client: Address,
    server: Address,
    knownAs: (address: Address) => Promise<Address>,
  ): Promise<ConnectionEvent | undefined> {
    for (const event of this.#connections) {
      const waits = event.server.endpoint === null && sameAddress(event.server.local, server);
      if (waits && sameAddress(await knownAs(event.client.local), client)) return event;
    }
    return undefined;
  }

  /** Throws TypeError where the handle is not a peer of this cell; likewise the others. */
  peer(handle: Peer): Acting {
    return this.#behind('peer', handle);
  }

  listening(handle: Reachable): Listening {
    return this.#behind('listener', handle);
  }

  endpoint(handle: Side): Placed {
    return this.#behind('endpoint', handle);
  }

  /** All endpoints, in the order in which they came. */
  get endpoints(): readonly Placed[] {
    return [...this.#entries.endpoint.values()];
  }

  #behind<K extends Entry['is']>(is: K, handle: object): Extract<Entry, { readonly is: K }> {
    const entry = this.#entries[is].get(handle);
    if (!entry) throw new TypeError(`must be given ${names[is]}, not ${inspect(handle, { depth: 0 })}`);
    return entry;
  }
}
