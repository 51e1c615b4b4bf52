import type { CloseBy } from '../experiment/handles.ts';
import { close, closeInPool, dup, write } from '../native/libc.ts';
import { shutdownSocket } from '../native/sockets.ts';
import type { Handlers, Self, Timed } from './handler.ts';
import { until } from './moment.ts';
import { descriptorOf } from './net-handle.ts';
import { type Held, once, type Sockets } from './sockets.ts';

/**
 * close(2) on the descriptor of a socket that net was using. A duplicate is taken first and net lets go of its own:
 * closing net's descriptor under it would close whatever gets the number next. Only the last close acts on the socket.
 */
async function closeDescriptor(
  held: Held,
  openFd: number,
  before: (fd: number) => Promise<void>,
  timed: Timed,
): Promise<void> {
  const fd = dup(openFd);
  const gone = once(held.socket, 'close');
  held.socket.destroy();
  await gone;
  await before(fd);
  timed(() => close(fd));
}

type ClosingCall = Exclude<CloseBy, 'close(2)'>;
const closings: Record<ClosingCall, (held: Held, data: Buffer | undefined) => void> = {
  end: ({ socket }, data) => void (data ? socket.end(data) : socket.end()),
  destroy: ({ socket }, data) => {
    if (data) socket.write(data);
    socket.destroy();
  },
  resetAndDestroy: ({ socket }, data) => {
    if (data) socket.write(data);
    socket.resetAndDestroy();
  },
};

/** A way of net's, and a second one in the same turn. */
type Ways = readonly [by: ClosingCall, andThen: ClosingCall | undefined];

function closeBy([by, andThen]: Ways, held: Held, data: Buffer | undefined): void {
  closings[by](held, data);
  if (andThen) closings[andThen](held, undefined);
}

/** Closes a socket and reports its queues from just before; the time of reading them does not count for the closing call. */
function closeTelling(sockets: Sockets, held: Held, ways: Ways, data: Buffer | undefined, timed: Timed): void {
  // end() closes nothing yet: net does, later
  if (ways[0] === 'end') {
    timed(() => closeBy(ways, held, data));
    return;
  }
  if (data) held.socket.write(data);
  held.tells = false;
  sockets.tellQueues(held, descriptorOf(held.socket));
  timed(() => closeBy(ways, held, undefined));
}

const payload = (bytes: number | undefined) => (bytes === undefined ? undefined : Buffer.alloc(bytes, 'linger'));

/** Verbs that close an endpoint, or one direction of it. */
export const closingHandlers = (
  sockets: Sockets,
  self: Self,
): Pick<Handlers, 'close' | 'shutdown' | 'dup' | 'closeDuplicate'> => ({
  async close({ endpoint, by, sending, atNs, andThen }, timed) {
    const held = sockets.get(endpoint);
    const data = payload(sending);
    if (by === 'close(2)') {
      held.tells = false;
      const before = async (fd: number) => {
        await until(self, atNs);
        if (data) write(fd, data, data.length);
        if (atNs === undefined) sockets.tellQueues(held, fd);
      };
      await closeDescriptor(held, sockets.descriptor(endpoint, 'close'), before, timed);
    } else if (atNs === undefined) closeTelling(sockets, held, [by, andThen], data, timed);
    else {
      // looking would change the race
      if (by !== 'end') held.tells = false;
      await until(self, atNs);
      timed(() => closeBy([by, andThen], held, data));
    }
    return undefined;
  },
  async shutdown({ endpoint, how, sending, atNs, andThen }, timed) {
    const held = sockets.get(endpoint);
    const fd = sockets.descriptor(endpoint, 'shutdown');
    const data = payload(sending);
    await until(self, atNs);
    if (data) held.socket.write(data);
    timed(() => {
      shutdownSocket(fd, how);
      if (andThen) closings[andThen](held, undefined);
    });
    return undefined;
  },
  dup({ endpoint }, timed) {
    const fd = sockets.descriptor(endpoint, 'dup');
    return { duplicate: sockets.addDescriptor(timed(() => dup(fd))) };
  },
  async closeDuplicate({ endpoint, duplicate, thread }, timed) {
    const fd = sockets.takeDescriptor(duplicate, 'close');
    sockets.tellQueues(sockets.get(endpoint), fd);
    await timed(() => (thread === 'pool' ? closeInPool(fd) : close(fd)));
    return undefined;
  },
});
