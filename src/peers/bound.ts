import { connect, createServer } from 'node:net';
import type { Reuse } from '../experiment/handles.ts';
import { close } from '../native/libc.ts';
import { bindSocket, boundAddress, listenOn } from '../native/sockets.ts';
import type { Address } from '../tcp/address.ts';
import type { SocketOptions } from '../tcp/socket-options.ts';
import type { Handlers, Timed } from './handler.ts';
import type { Verbs } from './protocol.ts';
import type { Sockets } from './sockets.ts';

const optionsOf = (reuse: Reuse): Partial<SocketOptions> => ({
  ...((reuse === 'addr' || reuse === 'both') && { SO_REUSEADDR: true }),
  ...((reuse === 'port' || reuse === 'both') && { SO_REUSEPORT: true }),
});

/** What net asks for where nobody says otherwise. */
export const netsBacklog = 511;

type ListenValue = Verbs['listen']['value'];

/** Hand a listening descriptor to net, whose it is from then on; libuv calls listen(2) again, which changes the backlog only. */
export async function serve(
  sockets: Sockets,
  fd: number,
  allowHalfOpen: boolean,
  backlog: number,
): Promise<ListenValue> {
  const at = boundAddress(fd);
  const server = createServer({ allowHalfOpen });
  const listening = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', reject);
  });
  server.listen({ fd, backlog });
  await listening;
  return { listener: sockets.addListener(server), at };
}

interface Fresh {
  readonly at: Address;
  readonly reuse: Reuse;
  readonly backlog?: number | undefined;
  readonly allowHalfOpen: boolean;
}

/** A listener made by libc, so that its options are those asked for when bind(2) looks at them. */
export async function listenFresh(
  sockets: Sockets,
  { at, reuse, backlog = netsBacklog, allowHalfOpen }: Fresh,
  timed: Timed,
): Promise<ListenValue> {
  const fd = timed(() => bindSocket(at, optionsOf(reuse)));
  try {
    timed(() => listenOn(fd, backlog));
  } catch (error) {
    close(fd);
    throw error;
  }
  return serve(sockets, fd, allowHalfOpen, backlog);
}

/** Verbs for sockets that libc made and net does not have yet. */
export function boundHandlers(sockets: Sockets): Pick<Handlers, 'bind' | 'listenBound' | 'queue' | 'unbind' | 'knock'> {
  return {
    bind({ address, port, reuse, noPort, ipv6Only }, timed) {
      const options = {
        ...optionsOf(reuse),
        ...(noPort && { IP_BIND_ADDRESS_NO_PORT: true }),
        ...(ipv6Only !== undefined && { IPV6_V6ONLY: ipv6Only }),
      };
      const fd = timed(() => bindSocket({ address, port }, options));
      return { bound: sockets.addDescriptor(fd), at: boundAddress(fd) };
    },
    async listenBound({ bound, backlog = netsBacklog, allowHalfOpen }, timed) {
      const fd = sockets.descriptor(bound, 'listen');
      timed(() => listenOn(fd, backlog));
      return serve(sockets, sockets.takeDescriptor(bound, 'listen'), allowHalfOpen, backlog);
    },
    queue({ bound, backlog = netsBacklog }, timed) {
      const fd = sockets.descriptor(bound, 'listen');
      timed(() => listenOn(fd, backlog));
      return { at: boundAddress(fd) };
    },
    unbind({ bound }, timed) {
      const fd = sockets.takeDescriptor(bound, 'close');
      timed(() => close(fd));
      return undefined;
    },
    async knock({ to }) {
      const socket = connect({ host: to.address, port: to.port });
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', () => socket.resetAndDestroy()).once('error', reject);
        socket.once('close', () => resolve());
      });
      return undefined;
    },
  };
}
