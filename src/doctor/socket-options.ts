import { socketConstants as c } from '../native/constants.ts';
import { close, SystemCallError, socket } from '../native/libc.ts';
import { getNumbered } from '../native/sockets.ts';

/** Socket options that not every kernel has: their levels and numbers, include/uapi/linux/tcp.h, in.h, asm-generic/socket.h. */
const options: Readonly<Record<string, readonly [level: number, name: number]>> = {
  SO_PREFER_BUSY_POLL: [1, 69],
  SO_NETNS_COOKIE: [1, 71],
  SO_BUF_LOCK: [1, 72],
  SO_RESERVE_MEM: [1, 73],
  SO_TXREHASH: [1, 74],
  SO_RCVMARK: [1, 75],
  SO_RCVPRIORITY: [1, 82],
  IP_LOCAL_PORT_RANGE: [0, 51],
  IP_PROTOCOL: [0, 52],
  TCP_SAVE_SYN: [6, 27],
  TCP_FASTOPEN_NO_COOKIE: [6, 34],
  TCP_INQ: [6, 36],
  TCP_TX_DELAY: [6, 37],
  TCP_AO_INFO: [6, 40],
  TCP_IS_MPTCP: [6, 43],
  TCP_RTO_MAX_MS: [6, 44],
  TCP_RTO_MIN_US: [6, 45],
  TCP_DELACK_MAX_US: [6, 46],
};

/** Of some newer socket options, the names of those that this kernel knows: getsockopt(2) fails with ENOPROTOOPT for others. */
export function socketOptionsHere(): string[] {
  const fd = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0);
  try {
    return Object.entries(options).flatMap(([option, [level, name]]) => (knows(fd, level, name) ? [option] : []));
  } finally {
    close(fd);
  }
}

function knows(fd: number, level: number, name: number): boolean {
  try {
    getNumbered(fd, { level, name }, 64);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError) return error.errno !== 'ENOPROTOOPT';
    throw error;
  }
}
