import { stateNumbered } from '../../facts/states.ts';
import type { Address, SsSocket } from '../../record/event.ts';

/** Lengths and places of include/uapi/linux/netlink.h and inet_diag.h. Numbers are the machine's, little-endian on all of ours. */
const headerLength = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const AF_INET = 2;
/** struct inet_diag_msg, from the message's beginning. */
const at = {
  family: 16,
  state: 17,
  timer: 18,
  retransmits: 19,
  localPort: 20,
  remotePort: 22,
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

/** Add the sockets of one datagram of a NETLINK_SOCK_DIAG dump; true when it was the last one. Throws {@link DumpError}. */
export function parseDump(bytes: Buffer, into: SsSocket[]): boolean {
  for (let from = 0; from + headerLength <= bytes.length; ) {
    const length = bytes.readUInt32LE(from);
    const type = bytes.readUInt16LE(from + 4);
    if (length < headerLength || from + length > bytes.length) throw new DumpError(`a message of ${length} bytes`);
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) throw new DumpError(`errno ${-bytes.readInt32LE(from + headerLength)}`);
    if (length < messageLength) throw new DumpError(`a socket in ${length} bytes`);
    const socket = parseSocket(bytes, from);
    if (socket) into.push(socket);
    // NLMSG_ALIGN
    from += (length + 3) & ~3;
  }
  return false;
}

function parseSocket(bytes: Buffer, from: number): SsSocket | undefined {
  const state = stateNumbered(bytes[from + at.state] as number);
  if (!state) return undefined;
  const isIPv4 = bytes[from + at.family] === AF_INET;
  const timer = bytes[from + at.timer] as number;
  return {
    state,
    recvQ: bytes.readUInt32LE(from + at.recvQ),
    // a queue that the kernel subtracted without a lock is negative, as `ss` prints it
    sendQ: bytes.readInt32LE(from + at.sendQ),
    local: addressAt(bytes, from + at.local, bytes.readUInt16BE(from + at.localPort), isIPv4),
    remote: addressAt(bytes, from + at.remote, bytes.readUInt16BE(from + at.remotePort), isIPv4),
    family: isIPv4 ? 4 : 6,
    ...(timer > 0 && {
      timer: {
        name: timers[timer] ?? 'unknown',
        ms: bytes.readUInt32LE(from + at.expires),
        retransmits: bytes[from + at.retransmits] as number,
      },
    }),
    inode: bytes.readUInt32LE(from + at.inode),
    cookie: cookieAt(bytes, from),
  };
}

function cookieAt(bytes: Buffer, from: number): string {
  const high = bytes.readUInt32LE(from + at.cookieHigh);
  const low = bytes.readUInt32LE(from + at.cookieLow).toString(16);
  return high === 0 ? low : high.toString(16) + low.padStart(8, '0');
}

/** Thousands of sockets share a few addresses. */
const texts = new Map<number, string>();
function textOf(word: number): string {
  const known = texts.get(word);
  if (known !== undefined) return known;
  const text = `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
  if (texts.size < 4096) texts.set(word, text);
  return text;
}

function addressAt(bytes: Buffer, from: number, port: number, isIPv4: boolean): Address {
  if (isIPv4) return { address: textOf(bytes.readUInt32BE(from)), port };
  const mapped =
    bytes.readUInt32BE(from) === 0 && bytes.readUInt32BE(from + 4) === 0 && bytes.readUInt32BE(from + 8) === 0xffff;
  if (mapped) return { address: textOf(bytes.readUInt32BE(from + 12)), port };
  return { address: inetNtop6(bytes.subarray(from, from + 16)), port };
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
