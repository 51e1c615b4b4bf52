import type { SsSocket } from '../../record/event.ts';
import type { State } from '../../tcp/states.ts';
import { parseEnd } from './address.ts';
import { parseDetails } from './details.ts';

/** What `ss` printed: its sockets, and the lines that are not understood, for a warning. */
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
 * Parse `ss -tanHOeo`, with or without `-i`, `-m` and `-p`: one socket a line. Zones (`%lo`) are left out of addresses,
 * a wildcard `*` is `::`, a port `*` is 0. A line that is not such a socket is in `unread`.
 */
export function parseSs(text: string): SsOutput {
  const sockets: SsSocket[] = [];
  const unread: string[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (end > start) {
      const line = text.slice(start, end);
      const socket = parseLine(line);
      if (socket) sockets.push(socket);
      else unread.push(line);
    }
    start = end + 1;
  }
  return { sockets, unread };
}

const SPACE = 32;

function parseLine(line: string): SsSocket | undefined {
  const stateEnd = line.indexOf(' ');
  const state = stateNames.get(line.slice(0, Math.max(stateEnd, 0)));
  if (!state) return undefined;
  const recv = skipSpaces(line, stateEnd);
  const recvEnd = wordEnd(line, recv);
  const send = skipSpaces(line, recvEnd);
  const sendEnd = wordEnd(line, send);
  const local = skipSpaces(line, sendEnd);
  const localEnd = wordEnd(line, local);
  const remote = skipSpaces(line, localEnd);
  const remoteEnd = wordEnd(line, remote);
  const recvQ = decimal(line, recv, recvEnd);
  const sendQ = decimal(line, send, sendEnd);
  const near = parseEnd(line.slice(local, localEnd));
  const far = parseEnd(line.slice(remote, remoteEnd));
  if (recvQ === undefined || sendQ === undefined || !near || !far) return undefined;
  const socket = { state, recvQ, sendQ, local: near.at, remote: far.at, family: near.family };
  return parseDetails(line, remoteEnd, socket);
}

const wordEnd = (line: string, from: number): number => {
  const space = line.indexOf(' ', from);
  return space < 0 ? line.length : space;
};

function skipSpaces(line: string, from: number): number {
  let at = from;
  while (line.charCodeAt(at) === SPACE) at++;
  return at;
}

const MINUS = 45;

/**
 * Digits, and a sign: `Number` would take blanks and exponents. The kernel subtracts sequence numbers without a lock, so the
 * queue of a socket that is just connecting is printed as garbage, negative at times (`SYN-SENT 0 -1755816174`).
 */
function decimal(line: string, from: number, to: number): number | undefined {
  if (line.charCodeAt(from) === MINUS) {
    const size = decimal(line, from + 1, to);
    return size === undefined ? undefined : -size;
  }
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = line.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return to > from ? value : undefined;
}
