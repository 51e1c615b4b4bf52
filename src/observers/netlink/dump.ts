import { socketConstants as c, NETLINK_SOCK_DIAG } from '../../native/constants.ts';
import { close, read, socket, write } from '../../native/libc.ts';
import type { SsSocket } from '../../record/event.ts';
import { parseDump } from './parse.ts';

/**
 * include/uapi/linux/inet_diag.h, netlink.h: TCPDIAG_GETSOCK, the older way to ask, which alone takes IPv4 and IPv6 in one walk
 * through the kernel's tables; NLM_F_REQUEST, NLM_F_ROOT, NLM_F_MATCH. struct inet_diag_req behind the header: states are its
 * fifteenth word.
 */
const TCPDIAG_GETSOCK = 18;
const NLM_F_DUMP = 0x301;
const requestLength = 76;
const statesAt = 68;
/** A dump's datagram is at most 32 KiB as long as the reader asks for so much: netlink_dump() in net/netlink/af_netlink.c. */
const room = Buffer.alloc(256 * 1024);
const allStates = 0xffff_ffff;
/** 1 << TCP_TIME_WAIT, include/net/tcp_states.h; FIN-WAIT-2 mini-sockets are asked for by their own state. */
const timeWaitState = 1 << 6;

function request(states: number): Buffer {
  const bytes = Buffer.alloc(requestLength);
  bytes.writeUInt32LE(requestLength, 0);
  bytes.writeUInt16LE(TCPDIAG_GETSOCK, 4);
  bytes.writeUInt16LE(NLM_F_DUMP, 6);
  bytes.writeUInt32LE(states, statesAt);
  return bytes;
}

/**
 * All TCP sockets of the thread's present namespace, from the kernel itself: sock_diag(7). Synchronous: 20,000 sockets take some
 * milliseconds; without TIME-WAITs fewer. Throws SystemCallError, DumpError.
 */
export function dumpSockets(timeWaits = true): SsSocket[] {
  const states = timeWaits ? allStates : (allStates & ~timeWaitState) >>> 0;
  const sockets: SsSocket[] = [];
  const fd = socket(c.AF_NETLINK, c.SOCK_RAW | c.SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  try {
    const asked = request(states);
    write(fd, asked, asked.length);
    while (!parseDump(room.subarray(0, read(fd, room, room.length)), sockets));
  } finally {
    close(fd);
  }
  return sockets;
}
