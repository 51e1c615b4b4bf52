import type { Driven } from '../experiment/load.ts';
import { socketConstants as c } from '../native/constants.ts';
import { type Epoll, epollEvents, makeEpoll } from '../native/epoll.ts';
import {
  acceptAvailable,
  close,
  readAvailable,
  refusedConnect,
  refusedWrite,
  SystemCallError,
  socket,
} from '../native/libc.ts';
import { whenReadable } from '../native/poll.ts';
import { bindSocket, encodeAddress, lingerSetter, listenOn } from '../native/sockets.ts';
import { tailMs } from './client.ts';
import { lingers } from './closing.ts';
import type { DriveAsk, ServeAsk } from './protocol.ts';
import { backlog, type Serving } from './server.ts';
import { Tally } from './tally.ts';

/*
 * The same load without net: what a connection costs when JavaScript makes the system calls itself. epoll(7) finds the descriptors
 * that are ready; libuv watches only the epoll set, once for all of them.
 */

const flags = c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
const bytes = Buffer.alloc(65_536);
const { EPOLLIN, EPOLLOUT } = epollEvents;

interface Running {
  readonly since: number;
  /** Bytes of the response that have not come. */
  missing: number;
  isConnected: boolean;
}

/** Open and close connections for a warm-up and a window, in which they are counted. */
export async function driveByLibc(ask: DriveAsk, mark: () => void): Promise<Driven> {
  const { by, inFlight, targets, requestBytes, responseBytes } = ask;
  const tally = new Tally();
  const request = Buffer.alloc(requestBytes, 'q');
  const seconds = lingers[by];
  const linger = seconds === undefined ? undefined : lingerSetter(seconds);
  const where = targets.map(encodeAddress);
  const running = new Map<number, Running>();
  const empty = Promise.withResolvers<void>();
  using epoll = makeEpoll();
  let next = 0;

  function begin(): void {
    const fd = socket(c.AF_INET, c.SOCK_STREAM | flags, 0);
    const since = performance.now();
    const refused = refusedConnect(fd, where[next++ % where.length] as Buffer);
    if (refused !== undefined) {
      close(fd);
      tally.failed(refused);
      return;
    }
    running.set(fd, { since, missing: responseBytes, isConnected: false });
    epoll.add(fd, EPOLLOUT);
  }

  function end(fd: number, { since }: Running, failure?: string): void {
    running.delete(fd);
    if (failure === undefined) linger?.(fd);
    close(fd);
    if (failure === undefined) tally.closed(performance.now() - since);
    else tally.failed(failure);
    if (tally.isOver && running.size === 0) empty.resolve();
  }

  function ready(fd: number): void {
    const connection = running.get(fd);
    if (!connection) return;
    if (!connection.isConnected) {
      connection.isConnected = true;
      const refused = refusedWrite(fd, request);
      if (refused !== undefined) end(fd, connection, refused);
      else epoll.change(fd, EPOLLIN);
      return;
    }
    const failure = received(fd, connection);
    if (failure !== undefined) end(fd, connection, failure);
    else if (connection.missing <= 0) end(fd, connection);
  }

  /** Reads what is there; the errno where that fails. */
  function received(fd: number, connection: Running): string | undefined {
    const read = errnoOf(() => readAvailable(fd, bytes));
    if (typeof read === 'string') return read;
    if (read === 0) return 'CLOSED';
    connection.missing -= Math.max(0, read);
    return undefined;
  }

  const fill = (): void => {
    while (running.size < inFlight && !tally.isOver) {
      const had = running.size;
      begin();
      // what failed is tried again by the next turn, not for ever in this one
      if (running.size === had) return;
    }
  };
  using _watch = whenReadable(epoll.fd, () => {
    epoll.ready(ready);
    fill();
  });
  fill();
  const again = setInterval(fill, 10);
  await tally.run(ask, mark);
  clearInterval(again);
  const late = setTimeout(empty.resolve, tailMs);
  if (running.size > 0) await empty.promise;
  clearTimeout(late);
  for (const fd of running.keys()) close(fd);
  return tally.told;
}

/** The errno's name where the kernel refused a call. */
function errnoOf<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemCallError) return error.errno;
    throw error;
  }
}

/** Answer every request of so many bytes, and close when the client has. */
export async function serveByLibc({ port, reusePort, requestBytes, responseBytes }: ServeAsk): Promise<Serving> {
  const response = Buffer.alloc(responseBytes, 'r');
  const open = new Map<number, { missing: number }>();
  const empty = Promise.withResolvers<void>();
  let isClosing = false;
  const epoll = makeEpoll();
  const listener = bindSocket({ address: '0.0.0.0', port }, { SO_REUSEADDR: true, SO_REUSEPORT: reusePort });
  listenOn(listener, backlog);
  epoll.add(listener, EPOLLIN);
  const watch = whenReadable(epoll.fd, () => epoll.ready(ready));

  function ready(fd: number): void {
    if (fd === listener) accepted(epoll);
    else answered(fd);
  }

  function accepted(among: Epoll): void {
    for (let fd = acceptAvailable(listener, flags); fd >= 0; fd = acceptAvailable(listener, flags)) {
      open.set(fd, { missing: requestBytes });
      among.add(fd, EPOLLIN);
    }
  }

  function answered(fd: number): void {
    const asking = open.get(fd);
    if (!asking) return;
    const read = errnoOf(() => readAvailable(fd, bytes));
    // its FIN, or a reset, which is one of the ways to close
    if (read === 0 || typeof read === 'string') {
      open.delete(fd);
      close(fd);
      if (isClosing && open.size === 0) empty.resolve();
      return;
    }
    asking.missing -= Math.max(0, read);
    if (asking.missing <= 0) refusedWrite(fd, response);
  }

  return {
    async close() {
      // what the kernel has accepted and the listener has not
      accepted(epoll);
      isClosing = true;
      if (open.size > 0) await empty.promise;
      watch[Symbol.dispose]();
      epoll[Symbol.dispose]();
      close(listener);
    },
  };
}
