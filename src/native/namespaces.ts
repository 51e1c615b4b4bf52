import { closeSync, fstatSync, openSync } from 'node:fs';
import {
  CLONE_NEWNET,
  socketConstants as c,
  IFF_UP,
  SIOCGIFFLAGS,
  SIOCGIFINDEX,
  SIOCSIFADDR,
  SIOCSIFFLAGS,
} from './constants.ts';
import { close, inetPton, ioctl, setns, socket, unshare } from './libc.ts';

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

/** A socket for ioctl(2) only. */
function control<T>(family: number, work: (fd: number) => T): T {
  const fd = socket(family, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
  try {
    return work(fd);
  } finally {
    close(fd);
  }
}

/** struct ifreq of netdevice(7): the name, and room for what is asked. */
function requestOf(name: string): Buffer {
  const request = Buffer.alloc(40);
  request.write(name, 0, 15, 'latin1');
  return request;
}

/** Set a network interface of the thread's present namespace up, netdevice(7); throws SystemCallError. */
export function interfaceUp(name: string): void {
  control(c.AF_INET, (fd) => {
    const request = requestOf(name);
    ioctl(fd, SIOCGIFFLAGS, request);
    request.writeInt16LE(request.readInt16LE(16) | IFF_UP, 16);
    ioctl(fd, SIOCSIFFLAGS, request);
  });
}

/**
 * Set the first IPv4 address of an interface of the thread's present namespace, with the network mask of its class (127/8),
 * netdevice(7); throws SystemCallError.
 */
export function setAddress4(name: string, address: string): void {
  control(c.AF_INET, (fd) => {
    const request = requestOf(name);
    request.writeUInt16LE(c.AF_INET, 16);
    inetPton(c.AF_INET, address, request.subarray(20, 24));
    ioctl(fd, SIOCSIFADDR, request);
  });
}

/** Add an IPv6 address to an interface of the thread's present namespace: struct in6_ifreq, include/uapi/linux/ipv6.h; throws SystemCallError. */
export function addAddress6(name: string, address: string, prefixLength: number): void {
  control(c.AF_INET6, (fd) => {
    const device = requestOf(name);
    ioctl(fd, SIOCGIFINDEX, device);
    const request = Buffer.alloc(24);
    inetPton(c.AF_INET6, address, request.subarray(0, 16));
    request.writeUInt32LE(prefixLength, 16);
    request.writeInt32LE(device.readInt32LE(16), 20);
    ioctl(fd, SIOCSIFADDR, request);
  });
}
