import { readFileSync } from 'node:fs';
import { close, SystemCallError, write } from '../native/libc.ts';
import {
  acceptFrom,
  bindSocket,
  boundAddress,
  connectTo,
  listenOn,
  makeSocket,
  pollNow,
  setOption,
} from '../native/sockets.ts';
import { runTool } from '../process/tool.ts';
import { makeSpace, type Space, tcpLinesIn } from './space.ts';

/** FIN-WAIT-1 in include/net/tcp_states.h. */
const finWait1 = '04';
const orphansIn = (space: Space): number =>
  space.inside(() => tcpLinesIn(readFileSync('/proc/thread-self/net/tcp', 'latin1'), finWait1));

let known: Promise<boolean> | undefined;

/**
 * Whether `ss -K` ends an orphan on this kernel: tried once, on one of our own. Linux before 6.11 stops its timers instead, and never
 * ends it (commit bac76cf89816); where the kernel lets nobody abort sockets it does nothing. No where that could not be tried.
 */
export const canAbortOrphans = (): Promise<boolean> => {
  known ??= tryToAbort().catch(() => false);
  return known;
};

async function tryToAbort(): Promise<boolean> {
  using space = makeSpace('orphan');
  const other = space.inside(makeOrphan);
  try {
    if (orphansIn(space) === 0) return false;
    await space.inside(() => runTool('ss', ['-K', '-taH', 'state', 'fin-wait-1']));
    return orphansIn(space) === 0;
  } finally {
    // its RST ends the orphan in any case
    setOption(other, 'SO_LINGER', { l_onoff: 1, l_linger: 0 });
    close(other);
  }
}

/**
 * Makes an orphan in the thread's namespace: closed with more data than the other end has room for, it waits in FIN-WAIT-1. Returns
 * the descriptor of the other end.
 */
export function makeOrphan(): number {
  const listener = bindSocket({ address: '127.0.0.1', port: 0 }, {});
  const client = makeSocket(4);
  try {
    listenOn(listener, 1);
    ignoring('EINPROGRESS', () => connectTo(client, boundAddress(listener)));
    const { fd } = acceptFrom(listener);
    const data = Buffer.alloc(256 * 1024);
    ignoring('EAGAIN', () => {
      while (pollNow(client, ['POLLOUT']).length > 0) write(client, data, data.length);
    });
    return fd;
  } finally {
    close(client);
    close(listener);
  }
}

function ignoring(errno: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SystemCallError && error.errno === errno)) throw error;
  }
}
