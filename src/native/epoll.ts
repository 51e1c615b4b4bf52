import { arch } from 'node:os';
import { close, epollCreate, epollCtl, epollWait } from './libc.ts';

/** include/uapi/linux/eventpoll.h. */
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;
export const epollEvents = { EPOLLIN: 1, EPOLLOUT: 4 } as const;

/** struct epoll_event is packed on x86-64, and not elsewhere. */
const isPacked = arch() === 'x64';
const size = isPacked ? 12 : 16;
const dataAt = isPacked ? 4 : 8;

/** Descriptors that are ready, in one set: epoll(7). */
export interface Epoll extends Disposable {
  /** Readable where one of its descriptors is ready. */
  readonly fd: number;
  /** Level-triggered. Closing a descriptor takes it out. */
  add(fd: number, events: number): void;
  change(fd: number, events: number): void;
  /** Calls back with each descriptor that is ready now, up to a limit. Does not wait. */
  ready(each: (fd: number) => void): void;
}

/** How many descriptors one call asks for. */
const most = 64;

/** Makes a set; the calls throw SystemCallError. Nothing is allocated for an event. */
export function makeEpoll(): Epoll {
  const set = epollCreate(EPOLL_CLOEXEC);
  const one = Buffer.alloc(size);
  const some = Buffer.alloc(size * most);
  const control = (operation: number, fd: number, events: number): void => {
    one.writeUInt32LE(events, 0);
    one.writeInt32LE(fd, dataAt);
    epollCtl(set, operation, fd, one);
  };
  return {
    fd: set,
    add: (fd, events) => control(EPOLL_CTL_ADD, fd, events),
    change: (fd, events) => control(EPOLL_CTL_MOD, fd, events),
    ready(each) {
      const count = epollWait(set, some, most, 0);
      for (let nth = 0; nth < count; nth++) each(some.readInt32LE(nth * size + dataAt));
    },
    [Symbol.dispose]: () => void close(set),
  };
}
