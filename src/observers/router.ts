import type { Event, TransitionEvent } from '../record/event.ts';
import { type Address, addressAndPort } from '../tcp/address.ts';

/** Takes the events of a cell. */
export type Sink = (event: Event) => void;

/** Addresses that every cell has, each in its own namespace, which an event does not have. */
const shared: ReadonlySet<string> = new Set(['0.0.0.0', '::', '::1']);

/**
 * A cell's turn at a port: the sockets that begin there at a shared address as its step has them begin are its own. Those that
 * begin otherwise are another program's, another run's among them, and do not end the turn.
 */
export interface Turn {
  /** Resolves when one of them has begun, or the cell is removed. */
  readonly begun: Promise<void>;
  /** Ends it: the next cell that waits has its turn. */
  readonly end: () => void;
}

/** By which transition a socket begins that a step makes. */
export type Beginning = Extract<TransitionEvent['to'], 'LISTEN' | 'SYN-SENT'>;

interface Taking {
  readonly sink: Sink;
  readonly by: Beginning;
  readonly start: () => void;
  readonly begun: () => void;
}

type Located = Event & { readonly local: Address; readonly remote: Address };

const begins = ({ from, to }: TransitionEvent): boolean =>
  (from === 'CLOSED' && (to === 'SYN-SENT' || to === 'LISTEN')) || isClone({ from, to });
/** What a listener accepts announces itself as if it had been the listener. */
const isClone = ({ from, to }: Pick<TransitionEvent, 'from' | 'to'>): boolean =>
  from === 'LISTEN' && to === 'SYN-RECEIVED';

const flowOf = (from: Address, to: Address): string => `${addressAndPort(from)} ${addressAndPort(to)}`;

/**
 * Gives each trace event to the cell that it belongs to: tracepoints see every namespace of the machine. A cell has addresses that
 * no other has, and an event at one of these is its own, whatever its port. At the addresses that cells share (a listener on
 * every address, `::1`, what a scenario names, `127.0.0.2`) a socket is followed from its beginning, which belongs to the cell that has the port: for good where it
 * is one of the run's block, in turns where a scenario named it. What else runs on the machine gets to no cell.
 */
export class Router {
  /** Cells that have a port: the others have no sockets. */
  readonly #sinks = new Set<Sink>();
  readonly #byAddress = new Map<string, Sink>();
  readonly #byPort = new Map<number, Sink>();
  /** Cells whose scenarios named a port, or for which the kernel chose it. */
  readonly #naming = new Map<number, Set<Sink>>();
  /** Addresses beside their own at which cells have sockets, because scenarios named them: as good as shared by these. */
  readonly #places = new Map<string, Set<Sink>>();
  /** At each port the cell whose turn it is, and those that wait. */
  readonly #turns = new Map<number, Taking[]>();
  /** Sockets of cells whose beginning was seen and whose end was not, by the kernel's address of each. */
  readonly #bySocket = new Map<string, Sink>();
  /** Both ends of connections at shared addresses, from the end that connected. */
  readonly #byFlow = new Map<string, Set<Sink>>();
  /** Of those connections the ends that were established, in order, as long as the listener's clone has not begun. */
  readonly #awaited = new Map<string, Sink[]>();
  readonly #byTimer = new Map<string, Sink>();

  /** A cell, or more addresses of one: everything at these is its own. */
  add(to: Sink, addresses: readonly string[]): void {
    for (const address of addresses) this.#byAddress.set(address, to);
  }

