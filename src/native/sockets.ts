import type { Address } from '../tcp/address.ts';
import type { Queues, TcpInfo } from '../tcp/info.ts';
import type { Settable, SocketOption, SocketOptions, StructLinger } from '../tcp/socket-options.ts';
import { stateNumbered } from '../tcp/states.ts';
import { socketConstants as c, pollConstants, SIOCINQ, SIOCOUTQ } from './constants.ts';
import {
  accept,
  bind,
  close,
  connect,
  errnoName,
  getpeername,
  getsockname,
  getsockopt,
  inetNtop,
  inetPton,
  ioctl,
  listen,
  poll,
  setsockopt,
  shutdown,
  socket,
} from './libc.ts';

/** Level and name of each option for setsockopt(2). */
const optionOf: Record<SocketOption, readonly [level: number, name: number]> = {
  SO_LINGER: [c.SOL_SOCKET, c.SO_LINGER],
  TCP_LINGER2: [c.IPPROTO_TCP, c.TCP_LINGER2],
  TCP_USER_TIMEOUT: [c.IPPROTO_TCP, c.TCP_USER_TIMEOUT],
  SO_KEEPALIVE: [c.SOL_SOCKET, c.SO_KEEPALIVE],
  TCP_KEEPIDLE: [c.IPPROTO_TCP, c.TCP_KEEPIDLE],
  TCP_KEEPINTVL: [c.IPPROTO_TCP, c.TCP_KEEPINTVL],
  TCP_KEEPCNT: [c.IPPROTO_TCP, c.TCP_KEEPCNT],
  SO_REUSEADDR: [c.SOL_SOCKET, c.SO_REUSEADDR],
  SO_REUSEPORT: [c.SOL_SOCKET, c.SO_REUSEPORT],
  IP_BIND_ADDRESS_NO_PORT: [c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT],
  IPV6_V6ONLY: [c.IPPROTO_IPV6, c.IPV6_V6ONLY],
};

/** Options whose value is how many, or how long; the others are on or off, SO_LINGER apart. */
const amounts: ReadonlySet<SocketOption> = new Set([
  'TCP_LINGER2',
  'TCP_USER_TIMEOUT',
  'TCP_KEEPIDLE',
  'TCP_KEEPINTVL',
  'TCP_KEEPCNT',
]);

const ints = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);

function encodeOption(option: SocketOption, value: Settable<SocketOption>): Buffer {
  if (typeof value === 'object') return ints(value.l_onoff, value.l_linger);
  if (option !== 'SO_LINGER') return ints(Number(value));
  return value === 'off' ? ints(0, 0) : ints(1, Number(value));
}

/** setsockopt(2) on a descriptor, with another `optlen` than the value's own size where one is given; throws SystemCallError. */
export function setOption<O extends SocketOption>(fd: number, option: O, value: Settable<O>, length?: number): void {
  const [level, name] = optionOf[option];
  const encoded = encodeOption(option, value);
  // the kernel reads as much as it is told
  const given = Buffer.concat([encoded], Math.max(encoded.length, length ?? 0));
  setsockopt(fd, level, name, given, length ?? encoded.length);
}

/** SO_LINGER of so many seconds, again and again: nothing is allocated for a call. The setter throws SystemCallError. */
export function lingerSetter(seconds: number): (fd: number) => void {
  const [level, name] = optionOf.SO_LINGER;
  const encoded = encodeOption('SO_LINGER', seconds);
  return (fd) => void setsockopt(fd, level, name, encoded, encoded.length);
}

function readOption(fd: number, level: number, name: number, size: number): Buffer {
  const value = Buffer.alloc(size);
  const length = ints(size);
  getsockopt(fd, level, name, value, length);
  return value.subarray(0, length.readInt32LE());
}

/** getsockopt(2) on a descriptor; throws SystemCallError. */
export function getOption<O extends SocketOption>(fd: number, option: O): SocketOptions[O] {
  const [level, name] = optionOf[option];
  const value = readOption(fd, level, name, option === 'SO_LINGER' ? 8 : 4);
  if (option === 'SO_LINGER') {
    return (value.readInt32LE() === 0 ? 'off' : value.readInt32LE(4)) as SocketOptions[O];
  }
  const number = value.readInt32LE();
  return (amounts.has(option) ? number : number !== 0) as SocketOptions[O];
}

