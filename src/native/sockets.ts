import type { SocketOption, SocketOptions, TcpInfo } from '../experiment/stage.ts';
import { stateNumbered } from '../facts/states.ts';
import { socketConstants as c, SIOCINQ } from './constants.ts';
import { errnoName, getsockopt, ioctl, setsockopt, shutdown } from './libc.ts';

/** Level and name of each option for setsockopt(2). */
const optionOf: Record<SocketOption, readonly [level: number, name: number]> = {
  SO_LINGER: [c.SOL_SOCKET, c.SO_LINGER],
  TCP_LINGER2: [c.IPPROTO_TCP, c.TCP_LINGER2],
  SO_REUSEADDR: [c.SOL_SOCKET, c.SO_REUSEADDR],
  SO_REUSEPORT: [c.SOL_SOCKET, c.SO_REUSEPORT],
  IP_BIND_ADDRESS_NO_PORT: [c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT],
};

const ints = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);

/** setsockopt(2) on a descriptor; throws SystemCallError. */
export function setOption<O extends SocketOption>(fd: number, option: O, value: SocketOptions[O]): void {
  const [level, name] = optionOf[option];
  const encoded =
    option === 'SO_LINGER' ? (value === 'off' ? ints(0, 0) : ints(1, Number(value))) : ints(Number(value));
  setsockopt(fd, level, name, encoded, encoded.length);
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
  return (option === 'TCP_LINGER2' ? number : number !== 0) as SocketOptions[O];
}

/** SO_ERROR: the pending error's name, or `none`; reading clears it, socket(7). */
export function pendingError(fd: number): string {
  const errno = readOption(fd, c.SOL_SOCKET, c.SO_ERROR, 4).readInt32LE();
  return errno === 0 ? 'none' : errnoName(errno);
}

/** TCP_INFO, struct tcp_info of include/uapi/linux/tcp.h; throws SystemCallError. */
export function tcpInfo(fd: number): TcpInfo {
  const info = readOption(fd, c.IPPROTO_TCP, c.TCP_INFO, 104);
  return {
    state: stateNumbered(info.readUInt8(0)) ?? 'CLOSED',
    retransmits: info.readUInt8(2),
    rtoUs: info.readUInt32LE(8),
    unacked: info.readUInt32LE(24),
    rttUs: info.readUInt32LE(68),
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