  /** An address that other cells may have, too, in namespaces of their own. */
  addPlace(to: Sink, address: string): void {
    if (this.#byAddress.get(address) !== to && !shared.has(address)) add(this.#places, address, to);
  }

  /** What begins at this port of a shared address is the cell's. */
  addPort(to: Sink, port: number): void {
    this.#sinks.add(to);
    this.#byPort.set(port, to);
  }

  hasPort(to: Sink, port: number): boolean {
    return this.#byPort.get(port) === to;
  }

  /** A port that is not the cell's alone. */
  addNamed(to: Sink, port: number): void {
    this.#sinks.add(to);
    add(this.#naming, port, to);
  }

  /** Those ports, of all cells. */
  get named(): readonly number[] {
    return [...this.#naming.keys()];
  }

  /** Whether sockets that begin there are told apart by turns only. */
  needsTurn({ address, port }: Address): boolean {
    return (shared.has(address) || this.#places.has(address)) && this.#naming.has(port);
  }

  /** Resolves when nobody else has a turn at that port. */
  async turn(to: Sink, port: number, by: Beginning): Promise<Turn> {
    const start = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const own: Taking = { sink: to, by, start: start.resolve, begun: begun.resolve };
    const taking = this.#turns.get(port) ?? [];
    this.#turns.set(port, taking);
    taking.push(own);
    if (taking[0] !== own) await start.promise;
    return {
      begun: begun.promise,
      end: () => {
        if (taking[0] !== own) return;
        taking.shift();
        if (taking[0]) taking[0].start();
        else this.#turns.delete(port);
      },
    };
  }

  remove(to: Sink): void {
    this.#sinks.delete(to);
    for (const map of [this.#byAddress, this.#byPort, this.#bySocket, this.#byTimer])
      for (const [key, sink] of map) if (sink === to) (map as Map<unknown, Sink>).delete(key);
    for (const map of [this.#byFlow, this.#naming, this.#places])
      for (const [key, sinks] of map)
        if (sinks.delete(to) && sinks.size === 0) (map as Map<unknown, Set<Sink>>).delete(key);
    for (const [flow, sinks] of this.#awaited) {
      const left = sinks.filter((sink) => sink !== to);
      if (left.length > 0) this.#awaited.set(flow, left);
      else this.#awaited.delete(flow);
    }
    for (const taking of this.#turns.values()) for (const each of taking) if (each.sink === to) each.begun();
  }

  route(event: Event): void {
    if (event.kind === 'lost') {
      for (const sink of this.#sinks) sink(event);
      return;
    }
    if (event.kind === 'mini-timer-start' || event.kind === 'mini-timer-expire') {
      this.#byTimer.get(event.timer)?.(event);
      if (event.kind === 'mini-timer-expire') this.#byTimer.delete(event.timer);
      return;
    }
    if (!('local' in event)) return;
    const sink = event.kind === 'transition' ? this.#ofTransition(event) : this.#ofOther(event as Located);
    if (sink && event.kind === 'mini-socket') this.#byTimer.set(event.timer, sink);
    sink?.(event);
  }

  #ofTransition(event: TransitionEvent): Sink | undefined {
    const { socket, from, to, local, remote } = event;
    const beginning = begins(event);
    const known = this.#bySocket.get(socket);
    const alone = this.#byAddress.get(local.address) ?? this.#byAddress.get(remote.address);
    const sink = alone ?? (beginning ? this.#beginning(event) : known);
    if (!sink) {
      // the kernel gave a socket's address to one of another program
      if (beginning) this.#bySocket.delete(socket);
      return undefined;
    }
    // it listened before its port was known: the kernel had chosen that
    if (from === 'LISTEN' && to === 'CLOSED' && !known) return undefined;
    if (to === 'CLOSED') this.#bySocket.delete(socket);
    else this.#bySocket.set(socket, sink);
    if (!alone && !beginning && local.port !== 0 && remote.port !== 0) {
      const flow = flowOf(local, remote);
      add(this.#byFlow, flow, sink);
      if (from === 'SYN-SENT' && to === 'ESTABLISHED')
        this.#awaited.set(flow, [...(this.#awaited.get(flow) ?? []), sink]);
    }
    return sink;
  }

  /** Whose a socket is that begins at a shared address. */
  #beginning(event: TransitionEvent): Sink | undefined {
    const { local, remote, to } = event;
    // a socket that listens has the wildcard for its remote address
    const at = to === 'LISTEN' ? [local] : [local, remote];
    const here = (sink: Sink | undefined) => (sink && this.#isAt(sink, at) ? sink : undefined);
    // the end that connected is known by both its ports since it was established, which was before
    if (isClone(event)) {
      const flow = flowOf(remote, local);
      return here(this.#takeAwaited(flow) ?? this.#ofFlow(flow) ?? this.#atPort(local.port, 'SYN-SENT'));
    }
    const { port } = to === 'LISTEN' ? local : remote;
    const sink = here(this.#atPort(port, to as Beginning));
    if (sink) this.#turns.get(port)?.[0]?.begun();
    return sink;
  }

  /** Whether the cell may have a socket at one of these, by the address alone. */
  #isAt(sink: Sink, at: readonly Address[]): boolean {
    return at.some(({ address }) => shared.has(address) || this.#places.get(address)?.has(sink));
  }

  /** At a port that a scenario named: the cell whose turn it is, if its step begins sockets so. */
  #atPort(port: number, by: Beginning): Sink | undefined {
    const turn = this.#turns.get(port)?.[0];
    return (turn?.by === by ? turn.sink : undefined) ?? this.#byPort.get(port);
  }

  /** Whose clone begins: several cells can have the same connection, and one that has its clone waits for none. */
  #takeAwaited(flow: string): Sink | undefined {
    const sinks = this.#awaited.get(flow) ?? [];
    const sink = only(new Set(sinks));
    if (!sink) return undefined;
    if (sinks.length > 1) this.#awaited.set(flow, sinks.slice(1));
    else this.#awaited.delete(flow);
    return sink;
  }

  #ofFlow(flow: string): Sink | undefined {
    return only(this.#byFlow.get(flow));
  }

  /** Segments, and the hand-over to a mini-socket, whose full socket is closed next. */
  #ofOther(event: Located): Sink | undefined {
    const { local, remote } = event;
    const alone = this.#byAddress.get(local.address) ?? this.#byAddress.get(remote.address);
    if (alone) return alone;
    const ofSocket =
      'socket' in event && typeof event.socket === 'string' ? this.#bySocket.get(event.socket) : undefined;
    const sink =
      ofSocket ??
      this.#ofFlow(flowOf(local, remote)) ??
      this.#ofFlow(flowOf(remote, local)) ??
      this.#byPort.get(local.port) ??
      this.#byPort.get(remote.port) ??
      only(this.#naming.get(local.port)) ??
      only(this.#naming.get(remote.port));
    return sink && this.#isAt(sink, [local, remote]) ? sink : undefined;
  }
}

/** Returns the only member of a set; undefined if there are several, since nothing shows which one is meant. */
const only = <T>(all: ReadonlySet<T> | undefined): T | undefined => (all?.size === 1 ? [...all][0] : undefined);

function add<K, T>(map: Map<K, Set<T>>, key: K, value: T): void {
  const all = map.get(key);
  if (all) all.add(value);
  else map.set(key, new Set([value]));
}
