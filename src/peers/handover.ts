import { setTimeout as sleep } from 'node:timers/promises';
import { openMailbox, receiveDescriptor, sendDescriptor } from '../native/descriptors.ts';
import { close } from '../native/libc.ts';
import { acceptQueue } from '../native/sockets.ts';
import { netsBacklog, serve } from './bound.ts';
import type { Handlers } from './handler.ts';
import type { Sockets } from './sockets.ts';

/** Verbs for a socket that goes from one process to another. */
export function handoverHandlers(
  sockets: Sockets,
): Pick<Handlers, 'openMailbox' | 'handOver' | 'takeOver' | 'queued' | 'serve'> {
  return {
    openMailbox() {
      const { fd, name } = openMailbox();
      return { mailbox: sockets.addDescriptor(fd), name: name.toString('hex') };
    },
    handOver({ socket, mailbox }, timed) {
      const fd = sockets.descriptor(socket, 'sendmsg');
      timed(() => sendDescriptor(Buffer.from(mailbox, 'hex'), fd));
      return undefined;
    },
    takeOver({ mailbox }, timed) {
      const fd = sockets.takeDescriptor(mailbox, 'recvmsg');
      try {
        return { handed: sockets.addDescriptor(timed(() => receiveDescriptor(fd))) };
      } finally {
        close(fd);
      }
    },
    async queued({ handed, connections }) {
      // no event reports a connection that waits in the accept queue
      while (acceptQueue(sockets.descriptor(handed, 'getsockopt')) < connections) await sleep(1);
      return undefined;
    },
    serve: ({ handed, backlog = netsBacklog, allowHalfOpen }) =>
      serve(sockets, sockets.takeDescriptor(handed, 'listen'), allowHalfOpen, backlog),
  };
}