/** SO_LINGER, struct linger of socket(7); throws SystemCallError. */
export function structLinger(fd: number): StructLinger {
  const value = readOption(fd, c.SOL_SOCKET, c.SO_LINGER, 8);
  return { l_onoff: value.readInt32LE(), l_linger: value.readInt32LE(4) };
}

/** SO_ERROR: the pending error's name, or `none`; reading clears it, socket(7). */
export function pendingError(fd: number): string {
  const errno = readOption(fd, c.SOL_SOCKET, c.SO_ERROR, 4).readInt32LE();
  return errno === 0 ? 'none' : errnoName(errno);
}

/** tcpi_notsent_bytes ends here: Linux 4.6. */
const infoSize = 148;

/** TCP_INFO, struct tcp_info of include/uapi/linux/tcp.h; throws SystemCallError. */
export function tcpInfo(fd: number): TcpInfo {
  const info = readOption(fd, c.IPPROTO_TCP, c.TCP_INFO, infoSize);
  return {
    state: stateNumbered(info.readUInt8(0)) ?? 'CLOSED',
    retransmits: info.readUInt8(2),
    rtoUs: info.readUInt32LE(8),
    unacked: info.readUInt32LE(24),
    rttUs: info.readUInt32LE(68),
    notSentBytes: info.readUInt32LE(144),
  };
}

/** tcpi_bytes_retrans ends here: Linux 4.19. */
const queuesSize = 216;

/** Both queues of a connected socket: TCP_INFO, struct tcp_info of include/uapi/linux/tcp.h, and SIOCINQ; throws SystemCallError. */
export function queues(fd: number): Queues {
  const info = readOption(fd, c.IPPROTO_TCP, c.TCP_INFO, queuesSize);
  return {
    state: stateNumbered(info.readUInt8(0)) ?? 'CLOSED',
    sent: Number(info.readBigUInt64LE(200) - info.readBigUInt64LE(208)),
    unsent: info.readUInt32LE(144),
    acked: Number(info.readBigUInt64LE(120)),
    received: Number(info.readBigUInt64LE(128)),
    unread: receiveQueue(fd),
  };
}

const directions = { RD: c.SHUT_RD, WR: c.SHUT_WR, RDWR: c.SHUT_RDWR } as const;
/** shutdown(2); throws SystemCallError. */
export const shutdownSocket = (fd: number, how: keyof typeof directions): void => {
  shutdown(fd, directions[how]);
};

/** Bytes in the kernel's receive queue that nobody has read: SIOCINQ, tcp(7); throws SystemCallError. */
export function receiveQueue(fd: number): number {
  const bytes = Buffer.alloc(4);
  ioctl(fd, SIOCINQ, bytes);
  return bytes.readInt32LE();
}

/**
 * Bytes in the kernel's send queue that the other end's kernel has not acknowledged, sent or not: SIOCOUTQ, tcp(7);
 * write_seq - snd_una in tcp_ioctl() of net/ipv4/tcp.c. Throws SystemCallError.
 */
export function sendQueue(fd: number): number {
  const bytes = Buffer.alloc(4);
  ioctl(fd, SIOCOUTQ, bytes);
  return bytes.readInt32LE();
}

type BindingOption = 'SO_REUSEADDR' | 'SO_REUSEPORT' | 'IP_BIND_ADDRESS_NO_PORT' | 'IPV6_V6ONLY';

/** Where struct sockaddr_in and sockaddr_in6 keep the address, and their lengths: ip(7), ipv6(7). */
const layoutOf = (family: number) =>
  family === c.AF_INET6 ? { from: 8, to: 24, length: 28 } : { from: 4, to: 8, length: 16 };
const familyOf = (address: string): number => (address.includes(':') ? c.AF_INET6 : c.AF_INET);

/** An address as bind(2) takes it; throws TypeError where the text is no address. */
export function encodeAddress({ address, port }: Address): Buffer {
  const family = familyOf(address);
  const { from, to, length } = layoutOf(family);
  const binary = Buffer.alloc(to - from);
  if (inetPton(family, address, binary) !== 1) throw new TypeError(`not an address: ${address}`);
  const encoded = Buffer.alloc(length);
  encoded.writeUInt16LE(family, 0);
  encoded.writeUInt16BE(port, 2);
  binary.copy(encoded, from);
  return encoded;
}

