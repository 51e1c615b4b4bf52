import { setTimeout as sleep } from 'node:timers/promises';
import { close, dup, dup2, read, SystemCallError, write } from '../native/libc.ts';
import { type Readiness, whenReady } from '../native/poll.ts';
import {
  acceptFrom,
  bindTo,
  boundAddress,
  connectTo,
  disconnectSocket,
  listenOn,
  makeSocket,
  peerName,
  pollNow,
  shutdownSocket,
} from '../native/sockets.ts';
import type { Address } from '../tcp/address.ts';
import { plainAddress } from '../tcp/address-text.ts';
import type { Handlers, Self } from './handler.ts';
import { stopReading } from './net-handle.ts';
import type { Raw, Sockets } from './sockets.ts';

const isErrno = (error: unknown, ...names: readonly string[]): boolean =>
  error instanceof SystemCallError && names.includes(error.errno);

const localOf = (fd: number): Address => plainAddress(boundAddress(fd));

/**
 * What a call returns on a blocking socket: where the kernel has nothing for it (EAGAIN, or `undefined`) it is made again when
 * the descriptor is ready. It is made on a duplicate then, as a call that blocks holds its socket though another closes the descriptor.
 */
async function blocking<T>(fd: number, until: Readiness, call: (fd: number) => T | undefined): Promise<T> {
  const now = (at: number): T | undefined => {
    try {
      return call(at);
    } catch (error) {
      if (isErrno(error, 'EAGAIN')) return undefined;
      throw error;
    }
  };
  const first = now(fd);
  if (first !== undefined) return first;
  const own = dup(fd);
  try {
    for (;;) {
      await whenReady(own, until);
      const got = now(own);
      if (got !== undefined) return got;
    }
  } finally {
    close(own);
  }
}

/** write(2) of a blocking socket: all bytes; those that were taken where an error, or a hang-up, comes between. */
function writesAll(data: Buffer): (fd: number) => number | undefined {
  let wrote = 0;
  return (fd) => {
    // a call that had taken something leaves the error to the next one: tcp_sendmsg_locked() in net/ipv4/tcp.c
    if (wrote > 0 && pollNow(fd, []).length > 0) return wrote;
    do {
      try {
        wrote += write(fd, data.subarray(wrote), data.length - wrote);
      } catch (error) {
        if (isErrno(error, 'EAGAIN')) return undefined;
        if (wrote > 0) return wrote;
        throw error;
      }
    } while (wrote < data.length);
    return wrote;
  };
}

const bytesOf = (asked: number, fill: string | undefined, data: string | undefined): Buffer =>
  data === undefined ? Buffer.alloc(asked, fill ?? 'linger') : Buffer.from(data, 'base64');

/** Count what read(2) took from the kernel. */
function count(raw: Raw, bytes: number): void {
  if (raw.net && raw.net.id === raw.endpoint) raw.net.readRaw += bytes;
  else raw.read += bytes;
}

type RawVerbs =
  | 'raw'
  | 'socket(2)'
  | 'bind(2)'
  | 'listen(2)'
  | 'connect(2)'
  | 'accept(2)'
  | 'read(2)'
  | 'write(2)'
  | 'poll(2)'
  | 'shutdown(2)'
  | 'disconnect'
  | 'dup(2)'
  | 'dup2(2)'
  | 'getpeername(2)'
  | 'getsockname(2)'
  | 'close(2)';

/**
 * Calls on sockets that net does not know, each made as it is asked for, in whatever state the socket is. Descriptors are
 * non-blocking, so that a call that waits does not hold the thread.
 */
