import type { Address } from '../tcp/address.ts';
import type { Queues, TcpInfo } from '../tcp/info.ts';
import type {
  NumberedOption,
  PortRange,
  Settable,
  SocketOption,
  SocketOptions,
  StructLinger,
} from '../tcp/socket-options.ts';
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
  ifIndextoname,
  ifNametoindex,
  inetNtop,
  inetPton,
  ioctl,
  listen,
  poll,
  setsockopt,
  shutdown,
  socket,
} from './libc.ts';

const ints = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);

/** How setsockopt(2) takes the value of an option, and getsockopt(2) gives it. */
interface Coding {
  /** Bytes that getsockopt(2) has room for. */
  readonly size: number;
  readonly encode: (value: never) => Buffer;
  readonly decode: (value: Buffer) => SocketOptions[SocketOption];
}

/** How many, or how long. */
const amount: Coding = { size: 4, encode: (value: number) => ints(value), decode: (value) => value.readInt32LE() };
const flag: Coding = {
  size: 4,
  encode: (value: boolean) => ints(Number(value)),
  decode: (value) => value.readInt32LE() !== 0,
};
/** A name of at most IFNAMSIZ or TCP_CA_NAME_MAX bytes, both of which are 16; with a NUL behind it where there is one. */
const text: Coding = {
  size: 16,
  encode: (value: string) => Buffer.from(value),
  decode: (value) => value.toString('latin1').replace(/\0.*$/s, ''),
};
/** The last port in the upper half of a 32-bit number: do_ip_setsockopt() in net/ipv4/ip_sockglue.c. */
const portRange: Coding = {
  size: 4,
  encode: ({ low, high }: PortRange) => Buffer.from(Uint16Array.of(low, high).buffer),
  decode: (value) => ({ low: value.readUInt16LE(), high: value.readUInt16LE(2) }),
};
const linger: Coding = {
  size: 8,
  encode(value: Settable<'SO_LINGER'>) {
    if (typeof value === 'object') return ints(value.l_onoff, value.l_linger);
    return value === 'off' ? ints(0, 0) : ints(1, value);
  },
  decode: (value) => (value.readInt32LE() === 0 ? 'off' : value.readInt32LE(4)),
};

/** Level, name and coding of each option for setsockopt(2). */
const optionOf: Record<SocketOption, readonly [level: number, name: number, coding: Coding]> = {
  SO_LINGER: [c.SOL_SOCKET, c.SO_LINGER, linger],
  SO_KEEPALIVE: [c.SOL_SOCKET, c.SO_KEEPALIVE, flag],
  SO_REUSEADDR: [c.SOL_SOCKET, c.SO_REUSEADDR, flag],
  SO_REUSEPORT: [c.SOL_SOCKET, c.SO_REUSEPORT, flag],
  SO_RCVBUF: [c.SOL_SOCKET, c.SO_RCVBUF, amount],
  SO_SNDBUF: [c.SOL_SOCKET, c.SO_SNDBUF, amount],
  SO_BINDTODEVICE: [c.SOL_SOCKET, c.SO_BINDTODEVICE, text],
  IP_BIND_ADDRESS_NO_PORT: [c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, flag],
  IP_LOCAL_PORT_RANGE: [c.IPPROTO_IP, c.IP_LOCAL_PORT_RANGE, portRange],
  IP_TRANSPARENT: [c.IPPROTO_IP, c.IP_TRANSPARENT, flag],
  IP_FREEBIND: [c.IPPROTO_IP, c.IP_FREEBIND, flag],
  IPV6_V6ONLY: [c.IPPROTO_IPV6, c.IPV6_V6ONLY, flag],
  TCP_LINGER2: [c.IPPROTO_TCP, c.TCP_LINGER2, amount],
  TCP_USER_TIMEOUT: [c.IPPROTO_TCP, c.TCP_USER_TIMEOUT, amount],
  TCP_KEEPIDLE: [c.IPPROTO_TCP, c.TCP_KEEPIDLE, amount],
  TCP_KEEPINTVL: [c.IPPROTO_TCP, c.TCP_KEEPINTVL, amount],
  TCP_KEEPCNT: [c.IPPROTO_TCP, c.TCP_KEEPCNT, amount],
  TCP_NODELAY: [c.IPPROTO_TCP, c.TCP_NODELAY, flag],
  TCP_MAXSEG: [c.IPPROTO_TCP, c.TCP_MAXSEG, amount],
  TCP_SYNCNT: [c.IPPROTO_TCP, c.TCP_SYNCNT, amount],
  TCP_DEFER_ACCEPT: [c.IPPROTO_TCP, c.TCP_DEFER_ACCEPT, amount],
  TCP_FASTOPEN: [c.IPPROTO_TCP, c.TCP_FASTOPEN, amount],
  TCP_QUICKACK: [c.IPPROTO_TCP, c.TCP_QUICKACK, flag],
  TCP_CONGESTION: [c.IPPROTO_TCP, c.TCP_CONGESTION, text],
};

