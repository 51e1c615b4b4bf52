import { isIPv4, isIPv6 } from 'node:net';
import type { SsSocket } from '../../record/event.ts';
import type { Address } from '../../tcp/address.ts';
import { withoutMapping } from '../../tcp/address-text.ts';
import type { State } from '../../tcp/states.ts';

/** What `ss` printed: its sockets, and the lines that are not understood: a socket that is not among the sockets may be in one. */
export interface SsOutput {
  readonly sockets: SsSocket[];
  readonly unread: string[];
}

/** The state names of iproute2's misc/ss.c. A socket that is only bound is UNCONN, or BOUND-INACTIVE since 6.9. */
const stateNames: ReadonlyMap<string, State> = new Map([
  ['ESTAB', 'ESTABLISHED'],
  ['SYN-SENT', 'SYN-SENT'],
  ['SYN-RECV', 'SYN-RECEIVED'],
  ['NEW-SYN-RECV', 'SYN-RECEIVED'],
  ['FIN-WAIT-1', 'FIN-WAIT-1'],
  ['FIN-WAIT-2', 'FIN-WAIT-2'],
  ['TIME-WAIT', 'TIME-WAIT'],
  ['UNCONN', 'CLOSED'],
  ['BOUND-INACTIVE', 'CLOSED'],
  ['CLOSE-WAIT', 'CLOSE-WAIT'],
  ['LAST-ACK', 'LAST-ACK'],
  ['LISTEN', 'LISTEN'],
  ['CLOSING', 'CLOSING'],
]);

/**
 * Parse `ss -tanHOeo`, also with `-p`, and with `-m` or `-im` behind all else: one socket a line. Zones (`%lo`) are left out of
 * addresses, a wildcard `*` is `::`, a port `*` is 0. A line is read wholly or it is in `unread`: a column that is not known may
 * be another one's value.
 */
export function parseSs(text: string): SsOutput {
  const sockets: SsSocket[] = [];
  const unread: string[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (end > start) {
      const line = text.slice(start, end);
      const socket = parseLine(line.trimEnd());
      if (socket) sockets.push(socket);
      else unread.push(line);
    }
    start = end + 1;
  }
  return { sockets, unread };
}

/**
 * State, queues, both ends. The kernel subtracts sequence numbers without a lock, so the queue of a socket that is just connecting
 * is printed as garbage, negative at times (`SYN-SENT 0 -1755816174`).
 */
const columns = /^(\S+) +(-?\d+) +(-?\d+) +(\S+) +(\S+)/;

function parseLine(line: string): SsSocket | undefined {
  const found = columns.exec(line);
  if (!found) return undefined;
  const [head, name = '', recvQ, sendQ, local = '', remote = ''] = found;
  const state = stateNames.get(name);
  const near = parseEnd(local);
  const far = parseEnd(remote);
  if (!state || !near || !far) return undefined;
  const details = parseDetails(line.slice(head.length));
  return (
    details && {
      state,
      recvQ: Number(recvQ),
      sendQ: Number(sendQ),
      local: near.at,
      remote: far.at,
      family: near.family,
      ...details,
    }
  );
}

/** One end as `ss` prints it, with the family of the socket that it shows. */
export interface SsEnd {
  readonly at: Address;
  readonly family: 4 | 6;
}

/** An address with or without brackets, its zone in or behind them, and a port. */
const endText = /^(?:\[([^\]%]+)(?:%[^\]]+)?\](?:%.+)?|([^[\]%]+)(?:%.+)?):(\d+|\*)$/;

/**
 * Parse `127.0.0.1:80`, `127.0.0.1%lo:80`, `[::1]:80`, `[fe80::1]%eth0:80`, `[::ffff:127.0.0.1]:80`, `*:80`, `0.0.0.0:*`, and
 * `::1:80`, as iproute2 before 4.14 prints it. `*` is the IPv6 wildcard of a socket that takes IPv4 too (iproute2's
 * inet_addr_print). Undefined for anything else.
 */
