import { Socket, type TcpSocketConnectOpts } from 'node:net';
import type { Driven } from '../experiment/load.ts';
import { bindSocket } from '../native/sockets.ts';
import { closings, isAtOnce } from './closing.ts';
import type { DriveAsk } from './protocol.ts';
import { Tally } from './tally.ts';

/**
 * A connection: net's socket with what its requests need. net connects a socket anew once it has closed, and so do we: a new one
 * for each connection costs 8 % of the rate.
 */
interface Running extends Socket {
  /** When it was begun, or was due, or its last request was sent; ms. */
  since: number;
  /** Bytes of the response that have not come. */
  missing: number;
  /** Requests that are not answered. */
  left: number;
  over: boolean;
}

/** Buffer for all answers of the server; nothing reads it. */
const answers = Buffer.alloc(65_536);
/** Interval at which an open loop starts what is due: its clock is a libuv timer. The client reports how late it is. */
const dueEveryMs = 1;
/** Pause after a failure: a client without a free port has none 10 µs later either. */
const againMs = 10;
/** How long to wait for what is still open when the window is over. */
export const tailMs = 3000;
const boundLate = { IP_BIND_ADDRESS_NO_PORT: true } as const;
/** As net's own listeners make sockets of descriptors: nothing is read before there is a connection. */
const unstarted = { manualStart: true };

/** Open and close connections for a warm-up and a window, in which they are counted. */
export async function drive(ask: DriveAsk, mark: () => void): Promise<Driven> {
  const tally = new Tally();
  const connections = new Connections(ask, tally);
  using _pace = connections.begin();
  await tally.run(ask, mark);
  await connections.drained();
  return tally.told;
}

/** The client's connections. */
class Connections {
  readonly #ask: DriveAsk;
  readonly #tally: Tally;
  readonly #all = new Set<Running>();
  /** Those that have closed, and can be connected again. */
  readonly #idle: Running[] = [];
  readonly #where: readonly TcpSocketConnectOpts[];
  readonly #make: () => Socket;
  readonly #requests: number;
  /** It is over for the client when it has closed, and the next can begin. */
  readonly #isAtOnce: boolean;
  readonly #halfCloses: boolean;
  readonly #request: Buffer;
  readonly #on: Listeners;
  readonly #empty = Promise.withResolvers<void>();
  #beginsDue: (() => void) | undefined;
  #open = 0;
  #next = 0;