const encodeOption = <O extends SocketOption>(option: O, value: Settable<O>): Buffer =>
  optionOf[option][2].encode(value as never);

/** The kernel reads as many bytes as `length` says: those behind the value are 0. */
function setBytes(fd: number, level: number, name: number, value: Uint8Array, length = value.length): void {
  setsockopt(fd, level, name, Buffer.concat([value], Math.max(value.length, length)), length);
}

/** setsockopt(2) on a descriptor, with another `optlen` than the value's own size where one is given; throws SystemCallError. */
export function setOption<O extends SocketOption>(fd: number, option: O, value: Settable<O>, length?: number): void {
  const [level, name] = optionOf[option];
  setBytes(fd, level, name, encodeOption(option, value), length);
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
  const [level, name, { size, decode }] = optionOf[option];
  return decode(readOption(fd, level, name, size)) as SocketOptions[O];
}

const levelNumber = (level: NumberedOption['level']): number => (typeof level === 'number' ? level : c[level]);

/** setsockopt(2) by numbers; throws SystemCallError. */
export const setNumbered = (fd: number, { level, name }: NumberedOption, value: Uint8Array, length?: number): void =>
  setBytes(fd, levelNumber(level), name, value, length);

/** getsockopt(2) by numbers, with room for so many bytes; throws SystemCallError. */
export const getNumbered = (fd: number, { level, name }: NumberedOption, length: number): Uint8Array =>
  readOption(fd, levelNumber(level), name, length);

/** SO_LINGER, struct linger of socket(7); throws SystemCallError. */
export function structLinger(fd: number): StructLinger {
  const value = readOption(fd, c.SOL_SOCKET, c.SO_LINGER, 8);
  return { l_onoff: value.readInt32LE(), l_linger: value.readInt32LE(4) };
}

/** Keeps close(2) from waiting where SO_LINGER has it wait; does nothing to what is no socket. */
export function endLingering(fd: number): void {
  try {
    const { l_onoff, l_linger } = structLinger(fd);
    if (l_onoff !== 0 && l_linger !== 0) setOption(fd, 'SO_LINGER', { l_onoff: 0, l_linger: 0 });
  } catch {
    // ENOTSOCK, or it is closed
  }
}

/** SO_ERROR: the pending error's name, or `none`; reading clears it, socket(7). */
export function pendingError(fd: number): string {
  const errno = readOption(fd, c.SOL_SOCKET, c.SO_ERROR, 4).readInt32LE();
  return errno === 0 ? 'none' : errnoName(errno);
}

/** tcpi_snd_wnd ends here: Linux 5.4. */
const infoSize = 232;

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
    windowBytes: info.readUInt32LE(228),
    segmentBytes: info.readUInt32LE(16),
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
/** Options that count at bind(2). */
export type BindingOptions = Partial<Pick<SocketOptions, BindingOption>>;

/** Where struct sockaddr_in and sockaddr_in6 keep the address, and their lengths: ip(7), ipv6(7). */
const layoutOf = (family: number) =>
  family === c.AF_INET6 ? { from: 8, to: 24, length: 28 } : { from: 4, to: 8, length: 16 };
const familyOf = (address: string): number => (address.includes(':') ? c.AF_INET6 : c.AF_INET);

/** Where struct sockaddr_in6 keeps sin6_scope_id, ipv6(7). */
const scopeAt = 24;

/**
 * An address as bind(2) takes it, with its scope, `fe80::1%veth0` or `fe80::1%2`: 0 where there is no such device, which the kernel
 * refuses. Throws TypeError where the text is no address.
 */
export function encodeAddress({ address, port }: Address): Buffer {
  const family = familyOf(address);
  const { from, to, length } = layoutOf(family);
  const [text = '', scope] = family === c.AF_INET6 ? address.split('%') : [address];
  const binary = Buffer.alloc(to - from);
  if (inetPton(family, text, binary) !== 1) throw new TypeError(`not an address: ${address}`);
  const encoded = Buffer.alloc(length);
  encoded.writeUInt16LE(family, 0);
  encoded.writeUInt16BE(port, 2);
  binary.copy(encoded, from);
  if (scope !== undefined)
    encoded.writeUInt32LE(/^\d+$/.test(scope) ? Number(scope) >>> 0 : ifNametoindex(scope), scopeAt);
  return encoded;
}

/** An address as getsockname(2) gives it, with the device's name where it has a scope. */
export function decodeAddress(encoded: Buffer): Address {
  const family = encoded.readUInt16LE(0);
  const { from, to } = layoutOf(family);
  const text = inetNtop(family, encoded.subarray(from, to));
  const scope = family === c.AF_INET6 ? encoded.readUInt32LE(scopeAt) : 0;
  return { address: scope === 0 ? text : `${text}%${ifIndextoname(scope)}`, port: encoded.readUInt16BE(2) };
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
export function bindSocket(at: Address, options: BindingOptions): number {
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
