import { connect, createServer } from 'node:net';
import { availableParallelism, constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloseBy } from '../experiment/stage.ts';
import { close, dup, write } from '../native/libc.ts';
import { dieWithParent, pinToCpu, sleepUntil } from '../native/process.ts';
import { getOption, pendingError, receiveQueue, setOption, shutdownSocket, tcpInfo } from '../native/sockets.ts';
import { boundHandlers, listenFresh } from './bound.ts';
import { handoverHandlers } from './handover.ts';
import type { Verb, Verbs } from './protocol.ts';
import { type Clock, descriptorOf, type Held, type Sockets, startReading, stopReading, when } from './sockets.ts';

/** Runs a call and keeps how long it held the thread, whether it succeeds or throws. */
export type Timed = <T>(call: () => T) => T;
type Handler<V extends Verb> = (ask: Verbs[V]['ask'], timed: Timed) => Verbs[V]['value'] | Promise<Verbs[V]['value']>;
/** What a peer knows of itself. */
export interface Self {
  readonly now: Clock;
  readonly origin: bigint;
  /** Counts the cell's peers. */
  readonly index: number;
  /** The harness's pid. */
  readonly parent: number;
}
export type Handlers = { readonly [V in Verb]: Handler<V> };

const once = (emitter: { once(event: string, listener: (...args: never[]) => void): unknown }, event: string) =>
  new Promise<void>((resolve) => emitter.once(event, () => resolve()));

/**
 * close(2) on the descriptor of a socket that net was using. A duplicate is taken first and net lets go of its own:
 * closing net's descriptor under it would close whatever gets the number next. Only the last close acts on the socket.
 */
async function closeDescriptor(
  held: Held,
  openFd: number,
  before: (fd: number) => Promise<void>,
  timed: Timed,
): Promise<void> {
  const fd = dup(openFd);
  const gone = once(held.socket, 'close');
  held.socket.destroy();
  await gone;
  await before(fd);
  timed(() => close(fd));
}

/**
 * A peer that waits for a common moment must not lose its CPU: neither to the harness or an observer, nor to the peer it
 * races, which the scheduler may have put on the same one.
 */
function insist(index: number): void {
  try {
    pinToCpu(index % availableParallelism());
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // not root, or not all CPUs are ours: more races are decided by who was interrupted
  }
}

/**
 * A call is slower the first time. Before a common moment the one that counts is made in vain until it is not: two processes
 * that are to act within microseconds must not differ by what each has run before.
 */
function warmUp(): void {
  for (let count = 0; count < 200; count++) {
    try {
      close(-1);
    } catch {
      // EBADF, as meant
    }
  }
}

/** Before this the harness needs the CPU to tell the other peer; from here on this one prepares. Timers are 1 ms late. */
const prepareNs = 3_000_000;
/**
 * A virtual CPU that slept wakes up to 250 µs late, so the rest is spun; no longer than needed, because reading the clock
 * makes garbage: a collection or compilation in a spin of 3 ms made one peer in two late by 0.3 to 2 ms.
 */
const spinNs = 500_000;

async function until({ now, origin, index }: Self, atNs: number | undefined): Promise<void> {
  if (atNs === undefined) return;
  await new Promise((resolve) => setTimeout(resolve, (atNs - prepareNs - now()) / 1e6));
  insist(index);
  warmUp();
  sleepUntil(origin + BigInt(atNs - spinNs));
  while (now() < atNs);
}

type ClosingCall = Exclude<CloseBy, 'close(2)'>;
const closings: Record<ClosingCall, (held: Held, data: Buffer | undefined) => void> = {
  end: ({ socket }, data) => void (data ? socket.end(data) : socket.end()),
  destroy: ({ socket }, data) => {
    if (data) socket.write(data);
    socket.destroy();
  },
  resetAndDestroy: ({ socket }, data) => {
    if (data) socket.write(data);
    socket.resetAndDestroy();
  },
};

/** Close, and tell what lay in the queues just before; the time that takes is not the closing call's. */
function closeTelling(sockets: Sockets, held: Held, by: ClosingCall, data: Buffer | undefined, timed: Timed): void {
  // end() closes nothing yet: net does, later
  if (by === 'end') {
    timed(() => closings.end(held, data));
    return;
  }
  if (data) held.socket.write(data);
  held.tells = false;
  sockets.tellQueues(held, descriptorOf(held.socket));
  timed(() => closings[by](held, undefined));
}

const payload = (bytes: number | undefined) => (bytes === undefined ? undefined : Buffer.alloc(bytes, 'linger'));

