import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { dieWithParent } from '../native/process.ts';
import {
  boundAddress,
  getNumbered,
  getOption,
  peerAddress,
  pendingError,
  receiveQueue,
  sendQueue,
  setNumbered,
  setOption,
  structLinger,
  tcpInfo,
} from '../native/sockets.ts';
import { plainAddress } from '../tcp/address-text.ts';
import type { NumberedOption } from '../tcp/socket-options.ts';
import { boundHandlers, listenFresh } from './bound.ts';
import { closingHandlers } from './closing.ts';
import { endingHandlers } from './ending.ts';
import type { Handlers, Self } from './handler.ts';
import { handoverHandlers } from './handover.ts';
import { startReading, stopReading } from './net-handle.ts';
import { openingHandlers } from './opening.ts';
import { programHandlers } from './programs.ts';
import type { Kept, Told } from './protocol.ts';
import { rawHandlers } from './raw.ts';
import { once, type Sockets, when } from './sockets.ts';

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Not every option that can be set can be read. */
function keptBytes(fd: number, option: NumberedOption, length: number): string | undefined {
  try {
    return hexOf(getNumbered(fd, option, length));
  } catch {
    return undefined;
  }
}

function addressesOf(fd: number): NonNullable<Kept['at']> {
  const remote = peerAddress(fd);
  return { local: plainAddress(boundAddress(fd)), ...(remote && { remote: plainAddress(remote) }) };
}

/** What a peer does for each verb. A refusal by the kernel is thrown as an error with `code` or `errno`, and `syscall`. */
export const handlers = (sockets: Sockets, self: Self, tell: (saw: Told['saw']) => void): Handlers => ({
  ...boundHandlers(sockets),
  ...closingHandlers(sockets, self),
  ...endingHandlers(sockets, self),
  ...handoverHandlers(sockets),
  ...openingHandlers(sockets, self),
  ...programHandlers(self.name, self.now, tell),
  ...rawHandlers(sockets, self),
  become({ uid }, timed) {
    timed(() => process.setuid?.(uid));
    // a change of user cancels it: commit_creds() in kernel/cred.c
    dieWithParent(self.parent);
    return undefined;
  },
  async listen(ask, timed) {
    const { address, port, reuse, noPort, ipv6Only, backlog, allowHalfOpen } = ask;
    if (reuse || noPort) return listenFresh(sockets, ask, timed);
    const server = createServer({ allowHalfOpen });
    const listening = new Promise<void>((resolve, reject) => {
      server.once('listening', resolve).once('error', reject);
    });
    server.listen({
      host: address,
      port,
      ...(backlog !== undefined && { backlog }),
      ...(ipv6Only !== undefined && { ipv6Only }),
    });
    await listening;
    const at = server.address() as { address: string; port: number };
    return { listener: sockets.addListener(server), at: { address: at.address, port: at.port } };
  },
  async unlisten({ listener }) {
    sockets.listener(listener).close();
    return undefined;
  },
  async connect({ to, localPort, localAddress, allowHalfOpen }) {
    const socket = connect({
      host: to.address,
      port: to.port,
      allowHalfOpen,
      ...(localPort !== undefined && { localPort }),
      ...(localAddress !== undefined && { localAddress }),
    });
    const held = sockets.add(socket);
    await when(held, () => held.seen.has('connect'));
    return { endpoint: held.id, local: held.local, remote: held.remote };
  },
  async accepted({ from, ended = false }) {
    const held = await sockets.from(from, ended);
    return { endpoint: held.id, local: held.local, remote: held.remote };
  },
  async next({ listener }) {
    const held = await sockets.nextOf(listener);
    return { endpoint: held.id, local: held.local, remote: held.remote };
  },
  set({ socket, option, value, length }, timed) {
    const fd = sockets.descriptor(socket, 'setsockopt');
    timed(() => setOption(fd, option, value, length));
    const isStruct = option === 'SO_LINGER' && typeof value === 'object';
    const kept = isStruct ? structLinger(fd) : getOption(fd, option);
    return { kept, ...(!sockets.has(socket) && { at: addressesOf(fd) }) };
  },
  get({ socket, option }, timed) {
    const fd = sockets.descriptor(socket, 'getsockopt');
    return timed(() => getOption(fd, option));
  },
  setNumbered({ socket, level, name, hex, length }, timed) {
    const fd = sockets.descriptor(socket, 'setsockopt');
    const value = Buffer.from(hex, 'hex');
    timed(() => setNumbered(fd, { level, name }, value, length));
    const kept = keptBytes(fd, { level, name }, Math.max(value.length, 4));
    return { ...(kept !== undefined && { kept }), ...(!sockets.has(socket) && { at: addressesOf(fd) }) };
  },
  getNumbered({ socket, level, name, length }, timed) {
    const fd = sockets.descriptor(socket, 'getsockopt');
    return hexOf(timed(() => getNumbered(fd, { level, name }, length)));
  },
  linger({ socket }, timed) {
    const fd = sockets.descriptor(socket, 'getsockopt');
    return timed(() => structLinger(fd));
  },
  error({ socket }, timed) {
    const fd = sockets.descriptor(socket, 'getsockopt');
    return timed(() => pendingError(fd));
  },
  info({ socket }, timed) {
    const fd = sockets.descriptor(socket, 'getsockopt');
    return timed(() => tcpInfo(fd));
  },
  sendQueue({ socket }, timed) {
    const fd = sockets.descriptor(socket, 'ioctl');
    return timed(() => sendQueue(fd));
  },
  receiveQueue({ socket }, timed) {
    const fd = sockets.descriptor(socket, 'ioctl');
    return timed(() => receiveQueue(fd));
  },
  async write({ endpoint, bytes, fill = 'linger' }) {
    const { socket } = sockets.get(endpoint);
    await new Promise<void>((resolve, reject) => {
      socket.write(Buffer.alloc(bytes, fill), (error) => (error ? reject(error) : resolve()));
    });
    return undefined;
  },
  heard({ endpoint }) {
    return Buffer.concat(sockets.get(endpoint).heard).toString('latin1');
  },
  async received({ endpoint, bytes }) {
    const held = sockets.get(endpoint);
    await when(held, () => held.read >= bytes);
    return undefined;
  },
  async saw({ endpoint, event }) {
    const held = sockets.get(endpoint);
    // 'close' comes after 'error' too, so a failure does not end this wait
    if (event === 'close') {
      if (!held.seen.has('close')) await once(held.socket, 'close');
    } else await when(held, () => held.seen.has(event));
    return undefined;
  },
  pause({ endpoint }) {
    sockets.get(endpoint).socket.pause();
    return undefined;
  },
  stopReading({ endpoint }) {
    stopReading(sockets.get(endpoint).socket);
    return undefined;
  },
  async unread({ endpoint, where, bytes }) {
    const held = sockets.get(endpoint);
    const lying = () =>
      where === 'node' ? held.socket.readableLength : receiveQueue(sockets.descriptor(endpoint, 'ioctl'));
    // no event reports data that lies unread
    for (;;) {
      const lies = lying();
      if (lies >= bytes) return lies;
      await sleep(1);
    }
  },
  resume({ endpoint }) {
    startReading(sockets.get(endpoint).socket);
    return undefined;
  },
  sync: () => undefined,
});
