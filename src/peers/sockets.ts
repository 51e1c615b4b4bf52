import type { Server, Socket } from 'node:net';
import type { Clock } from '../native/clock.ts';
import { close, SystemCallError } from '../native/libc.ts';
import { endLingering, queues } from '../native/sockets.ts';
import type { NodeEvent, Ns, QueuesEvent } from '../record/event.ts';
import { type Address, sameAddress } from '../tcp/address.ts';
import { plainAddress } from '../tcp/address-text.ts';
import { aroundClosing, descriptorOf } from './net-handle.ts';

/** Of what an application read, so many bytes are kept. */
const heardBytes = 65_536;

type Heard = (event: NodeEvent | QueuesEvent) => void;

/** A net socket and what its application saw. */
export interface Held {
  readonly id: number;
  readonly socket: Socket;
  /** By this listener. */
  readonly listener?: number;
  /** By a listener. */
  readonly accepted: boolean;
  local: Address;
  remote: Address;
  read: number;
  /** Of what it read, the first {@link heardBytes}. */
  readonly heard: Buffer[];
  readonly seen: Set<string>;
  /** Whether the queues are reported when net closes the socket; not if the closing step reports them. */
  tells: boolean;
  /** Its socket as a raw one, once a duplicate of its descriptor was made. */
  raw?: Raw;
  /** Bytes that read(2) took from the kernel, of those duplicates. */
  readRaw: number;
  /** A failure of the socket while someone waits for something else. */
  failure?: NodeJS.ErrnoException;
  /** Called at each event, so that waiting steps look again. */
  readonly watchers: Set<() => void>;
}

/** A socket that net does not know, or a net socket's through other descriptors than net's. */
export interface Raw {
  /** The number of its first descriptor, by which the record names it. */
  readonly id: number;
  /** Numbers of its open descriptors, but for net's. */
  readonly open: Set<number>;
  /** The end of a connection that it is now. */
  endpoint?: number;
  /** Bytes that read(2) took of that connection. */
  read: number;
  /** When connect(2) was called that has not come to its end. */
  connecting?: Ns;
  /** The net socket whose it is. */
  readonly net?: Held;
}

const plain = (address = '', port = 0): Address => plainAddress({ address, port });
export const localOf = (socket: Socket): Address => plain(socket.localAddress, socket.localPort);
export const remoteOf = (socket: Socket): Address => plain(socket.remoteAddress, socket.remotePort);

/** The sockets of one peer, by number: net's, its listeners, and bare descriptors. Every event of net's is heard. */
export class Sockets {
  readonly #held = new Map<number, Held>();
  readonly #listeners = new Map<number, Server>();
  readonly #descriptors = new Map<number, number>();
  readonly #raw = new Map<number, Raw>();
  /** Raw sockets by the number of the end that each is now. */
  readonly #rawEnds = new Map<number, Raw>();
  readonly #watchers = new Set<() => void>();
  readonly #claimed = new Set<number>();
  readonly #peer: string;
  readonly #now: Clock;
  readonly #heard: Heard;
  readonly #closed: (from: Ns) => void;
  #next = 1;

  /** Calls `closed` after each closing call of net's, with the time since when that call has held the thread. */
  constructor(peer: string, now: Clock, heard: Heard, closed: (from: Ns) => void = () => undefined) {
    this.#peer = peer;
    this.#now = now;
    this.#heard = heard;
    this.#closed = closed;
  }

  get(id: number): Held {
    const held = this.#held.get(id);
    if (!held) throw new Error(`no endpoint ${id}`);
    return held;
  }

  /** Whether this is the number of an endpoint. */
  has(id: number): boolean {
    return this.#held.has(id);
  }

  listener(id: number): Server {
    const server = this.#listeners.get(id);
    if (!server) throw new Error(`no listener ${id}`);
    return server;
  }

  /** The open descriptor behind a number of any kind; a refusal with EBADF where there is none. */
  descriptor(id: number, syscall: string): number {
    const net = this.#held.get(id)?.socket ?? this.#listeners.get(id);
    const [first = id] = this.#rawEnds.get(id)?.open ?? [];
    const fd = net ? descriptorOf(net) : this.#descriptors.get(first);
    if (fd === undefined) throw new SystemCallError(syscall, 'EBADF');
    return fd;
  }

  /** Keep a descriptor that net does not have. */
  addDescriptor(fd: number): number {
    const id = this.#next++;
    this.#descriptors.set(id, fd);
    return id;
  }

