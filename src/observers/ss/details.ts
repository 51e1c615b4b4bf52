import type { SsSocket } from '../../record/event.ts';
import { parseTimer } from './timer.ts';

type Details = 'timer' | 'inode' | 'cookie';
/** A socket whose details are still to be filled in. */
export type Draft = Omit<SsSocket, Details> & { -readonly [K in Details]?: SsSocket[K] };

const SPACE = 32;

/**
 * The fields after the addresses, in the order of iproute2's inet_show_sock: `users:` (-p), `timer:` (-o), `uid:`, `ino:`,
 * `sk:` (-e), and then nothing that is wanted here. Fills in the draft; undefined if a wanted field is not understood.
 */
export function parseDetails(line: string, from: number, draft: Draft): SsSocket | undefined {
  for (let at = from; at < line.length; ) {
    if (line.charCodeAt(at) === SPACE) {
      at++;
      continue;
    }
    if (line.startsWith('users:((', at)) {
      at = usersEnd(line, at);
      continue;
    }
    const space = line.indexOf(' ', at);
    const end = space < 0 ? line.length : space;
    if (line.startsWith('timer:(', at)) {
      const timer = parseTimer(line.slice(at + 7, end));
      if (!timer) return undefined;
      draft.timer = timer;
    } else if (line.startsWith('ino:', at)) {
      const inode = Number(line.slice(at + 4, end));
      if (Number.isNaN(inode)) return undefined;
      draft.inode = inode;
    } else if (line.startsWith('sk:', at)) {
      draft.cookie = line.slice(at + 3, end);
      break;
    }
    at = end;
  }
  return draft;
}

/** Past `users:(("name",pid=1,fd=2),…)`: a process may call itself anything, `ino:1 sk:2` too, so the end is a descriptor's. */
function usersEnd(line: string, from: number): number {
  for (let close = line.indexOf('))', from); close >= 0; close = line.indexOf('))', close + 1)) {
    let at = close - 1;
    while (isDigit(line.charCodeAt(at))) at--;
    if (at < close - 1 && line.startsWith(',fd=', at - 3)) return close + 2;
  }
  return line.length;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
