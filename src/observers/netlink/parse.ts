import type { SsSocket } from '../../record/event.ts';
import { stateNumbered } from '../../tcp/states.ts';

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
    const socket = parseSocket(bytes, words, from);
    if (socket) into.push(socket);
    // NLMSG_ALIGN
    from += (length + 3) & ~3;
  }
  return false;
}

function parseSocket(bytes: Buffer, words: Uint32Array, from: number): SsSocket | undefined {
  const word = (place: number): number => words[(from + place) >> 2] as number;
  const ports = word(at.ports);
  const first = word(at.family);
  const state = stateNumbered((first >>> 8) & 255);
  if (!state) return undefined;
  const isIPv4 = (first & 255) === AF_INET;
  const timer = (first >>> 16) & 255;
  const socket: { -readonly [K in keyof SsSocket]: SsSocket[K] } = {
    state,
    recvQ: word(at.recvQ),
    // a queue that the kernel subtracted without a lock is negative, as `ss` prints it
    sendQ: word(at.sendQ) | 0,
    local: { address: addressAt(bytes, words, from + at.local, isIPv4), port: swapped(ports & 0xffff) },
    remote: { address: addressAt(bytes, words, from + at.remote, isIPv4), port: swapped(ports >>> 16) },
    family: isIPv4 ? 4 : 6,
    inode: word(at.inode),
    cookie: cookieOf(word(at.cookieLow), word(at.cookieHigh)),
  };
  if (timer > 0) socket.timer = { name: timers[timer] ?? 'unknown', ms: word(at.expires), retransmits: first >>> 24 };
  return socket;
}

/** From the network's order. */
const swapped = (port: number): number => ((port & 255) << 8) | (port >>> 8);

const cookieOf = (low: number, high: number): string =>
  high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0');

/** Thousands of sockets share a few addresses: texts of IPv4 addresses by their word, as this machine reads it. */
const texts = new Map<number, string>();
function textOf(word: number): string {
  const known = texts.get(word);
  if (known !== undefined) return known;
  const text = `${word & 255}.${(word >>> 8) & 255}.${(word >>> 16) & 255}.${word >>> 24}`;
  if (texts.size < 4096) texts.set(word, text);
  return text;
}

function addressAt(bytes: Buffer, words: Uint32Array, place: number, isIPv4: boolean): string {
  const word = (nth: number): number => words[(place >> 2) + nth] as number;
  if (isIPv4) return textOf(word(0));
  const isMapped = word(0) === 0 && word(1) === 0 && word(2) === 0xffff_0000;
  return isMapped ? textOf(word(3)) : inetNtop6(bytes.subarray(place, place + 16));
}

/** The shortest text of an IPv6 address, RFC 5952: the first of the longest runs of zeros is `::`. */
function inetNtop6(bytes: Buffer): string {
  const words = Array.from({ length: 8 }, (_, nth) => bytes.readUInt16BE(nth * 2).toString(16));
  const runs = [...words.join(':').matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return words.join(':');
  const text = words.join(':');
  const index = text.indexOf(longest);
  return `${text.slice(0, index).replace(/:$/, '')}::${text.slice(index + longest.length).replace(/^:/, '')}`;
}