/** What a peer does for each verb. A refusal by the kernel is thrown as an error with `code` or `errno`, and `syscall`. */
export const handlers = (sockets: Sockets, self: Self): Handlers => ({
  ...boundHandlers(sockets),
  ...handoverHandlers(sockets),
  become({ uid }, timed) {
    timed(() => process.setuid?.(uid));
    // a change of user cancels it: commit_creds() in kernel/cred.c
    dieWithParent(self.parent);
    return undefined;
  },
  async listen({ address, port, reuse, backlog, allowHalfOpen }, timed) {
    if (reuse) return listenFresh(sockets, { at: { address, port }, reuse, backlog, allowHalfOpen }, timed);
    const server = createServer({ allowHalfOpen });
    const listening = new Promise<void>((resolve, reject) => {
      server.once('listening', resolve).once('error', reject);
    });
    server.listen({ host: address, port, ...(backlog !== undefined && { backlog }) });
    await listening;
    const at = server.address() as { address: string; port: number };
    return { listener: sockets.addListener(server), at: { address: at.address, port: at.port } };
  },
  async unlisten({ listener }) {
    sockets.listener(listener).close();
    return undefined;
  },
  async connect({ to, localPort, localAddress, allowHalfOpen }) {
    const socket = connect({
      host: to.address,
      port: to.port,
      allowHalfOpen,
      ...(localPort !== undefined && { localPort }),
      ...(localAddress !== undefined && { localAddress }),
    });
    const held = sockets.add(socket);
    await when(held, () => held.seen.has('connect'));
    return { endpoint: held.id, local: held.local, remote: held.remote };
  },
  async accepted({ from }) {
    const held = await sockets.from(from);
    return { endpoint: held.id, local: held.local, remote: held.remote };
  },
  set({ socket, option, value }, timed) {
    const fd = sockets.descriptor(socket, 'setsockopt');
    return timed(() => setOption(fd, option, value)) as undefined;
  },
  get({ socket, option }, timed) {
    const fd = sockets.descriptor(socket, 'getsockopt');
    return timed(() => getOption(fd, option));
  },
  error({ endpoint }, timed) {
    const fd = sockets.descriptor(endpoint, 'getsockopt');
    return timed(() => pendingError(fd));
  },
  info({ endpoint }, timed) {
    const fd = sockets.descriptor(endpoint, 'getsockopt');
    return timed(() => tcpInfo(fd));
  },
  async write({ endpoint, bytes }) {
    const { socket } = sockets.get(endpoint);
    await new Promise<void>((resolve, reject) => {
      socket.write(Buffer.alloc(bytes, 'linger'), (error) => (error ? reject(error) : resolve()));
    });
    return undefined;
  },
  async received({ endpoint, bytes }) {
    const held = sockets.get(endpoint);
    await when(held, () => held.read >= bytes);
    return undefined;
  },
  async saw({ endpoint, event }) {
    const held = sockets.get(endpoint);
    // 'close' comes after 'error' too, so a failure does not end this wait
    if (event === 'close') {
      if (!held.seen.has('close')) await once(held.socket, 'close');
    } else await when(held, () => held.seen.has(event));
    return undefined;
  },
  pause({ endpoint }) {
    sockets.get(endpoint).socket.pause();
    return undefined;
  },
  stopReading({ endpoint }) {
    stopReading(sockets.get(endpoint).socket);
    return undefined;
  },
  async unread({ endpoint, where, bytes }) {
    const held = sockets.get(endpoint);
    const lying = () =>
      where === 'node' ? held.socket.readableLength : receiveQueue(sockets.descriptor(endpoint, 'ioctl'));
    // nothing tells of data that nobody reads
    while (lying() < bytes) await sleep(1);
    return undefined;
  },
  resume({ endpoint }) {
    startReading(sockets.get(endpoint).socket);
    return undefined;
  },
  async close({ endpoint, by, sending, atNs }, timed) {
    const held = sockets.get(endpoint);
    const data = payload(sending);
    if (by === 'close(2)') {
      held.tells = false;
      const before = async (fd: number) => {
        await until(self, atNs);
        if (data) write(fd, data, data.length);
        if (atNs === undefined) sockets.tellQueues(held, fd);
      };
      await closeDescriptor(held, sockets.descriptor(endpoint, 'close'), before, timed);
    } else if (atNs === undefined) closeTelling(sockets, held, by, data, timed);
    else {
      // looking would change the race
      if (by !== 'end') held.tells = false;
      await until(self, atNs);
      timed(() => closings[by](held, data));
    }
    return undefined;
  },
  async shutdown({ endpoint, how, sending, atNs }, timed) {
    const held = sockets.get(endpoint);
    const fd = sockets.descriptor(endpoint, 'shutdown');
    const data = payload(sending);
    await until(self, atNs);
    if (data) held.socket.write(data);
    return timed(() => shutdownSocket(fd, how)) as undefined;
  },
  sync: () => undefined,
});