  constructor(ask: DriveAsk, tally: Tally) {
    const { closer, by, targets, source, from } = ask;
    this.#ask = ask;
    this.#tally = tally;
    this.#requests = closer === 'neither' ? Infinity : ask.requests;
    this.#isAtOnce = closer === 'client' && isAtOnce(by);
    this.#halfCloses = closer === 'client' && by === 'half-close';
    this.#where = targets.map(({ address, port }) => ({
      host: address,
      port,
      autoSelectFamily: false,
      ...(source === 'bound' && { localAddress: from }),
    }));
    this.#request = Buffer.alloc(ask.requestBytes, 'q');
    this.#on = this.#listeners();
    const read = this.#reader();
    const reading = { onread: { buffer: answers, callback: read as (this: unknown, bytes: number) => boolean } };
    this.#make =
      source === 'bound-late'
        ? () => new Socket({ ...reading, ...unstarted, fd: bindSocket({ address: from, port: 0 }, boundLate) })
        : () => new Socket(reading);
  }

  /** As many as may be at once, or those that are due from now on, until disposed of. */
  begin(): Disposable {
    const { inFlight, perSecond } = this.#ask;
    if (perSecond !== undefined) return this.#beginDue(perSecond);
    for (let i = 0; i < inFlight; i++) this.#begin(performance.now());
    return { [Symbol.dispose]: () => undefined };
  }

  /**
   * What is due begins as soon as fewer than may be are at once: when one is over, or by the clock. Its latency counts from when it
   * was due, however long it has waited.
   */
  #beginDue(perSecond: number): Disposable {
    const started = performance.now();
    let due = 0;
    this.#beginsDue = () => {
      const now = performance.now();
      for (; this.#open < this.#ask.inFlight && !this.#tally.isOver; due++) {
        const at = started + (due * 1000) / perSecond;
        if (at > now) return;
        this.#tally.begun(now - at);
        this.#begin(at);
      }
    };
    const timer = setInterval(this.#beginsDue, dueEveryMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  /** Resolves when none is open any more; those that stay open are destroyed. */
  async drained(): Promise<void> {
    const late = setTimeout(this.#empty.resolve, tailMs);
    if (this.#open === 0) this.#empty.resolve();
    await this.#empty.promise;
    clearTimeout(late);
    for (const socket of this.#all) socket.destroy();
  }

  #begin(since: number): void {
    const socket = this.#idle.pop() ?? this.#made();
    socket.since = since;
    socket.missing = this.#ask.responseBytes;
    socket.left = this.#requests;
    socket.over = false;
    this.#open++;
    socket.connect(this.#where[this.#next++ % this.#where.length] as TcpSocketConnectOpts);
  }

  #made(): Running {
    const socket = this.#make() as Running;
    socket.on('connect', this.#on.connect).on('error', this.#on.error).on('close', this.#on.close);
    this.#all.add(socket);
    return socket;
  }

  #reader(): (this: Running, bytes: number) => boolean {
    const { closer, by } = this.#ask;
    const close = closings[by];
    const again = (socket: Running) => this.#again(socket);
    const over = this.#isAtOnce ? (socket: Running) => this.#over(socket) : () => undefined;
    return function read(bytes) {
      this.missing -= bytes;
      if (this.missing > 0) return true;
      if (--this.left > 0) again(this);
      else if (closer === 'client') {
        close(this);
        over(this);
      }
      return true;
    };
  }

  #listeners() {
    const { closer, source } = this.#ask;
    const over = (socket: Running, failure?: string) => this.#over(socket, failure);
    const write = (socket: Running) => this.#write(socket);
    const closed = (socket: Running) => {
      // a descriptor that was given is bound no more
      if (source === 'bound-late') this.#all.delete(socket);
      else this.#idle.push(socket);
      const isCutOff = closer === 'neither' ? !this.#tally.isOver : socket.left > 0;
      over(socket, isCutOff ? 'CLOSED' : undefined);
    };
    // as methods of the sockets: a closure for each would be garbage
    return {
      connect(this: Socket): void {
        write(this as Running);
      },
      error(this: Socket, error: NodeJS.ErrnoException): void {
        const socket = this as Running;
        // a reset behind the last answer is how the server closed
        const isAnswered = socket.left === 0 && closer === 'server';
        over(socket, isAnswered ? undefined : (error.code ?? error.message));
      },
      close(this: Socket): void {
        closed(this as Running);
      },
    };
  }

  #write(socket: Running): void {
    if (this.#halfCloses && socket.left === 1) socket.end(this.#request);
    else socket.write(this.#request);
  }

  /** The next request on the same connection. */
  #again(socket: Running): void {
    const now = performance.now();
    this.#tally.finished(now - socket.since);
    // one that is to be closed is closed as all are, with its last request
    if (this.#tally.isOver && this.#ask.closer === 'neither') {
      socket.destroy();
      return;
    }
    socket.since = now;
    socket.missing = this.#ask.responseBytes;
    this.#write(socket);
  }

  #over(socket: Running, failure?: string): void {
    if (socket.over) return;
    socket.over = true;
    this.#open--;
    if (failure !== undefined) this.#tally.failed(failure);
    else if (this.#ask.closer !== 'neither') this.#tally.closed(performance.now() - socket.since);
    if (this.#tally.isOver) {
      if (this.#open === 0) this.#empty.resolve();
    } else if (this.#beginsDue === undefined) this.#follow(failure);
    else if (failure === undefined) this.#beginsDue();
  }

  #follow(failure: string | undefined): void {
    if (failure === undefined) this.#begin(performance.now());
    else setTimeout(() => this.#tally.isOver || this.#begin(performance.now()), againMs);
  }
}

type Listeners = Readonly<{
  connect(this: Socket): void;
  error(this: Socket, error: NodeJS.ErrnoException): void;
  close(this: Socket): void;
}>;