export function parseEnd(text: string): SsEnd | undefined {
  const [, bracketed, bare = '', portText] = endText.exec(text) ?? [];
  const port = portText === '*' ? 0 : Number(portText);
  if (!(port < 65_536)) return undefined;
  const address = bracketed ?? bare;
  if (bare === '*') return { at: { address: '::', port }, family: 6 };
  if (bracketed === undefined && isIPv4(address)) return { at: { address, port }, family: 4 };
  return isIPv6(address) ? { at: { address: withoutMapping(address), port }, family: 6 } : undefined;
}

type Details = Pick<SsSocket, 'timer' | 'inode' | 'cookie'>;

/**
 * What follows the addresses, in the order of iproute2's inet_show_sock: `users:` (-p), `timer:` (-o), `uid:`, `ino:`, `sk:`,
 * `fwmark:`, `cgroup:`, `v6only:`, the directions that are open (-e), `skmem:` (-m) and what -i adds, of which nothing is
 * wanted. Undefined where that is not all of it.
 */
function parseDetails(text: string): Details | undefined {
  if (!users.test(text)) return fieldsIn(text);
  // a process may call itself anything, `",pid=1,fd=2)) ino:1 sk:2` too: the right end is the one behind which all is understood
  const readings = [...text.matchAll(usersEnd)].flatMap((end) => fieldsIn(text.slice(end.index + end[0].length)) ?? []);
  const [first, ...others] = readings;
  return others.length === 0 ? first : undefined;
}

const users = /^ +users:\(\("/;
/** The last process of `users:(("name",pid=1,fd=2),…)`. */
const usersEnd = /",pid=\d+,fd=\d+\)\)(?= |$)/g;

const fields =
  /^(?: +timer:\(([a-z]+),([^ ,()]*),(\d+)\))?(?: +uid:\d+)?(?: +ino:(\d+))?(?: +sk:([0-9a-f]+))?(?: +fwmark:0x[0-9a-f]+)?(?: +cgroup:\S+)?(?: +v6only:[01])?(?: +(?:<->|-->|<--|---))?(?: +skmem:\(.*)?$/;

function fieldsIn(text: string): Details | undefined {
  const found = fields.exec(text);
  if (!found) return undefined;
  const [, name, time = '', retransmits, inode, cookie] = found;
  const details: { -readonly [K in keyof Details]: Details[K] } = {};
  if (name !== undefined) {
    const ms = parseMs(time);
    if (ms === undefined) return undefined;
    details.timer = { name, ms, retransmits: Number(retransmits) };
  }
  if (inode !== undefined) details.inode = Number(inode);
  if (cookie !== undefined) details.cookie = cookie;
  return details;
}

const durations = /^(?:(\d+)min)?(?:(\d+)(?:\.(\d{1,3}))?(sec|ms))?$/;

/**
 * Milliseconds of iproute2's print_ms_timer: `119min`, `1min58sec`, `59sec`, `5.992sec`, `200ms`, nothing for 0. Until
 * iproute2 6.12 seconds with milliseconds were printed as `5.992ms`. It cuts off: seconds from ten minutes on, milliseconds
 * from ten seconds on.
 */
export function parseMs(text: string): number | undefined {
  const known = seen.get(text);
  if (known !== undefined) return known;
  const match = durations.exec(text);
  if (!match) return undefined;
  const [, minutes = '0', whole = '0', fraction, unit] = match;
  const inSeconds = unit === 'sec' || fraction !== undefined;
  const ms =
    Number(minutes) * 60_000 + Number(whole) * (inSeconds ? 1000 : 1) + Number((fraction ?? '').padEnd(3, '0'));
  if (seen.size < 4096) seen.set(text, ms);
  return ms;
}

/** A sample of thousands of sockets has a few dozen different times. */
const seen = new Map<string, number>();