export function rawHandlers(sockets: Sockets, { now }: Self): Pick<Handlers, RawVerbs> {
  return {
    raw({ socket }, timed) {
      if (sockets.has(socket)) {
        const held = sockets.get(socket);
        const fd = sockets.descriptor(socket, 'dup');
        stopReading(held.socket);
        return sockets.addRawOf(
          held,
          timed(() => dup(fd)),
        );
      }
      const fd = sockets.descriptor(socket, 'dup');
      const own = timed(() => dup(fd));
      // the one way to keep libuv from accepting
      sockets.listener(socket).close();
      return sockets.addRaw(own);
    },
    'socket(2)': ({ family }, timed) => sockets.addRaw(timed(() => makeSocket(family))),
    'bind(2)'({ socket, address, port }, timed) {
      const fd = sockets.descriptor(socket, 'bind');
      timed(() => bindTo(fd, { address, port }));
      return { at: boundAddress(fd) };
    },
    'listen(2)'({ socket, backlog }, timed) {
      const fd = sockets.descriptor(socket, 'listen');
      timed(() => listenOn(fd, backlog));
      sockets.finishEnd(sockets.raw(socket));
      return { at: boundAddress(fd) };
    },
    async 'connect(2)'({ socket, to, wait, ends = false }, timed, took) {
      const fd = sockets.descriptor(socket, 'connect');
      const raw = sockets.raw(socket);
      const calledNs = ends ? (raw.connecting ?? now()) : now();
      let inProgress = false;
      const decided = (): void => {
        delete raw.connecting;
      };
      try {
        if (ends) {
          // a second connect(2) of a socket that is connecting does what the first one of a blocking socket does when it
          // wakes: __inet_stream_connect() in net/ipv4/af_inet.c
          await blocking(fd, { writable: true }, (at) => {
            try {
              connectTo(at, to);
              return true;
            } catch (error) {
              if (isErrno(error, 'EALREADY')) return undefined;
              throw error;
            }
          }).finally(() => took?.(calledNs, now() - calledNs));
        } else timed(() => connectTo(fd, to));
        if (raw.connecting === undefined && !ends) sockets.beginEnd(raw);
        decided();
      } catch (error) {
        if (isErrno(error, 'EINPROGRESS')) {
          sockets.beginEnd(raw);
          raw.connecting = calledNs;
        } else if (!(wait && isErrno(error, 'EALREADY'))) {
          // the kernel has given up what this socket was connecting to
          if (raw.connecting !== undefined && !isErrno(error, 'EALREADY', 'EISCONN')) sockets.finishEnd(raw);
          throw error;
        }
        inProgress = true;
      }
      const sentNs = now();
      return { endpoint: raw.endpoint ?? 0, local: localOf(fd), calledNs, sentNs, inProgress };
    },
    async 'accept(2)'({ socket, wait }, _timed, took) {
      const fd = sockets.descriptor(socket, 'accept');
      const began = now();
      const ended = () => took?.(began, now() - began);
      const accepting = wait ? blocking(fd, { readable: true }, acceptFrom) : Promise.try(() => acceptFrom(fd));
      const accepted = await accepting.finally(ended);
      const added = sockets.addRaw(accepted.fd);
      const endpoint = sockets.beginEnd(sockets.raw(added.socket));
      return { ...added, endpoint, local: localOf(accepted.fd), remote: plainAddress(accepted.from) };
    },
    async 'read(2)'({ socket, asked, wait }, _timed, took) {
      const fd = sockets.descriptor(socket, 'read');
      const raw = sockets.raw(socket);
      const into = Buffer.allocUnsafe(asked);
      const call = (at: number) => read(at, into, asked);
      const began = now();
      const reading = wait ? blocking(fd, { readable: true }, call) : Promise.try(() => call(fd));
      const got = await reading.finally(() => took?.(began, now() - began));
      count(raw, got);
      return into.toString('latin1', 0, got);
    },
    async 'write(2)'({ socket, asked, fill, data, wait }, _timed, took) {
      const fd = sockets.descriptor(socket, 'write');
      const bytes = bytesOf(asked, fill, data);
      const began = now();
      const writing = wait
        ? blocking(fd, { writable: true }, writesAll(bytes))
        : Promise.try(() => write(fd, bytes, bytes.length));
      return await writing.finally(() => took?.(began, now() - began));
    },
    async 'poll(2)'({ socket, for: wanted, within }, _timed, took) {
      const fd = sockets.descriptor(socket, 'poll');
      const began = now();
      const until = began + within * 1e9;
      const has = (name: (typeof wanted)[number]) => wanted.includes(name);
      const watched = { readable: has('POLLIN'), writable: has('POLLOUT'), disconnect: has('POLLRDHUP') };
      // uv_poll has no event of urgent data alone, or of a hang-up alone
      const isWatched = watched.readable || watched.writable || watched.disconnect;
      const own = dup(fd);
      try {
        for (;;) {
          const events = pollNow(own, wanted);
          const leftMs = (until - now()) / 1e6;
          if (events.length > 0 || leftMs <= 0) return events;
          if (isWatched) await whenReady(own, watched, Math.ceil(leftMs));
          else await sleep(Math.min(1, leftMs));
        }
      } finally {
        close(own);
        took?.(began, now() - began);
      }
    },
    'shutdown(2)'({ socket, how }, timed) {
      const fd = sockets.descriptor(socket, 'shutdown');
      timed(() => shutdownSocket(fd, how));
      return undefined;
    },
    disconnect({ socket }, timed) {
      const fd = sockets.descriptor(socket, 'connect');
      const raw = sockets.raw(socket);
      const left = sockets.rawQueues(raw, fd, true);
      timed(() => disconnectSocket(fd));
      sockets.tell(left);
      sockets.finishEnd(raw);
      return undefined;
    },
    'dup(2)'({ socket }, timed) {
      const fd = sockets.descriptor(socket, 'dup');
      return sockets.addRaw(
        timed(() => dup(fd)),
        sockets.raw(socket),
      );
    },
    'dup2(2)'({ socket, onto }, timed) {
      const fd = sockets.descriptor(socket, 'dup2');
      const other = sockets.descriptor(onto, 'dup2');
      const replaced = sockets.raw(onto);
      const raw = sockets.raw(socket);
      const left = replaced === raw ? undefined : sockets.rawQueues(replaced, other);
      timed(() => dup2(fd, other));
      sockets.tell(left);
      sockets.moveRaw(onto, other, raw);
      return undefined;
    },
    'getpeername(2)'({ socket }, timed) {
      const fd = sockets.descriptor(socket, 'getpeername');
      return timed(() => peerName(fd));
    },
    'getsockname(2)'({ socket }, timed) {
      const fd = sockets.descriptor(socket, 'getsockname');
      return timed(() => boundAddress(fd));
    },
    'close(2)'({ socket }, timed) {
      const fd = sockets.descriptor(socket, 'close');
      const left = sockets.rawQueues(sockets.raw(socket), fd);
      sockets.takeRaw(socket, 'close');
      sockets.tell(left);
      timed(() => close(fd));
      return undefined;
    },
  };
}
