import type { Bound, Handed, Listener, Peer, Place, Queue, Side } from '../../experiment/handles.ts';
import type { ConnectionEvent } from '../../record/event.ts';
import type { Address } from '../../tcp/address.ts';
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
export type Reachable = Listener | Handed | Queue | Bound | Place;

type Entry =
  | ({ readonly is: 'peer' } & Acting)
  | ({ readonly is: 'listener' } & Listening)
  | ({ readonly is: 'endpoint' } & Placed);

const names = { peer: 'a peer', listener: 'a listener', endpoint: 'an endpoint' } as const;

/** The handles of one cell's scenario, and what stands behind each. */
export class Registry {
  readonly #entries = new Map<object, Entry>();

  addPeer(handle: Peer, acting: Acting): void {
    this.#entries.set(handle, { is: 'peer', ...acting });
  }

  addListening(handle: Reachable, listening: Listening): void {
    this.#entries.set(handle, { is: 'listener', ...listening });
  }

  addEndpoint(placed: Placed): void {
    this.#entries.set(placed.endpoint, { is: 'endpoint', ...placed });
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
    return [...this.#entries.values()].filter((entry) => entry.is === 'endpoint');
  }

  #behind<K extends Entry['is']>(is: K, handle: object): Extract<Entry, { readonly is: K }> {
    const entry = this.#entries.get(handle);
    if (entry?.is !== is) throw new TypeError(`not ${names[is]} of this cell`);
    return entry as Extract<Entry, { readonly is: K }>;
  }
}
