import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { boundHandlers, listenFresh } from '../../src/peers/bound.ts';
import { handoverHandlers } from '../../src/peers/handover.ts';
import { Sockets } from '../../src/peers/sockets.ts';

const timed = <T>(call: () => T): T => call();
function peer(name: string) {
  const sockets = new Sockets(
    name,
    () => 0,
    () => undefined,
  );
  return { sockets, handlers: { ...boundHandlers(sockets), ...handoverHandlers(sockets) } };
}

async function handedOver() {
  const [old, fresh] = [peer('old'), peer('fresh')];
  const at = { address: '127.0.0.1', port: 0 };
  const listening = await listenFresh(old.sockets, { ...at, reuse: 'none', allowHalfOpen: true }, timed);
  const { mailbox, name } = await fresh.handlers.openMailbox({}, timed);
  await old.handlers.handOver({ socket: listening.listener, mailbox: name }, timed);
  const { handed } = await fresh.handlers.takeOver({ mailbox }, timed);
  const server = old.sockets.listener(listening.listener);
  server.close();
  await once(server, 'close');
  return { fresh, mailbox, handed, port: listening.at.port };
}

test('a connection made while neither accepts waits in the queue, and is accepted once the new one serves', async () => {
  const { fresh, handed, port } = await handedOver();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  await fresh.handlers.queued({ handed, connections: 1 }, timed);
  const { listener, at } = await fresh.handlers.serve({ handed, allowHalfOpen: true }, timed);
  expect(at.port).toBe(port);
  const accepted = await fresh.sockets.from({ address: '127.0.0.1', port: socket.localPort as number });
  expect(accepted.local.port).toBe(port);
  accepted.socket.destroy();
  socket.destroy();
  fresh.sockets.listener(listener).close();
});

test('a listener that was handed over can be closed without having served; its port is free then', async () => {
  const { fresh, handed, port } = await handedOver();
  await fresh.handlers.unbind({ bound: handed }, timed);
  const { bound, at } = await fresh.handlers.bind({ address: '127.0.0.1', port, reuse: 'none', noPort: false }, timed);
  expect(at.port).toBe(port);
  await fresh.handlers.unbind({ bound }, timed);
});

test('a mailbox is used once', async () => {
  const { fresh, mailbox, handed } = await handedOver();
  expect(() => fresh.handlers.takeOver({ mailbox }, timed)).toThrow(expect.objectContaining({ errno: 'EBADF' }));
  await fresh.handlers.unbind({ bound: handed }, timed);
});