  /** Give away a descriptor that {@link addDescriptor} kept; a refusal with EBADF where it is gone. */
  takeDescriptor(id: number, syscall: string): number {
    const fd = this.descriptor(id, syscall);
    this.#descriptors.delete(id);
    return fd;
  }

  /** Keep a descriptor of a raw socket: of a new one, or one more. */
  addRaw(fd: number, of?: Raw): { readonly socket: number; readonly id: number } {
    const socket = this.addDescriptor(fd);
    const raw = of ?? { id: socket, open: new Set(), read: 0 };
    raw.open.add(socket);
    this.#raw.set(socket, raw);
    return { socket, id: raw.id };
  }

  /** The raw socket of a net socket, with a duplicate of its descriptor. */
  addRawOf(held: Held, fd: number): { readonly socket: number; readonly id: number } {
    held.raw ??= { id: this.#next, open: new Set(), endpoint: held.id, read: 0, net: held };
    return this.addRaw(fd, held.raw);
  }

  /** The raw socket behind a descriptor's number, also where that is closed. */
  raw(id: number): Raw {
    const raw = this.#raw.get(id);
    if (!raw) throw new Error(`no raw socket ${id}`);
    return raw;
  }

  /** Take a descriptor of a raw socket away; a refusal with EBADF where it is gone. */
  takeRaw(id: number, syscall: string): number {
    const fd = this.takeDescriptor(id, syscall);
    this.raw(id).open.delete(id);
    return fd;
  }

  /** A number goes on as a descriptor of another raw socket, as dup2(2) has made it. */
  moveRaw(id: number, fd: number, to: Raw): void {
    this.raw(id).open.delete(id);
    this.#raw.set(id, to);
    this.#descriptors.set(id, fd);
    to.open.add(id);
  }

  /** From now on a raw socket is an end of a connection: its number. */
  beginEnd(raw: Raw): number {
    this.finishEnd(raw);
    const endpoint = this.#next++;
    this.#rawEnds.set(endpoint, raw);
    raw.endpoint = endpoint;
    raw.read = 0;
    return endpoint;
  }

  /** From now on it is none. */
  finishEnd(raw: Raw): void {
    if (raw.endpoint !== undefined) this.#rawEnds.delete(raw.endpoint);
    delete raw.endpoint;
    delete raw.connecting;
  }

  /** By which numbers the record names a socket: as an end of a connection, as a raw socket. */
  numbers(id: number): { readonly endpoint?: number; readonly socket?: number } {
    const raw = this.#raw.get(id) ?? this.#rawEnds.get(id);
    if (!raw) return this.#held.has(id) ? { endpoint: id } : {};
    return { socket: raw.id, ...(raw.endpoint !== undefined && { endpoint: raw.endpoint }) };
  }

  /** Closes all, as the end of the process would: a close(2) that SO_LINGER would hold does not wait. */
  closeAll(): void {
    for (const { socket } of this.#held.values()) {
      const fd = descriptorOf(socket);
      if (fd !== undefined) endLingering(fd);
      socket.destroy();
    }
    for (const server of this.#listeners.values()) server.close();
    for (const fd of this.#descriptors.values()) {
      endLingering(fd);
      close(fd);
    }
    this.#descriptors.clear();
  }

  /** None of net's sockets and listeners keeps the event loop alive any more. */
  unref(): void {
    for (const { socket } of this.#held.values()) socket.unref();
    for (const server of this.#listeners.values()) server.unref();
  }

  addListener(server: Server): number {
    const id = this.#next++;
    this.#listeners.set(id, server);
    server.on('connection', (socket) => this.add(socket, id));
    return id;
  }

  /**
   * The endpoint whose other end is at this address, once there is one. Each is given once: a connection from an address that
   * an earlier one used is another connection. `ended`: where there is none, the first one that was accepted without an address,
   * because it had been reset.
   */
  async from(address: Address, ended = false): Promise<Held> {
    for (;;) {
      const free = [...this.#held.values()].filter(({ id }) => !this.#claimed.has(id));
      const named = free.find(({ remote }) => sameAddress(remote, address));
      const held = named ?? (ended ? free.find(({ accepted, remote }) => accepted && remote.port === 0) : undefined);
      if (held) {
        this.#claimed.add(held.id);
        if (!named) held.remote = address;
        return held;
      }
      await this.#another();
    }
  }

  /** The first endpoint of a listener that no step was given, once there is one. */
  async nextOf(listener: number): Promise<Held> {
    for (;;) {
      const held = [...this.#held.values()].find((each) => each.listener === listener && !this.#claimed.has(each.id));
      if (held) {
        this.#claimed.add(held.id);
        return held;
      }
      await this.#another();
    }
  }

  /** Resolves when there is one more endpoint. */
  #another(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
    });
  }

  /** `listener`: the one that accepted it. */
  add(socket: Socket, listener?: number): Held {
    const held: Held = {
      id: this.#next++,
      socket,
      accepted: listener !== undefined,
      ...(listener !== undefined && { listener }),
      local: localOf(socket),
      remote: remoteOf(socket),
      read: 0,
      readRaw: 0,
      heard: [],
      seen: new Set(),
      tells: true,
      watchers: new Set(),
    };
    this.#held.set(held.id, held);
    let from = 0;
    const before = (): void => {
      if (held.tells) this.tellQueues(held, descriptorOf(socket));
      from = this.#now();
    };
    aroundClosing(socket, before, () => this.#closed(from));
    this.#listen(held);
    for (const look of [...this.#watchers]) look();
    return held;
  }

  /** Reports the queues of a socket that is about to be closed; nothing if its descriptor is closed, or if another one is open. */
  tellQueues({ id, socket, readRaw, raw }: Held, fd: number | undefined): void {
    if (fd !== undefined && !raw?.open.size) this.#heard(this.#queuesOf(id, fd, socket.bytesRead + readRaw));
  }

  /**
   * What lies in a raw socket that is about to be closed, or to leave its connection; undefined where it has none, or is not closed
   * yet: it has other descriptors, which a call that disconnects does not mind.
   */
  rawQueues({ endpoint, net, open, read }: Raw, fd: number, disconnects = false): QueuesEvent | undefined {
    const nets = net?.id === endpoint ? net : undefined;
    const isLast = open.size === 1 && (!nets || descriptorOf(nets.socket) === undefined);
    if (endpoint === undefined || !(isLast || disconnects)) return undefined;
    return this.#queuesOf(endpoint, fd, nets ? nets.socket.bytesRead + nets.readRaw : read);
  }

  /** Reports what {@link rawQueues} found. */
  tell(found: QueuesEvent | undefined): void {
    if (found) this.#heard(found);
  }

  #queuesOf(endpoint: number, fd: number, read: number): QueuesEvent {
    return { t: this.#now(), source: 'peer', kind: 'queues', peer: this.#peer, endpoint, ...queues(fd), read };
  }

  #listen(held: Held): void {
    const saw = (event: string, more: Partial<NodeEvent> = {}) => {
      held.seen.add(event);
      this.#heard({
        t: this.#now(),
        source: 'peer',
        kind: 'node',
        peer: this.#peer,
        endpoint: held.id,
        event,
        ...more,
      });
      for (const look of [...held.watchers]) look();
    };
    held.socket
      .on('connect', () => {
        held.local = localOf(held.socket);
        held.remote = remoteOf(held.socket);
        saw('connect');
      })
      .on('data', (chunk) => {
        const room = heardBytes - held.read;
        if (room > 0) held.heard.push(Buffer.from(chunk.subarray(0, room)));
        held.read += chunk.length;
        saw('data', { bytes: chunk.length });
      })
      .on('end', () => saw('end'))
      .on('finish', () => saw('finish'))
      .on('error', (error: NodeJS.ErrnoException) => {
        held.failure = error;
        saw('error', { errno: error.code ?? error.message, ...(error.syscall && { syscall: error.syscall }) });
      })
      .on('close', (hadError) => saw('close', { hadError }));
  }
}

/** Resolves when the condition holds; rejects with the socket's failure, or when it is closed and so never will. */
export async function when(held: Held, condition: () => boolean): Promise<void> {
  while (!condition()) {
    if (held.failure) throw held.failure;
    if (held.seen.has('close')) throw Object.assign(new Error('closed'), { code: 'EBADF', syscall: 'wait' });
    await new Promise<void>((resolve) => {
      const look = () => {
        held.watchers.delete(look);
        resolve();
      };
      held.watchers.add(look);
    });
  }
}

/** Resolves when the emitter emits this next. */
export const once = (emitter: { once(event: string, listener: (...args: never[]) => void): unknown }, event: string) =>
  new Promise<void>((resolve) => emitter.once(event, () => resolve()));