/** An address as getsockname(2) gives it. */
export function decodeAddress(encoded: Buffer): Address {
  const family = encoded.readUInt16LE(0);
  const { from, to } = layoutOf(family);
  return { address: inetNtop(family, encoded.subarray(from, to)), port: encoded.readUInt16BE(2) };
}

/** The address that a descriptor is bound to; throws SystemCallError. */
export function boundAddress(fd: number): Address {
  const encoded = Buffer.alloc(28);
  getsockname(fd, encoded, ints(encoded.length));
  return decodeAddress(encoded);
}

/** getpeername(2): the address that a descriptor is connected to; throws SystemCallError. */
export function peerName(fd: number): Address {
  const encoded = Buffer.alloc(28);
  getpeername(fd, encoded, ints(encoded.length));
  return decodeAddress(encoded);
}

/** The address that a descriptor is connected to; undefined where it is not connected. */
export function peerAddress(fd: number): Address | undefined {
  try {
    return peerName(fd);
  } catch {
    return undefined;
  }
}

/**
 * A TCP socket bound to an address, with options that count at bind(2) set before it: libuv would set SO_REUSEADDR.
 * Throws SystemCallError, and leaves no descriptor then.
 */
export function bindSocket(at: Address, options: Partial<Pick<SocketOptions, BindingOption>>): number {
  const fd = socket(familyOf(at.address), c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
  try {
    for (const [option, value] of Object.entries(options)) setOption(fd, option as BindingOption, value);
    const encoded = encodeAddress(at);
    bind(fd, encoded, encoded.length);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Connections that a listening socket has and nobody has accepted: tcp_get_info() in net/ipv4/tcp.c gives sk_ack_backlog. */
export const acceptQueue = (fd: number): number => tcpInfo(fd).unacked;

/** listen(2); throws SystemCallError. */
export const listenOn = (fd: number, backlog: number): void => {
  listen(fd, backlog);
};

const descriptorFlags = c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;

/** A TCP socket of an IP version, neither bound nor connected; throws SystemCallError. */
export const makeSocket = (family: 4 | 6): number =>
  socket(family === 6 ? c.AF_INET6 : c.AF_INET, c.SOCK_STREAM | descriptorFlags, 0);

/** bind(2); throws SystemCallError. */
export function bindTo(fd: number, at: Address): void {
  const encoded = encodeAddress(at);
  bind(fd, encoded, encoded.length);
}

/** connect(2); throws SystemCallError, with EINPROGRESS where the SYN was sent. */
export function connectTo(fd: number, to: Address): void {
  const encoded = encodeAddress(to);
  connect(fd, encoded, encoded.length);
}

/** connect(2) to AF_UNSPEC: tcp_disconnect() in net/ipv4/tcp.c; throws SystemCallError. */
export function disconnectSocket(fd: number): void {
  const encoded = Buffer.alloc(16);
  encoded.writeUInt16LE(c.AF_UNSPEC, 0);
  connect(fd, encoded, encoded.length);
}

/**
 * accept(2): the descriptor, and the address that the connection came from, also where it was reset since; throws
 * SystemCallError, with EAGAIN where none waits.
 */
export function acceptFrom(fd: number): { readonly fd: number; readonly from: Address } {
  const encoded = Buffer.alloc(28);
  const accepted = accept(fd, encoded, ints(encoded.length), descriptorFlags);
  return { fd: accepted, from: decodeAddress(encoded) };
}

export type PollName = keyof typeof pollConstants;
const pollNames = Object.keys(pollConstants) as readonly PollName[];

/** poll(2) without waiting: the events that a descriptor has of those asked for, and those that come unasked. */
export function pollNow(fd: number, wanted: readonly PollName[]): PollName[] {
  const asked = Buffer.alloc(8);
  asked.writeInt32LE(fd, 0);
  asked.writeInt16LE(
    wanted.reduce((mask, name) => mask | pollConstants[name], 0),
    4,
  );
  poll(asked, 1, 0);
  const got = asked.readInt16LE(6);
  return pollNames.filter((name) => (got & pollConstants[name]) !== 0);
}
