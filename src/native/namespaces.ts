import { closeSync, fstatSync, openSync } from 'node:fs';
import { CLONE_NEWNET, socketConstants as c, IFF_UP, SIOCGIFFLAGS, SIOCSIFFLAGS } from './constants.ts';
import { close, ioctl, setns, socket, unshare } from './libc.ts';

/** Opened before anything changes the thread's namespace: where every excursion returns to. */
const home = openSync('/proc/thread-self/ns/net', 'r');

/** Make an anonymous network namespace and return a descriptor that keeps it; throws SystemCallError. */
export function makeNetworkNamespace(): number {
  unshare(CLONE_NEWNET);
  try {
    return openSync('/proc/thread-self/ns/net', 'r');
  } finally {
    setns(home, CLONE_NEWNET);
  }
}

/**
 * Run synchronous work with this thread inside a namespace. Children started in between inherit it; files under
 * `/proc/thread-self/net` and `/proc/sys/net` are the namespace's. Nothing asynchronous may be awaited inside.
 */
export function insideNamespace<T>(fd: number, work: () => T): T {
  setns(fd, CLONE_NEWNET);
  try {
    return work();
  } finally {
    setns(home, CLONE_NEWNET);
  }
}

/** Go into the namespace at a path until {@link returnHome}: sockets that this thread makes are its. Throws SystemCallError. */
export function enterNamespace(path: string): void {
  const fd = openSync(path, 'r');
  try {
    setns(fd, CLONE_NEWNET);
  } finally {
    closeSync(fd);
  }
}

/** Back to where this process was started. */
export const returnHome = (): void => void setns(home, CLONE_NEWNET);

/** Inode of the namespace behind a descriptor, as /proc/<pid>/ns/net shows it: `net:[4026532008]`. */
export const namespaceInode = (fd: number): number => fstatSync(fd).ino;

export const releaseNamespace = (fd: number): void => closeSync(fd);

/** Set a network interface of the thread's present namespace up, netdevice(7); throws SystemCallError. */
export function interfaceUp(name: string): void {
  const control = socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
  try {
    const request = Buffer.alloc(40);
    request.write(name, 0, 15, 'latin1');
    ioctl(control, SIOCGIFFLAGS, request);
    request.writeInt16LE(request.readInt16LE(16) | IFF_UP, 16);
    ioctl(control, SIOCSIFFLAGS, request);
  } finally {
    close(control);
  }
}
