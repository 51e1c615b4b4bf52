import { connect, createServer } from 'node:net';
import type { Reuse } from '../experiment/handles.ts';
import { close } from '../native/libc.ts';
import { type BindingOptions, bindSocket, boundAddress, listenOn } from '../native/sockets.ts';
import type { Handlers, Timed } from './handler.ts';
import type { Verbs } from './protocol.ts';
import type { Sockets } from './sockets.ts';

/** Options that bind(2) looks at. */
type Asked = Pick<Verbs['bind']['ask'], 'ipv6Only'> & { readonly reuse: Reuse; readonly noPort?: boolean };

const optionsOf = ({ reuse, noPort = false, ipv6Only }: Asked): BindingOptions => ({
  ...((reuse === 'addr' || reuse === 'both') && { SO_REUSEADDR: true }),
  ...((reuse === 'port' || reuse === 'both') && { SO_REUSEPORT: true }),
  ...(noPort && { IP_BIND_ADDRESS_NO_PORT: true }),
  ...(ipv6Only !== undefined && { IPV6_V6ONLY: ipv6Only }),
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

/** A listener made by libc, so that its options are those asked for when bind(2) looks at them; without, net's own SO_REUSEADDR. */
export async function listenFresh(
  sockets: Sockets,
  { address, port, reuse = 'addr', backlog = netsBacklog, allowHalfOpen, ...options }: Verbs['listen']['ask'],
  timed: Timed,
): Promise<ListenValue> {
  const fd = timed(() => bindSocket({ address, port }, optionsOf({ reuse, ...options })));
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
    bind({ address, port, ...asked }, timed) {
      const fd = timed(() => bindSocket({ address, port }, optionsOf(asked)));
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
