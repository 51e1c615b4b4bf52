import { socketConstants as c, NETLINK_SOCK_DIAG } from '../../native/constants.ts';
import { close, read, socket, write } from '../../native/libc.ts';
import type { SsSocket } from '../../record/event.ts';
import { addressText, withoutMapping } from '../../tcp/address-text.ts';
import { stateNumbered } from '../../tcp/states.ts';

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

/** Lengths and places of include/uapi/linux/netlink.h and inet_diag.h. Numbers are the machine's, little-endian on all of ours. */
const headerLength = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const AF_INET = 2;
/** struct inet_diag_msg, from the message's beginning. */
const at = {
  // with the state, the timer and its retransmits, a byte each
  family: 16,
  // local and remote
  ports: 20,
  local: 24,
  remote: 40,
  cookieLow: 60,
  cookieHigh: 64,
  expires: 68,
  recvQ: 72,
  sendQ: 76,
  inode: 84,
} as const;
const messageLength = 88;

/** What `ss` calls idiag_timer: iproute2's misc/ss.c. */
const timers = ['off', 'on', 'keepalive', 'timewait', 'persist'] as const;

/** A datagram of a dump that is not what the kernel writes. */
export class DumpError extends Error {
  override readonly name = 'DumpError';
}

/**
 * Add the sockets of one datagram of a NETLINK_SOCK_DIAG dump; true when it was the last one. Throws {@link DumpError}. The bytes
 * begin at a multiple of four, as every message does.
 */
export function parseDump(bytes: Buffer, into: SsSocket[]): boolean {
  // of 20,000 sockets reading numbers one by one takes longer than all else
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (let from = 0; from + headerLength <= bytes.length; ) {
    const length = words[from >> 2] as number;
    const type = (words[(from >> 2) + 1] as number) & 0xffff;
    if (length < headerLength || from + length > bytes.length) throw new DumpError(`a message of ${length} bytes`);
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) throw new DumpError(`errno ${-bytes.readInt32LE(from + headerLength)}`);
    if (length < messageLength) throw new DumpError(`a socket in ${length} bytes`);
    into.push(parseSocket(bytes, words, from));
    // NLMSG_ALIGN
    from += (length + 3) & ~3;
  }
  return false;
}

function parseSocket(bytes: Buffer, words: Uint32Array, from: number): SsSocket {
  const word = (place: number): number => words[(from + place) >> 2] as number;
  const ports = word(at.ports);
  const first = word(at.family);
  const number = (first >>> 8) & 255;
  const state = stateNumbered(number);
  if (!state) throw new DumpError(`a socket in state ${number}`);
  const isIPv4 = (first & 255) === AF_INET;
  const timer = (first >>> 16) & 255;
  const found: { -readonly [K in keyof SsSocket]: SsSocket[K] } = {
    state,
    recvQ: word(at.recvQ),
    // a queue that the kernel subtracted without a lock is negative, as `ss` prints it
    sendQ: word(at.sendQ) | 0,
    local: { address: addressAt(bytes, from + at.local, isIPv4), port: swapped(ports & 0xffff) },
    remote: { address: addressAt(bytes, from + at.remote, isIPv4), port: swapped(ports >>> 16) },
    family: isIPv4 ? 4 : 6,
    inode: word(at.inode),
    cookie: cookieOf(word(at.cookieLow), word(at.cookieHigh)),
  };
  if (timer > 0) found.timer = { name: timers[timer] ?? 'unknown', ms: word(at.expires), retransmits: first >>> 24 };
  return found;
}

/** From the network's order. */
const swapped = (port: number): number => ((port & 255) << 8) | (port >>> 8);

const cookieOf = (low: number, high: number): string =>
  high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0');

/** As `ss` is read: an IPv4-mapped address is IPv4. */
const addressAt = (bytes: Buffer, place: number, isIPv4: boolean): string =>
  isIPv4 ? addressText(bytes, place, 4) : withoutMapping(addressText(bytes, place, 6));
