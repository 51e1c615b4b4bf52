import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { structLinger, tcpInfo } from '../../src/native/sockets.ts';
import { closingHandlers } from '../../src/peers/closing.ts';
import { type Held, Sockets } from '../../src/peers/sockets.ts';

const timed = <T>(call: () => T): T => call();

let server: Server;
let far: Socket;
let near: Held;
let sockets: Sockets;
let handlers: ReturnType<typeof closingHandlers>;

beforeEach(async () => {
  const now = () => 0;
  sockets = new Sockets('client', now, () => undefined);
  handlers = closingHandlers(sockets, { name: 'client', now, origin: 0n, index: 0, parent: process.pid });
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  near = sockets.add(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  [far] = (await accepted) as [Socket];
  // what becomes of it is what is asked for; a RST is an 'error' here
  far.on('error', () => undefined);
  if (!near.seen.has('connect')) await once(near.socket, 'connect');
});
afterEach(() => {
  near.socket.destroy();
  far.destroy();
  server.close();
});

describe('a duplicate of an endpoint', () => {
  const ask = () => ({ endpoint: near.id });
  const duplicateOf = async () => (await handlers.dup(ask(), timed)).duplicate;

  test('is another descriptor of the same socket', async () => {
    const duplicate = await duplicateOf();
    const [first, second] = [sockets.descriptor(near.id, 'test'), sockets.descriptor(duplicate, 'test')];
    expect(second).not.toBe(first);
    expect(structLinger(second)).toEqual(structLinger(first));
    await handlers.closeDuplicate({ ...ask(), duplicate, thread: 'main' }, timed);
  });

  test.each(['main', 'pool'] as const)('closed in the %s thread leaves the connection to the other', async (thread) => {
    const duplicate = await duplicateOf();
    await handlers.closeDuplicate({ ...ask(), duplicate, thread }, timed);
    expect(() => sockets.descriptor(duplicate, 'close')).toThrow(expect.objectContaining({ errno: 'EBADF' }));
    expect(tcpInfo(sockets.descriptor(near.id, 'test')).state).toBe('ESTABLISHED');
  });

  test.each(['main', 'pool'] as const)(
    'that is closed last, in the %s thread, closes the connection',
    async (thread) => {
      const duplicate = await duplicateOf();
      near.socket.destroy();
      await once(near.socket, 'close');
      expect(tcpInfo(sockets.descriptor(duplicate, 'test')).state).toBe('ESTABLISHED');
      const ended = once(far.resume(), 'end');
      await handlers.closeDuplicate({ ...ask(), duplicate, thread }, timed);
      await ended;
    },
  );

  test('of a socket that net has closed is refused', async () => {
    near.socket.destroy();
    await once(near.socket, 'close');
    expect(() => handlers.dup(ask(), timed)).toThrow(expect.objectContaining({ syscall: 'dup', errno: 'EBADF' }));
  });
});

describe('a second way of closing in the same turn', () => {
  test('follows the first: a reset after end() is refused by libuv', async () => {
    const failed = once(near.socket, 'error');
    const fd = sockets.descriptor(near.id, 'test');
    await handlers.close({ endpoint: near.id, by: 'end', andThen: 'resetAndDestroy' }, timed);
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'reset' });
    await once(far.resume(), 'end');
    // net has let go of the descriptor without closing it; libuv still has it, so nobody else may close it
    expect(tcpInfo(fd).state).toMatch(/^FIN-WAIT/);
  });

  test('follows shutdown(2), too', async () => {
    const { duplicate } = await handlers.dup({ endpoint: near.id }, timed);
    const fd = sockets.descriptor(duplicate, 'test');
    const gone = once(near.socket, 'close');
    await handlers.shutdown({ endpoint: near.id, how: 'WR', andThen: 'resetAndDestroy' }, timed);
    await gone;
    // shut down, and what libuv does before it closes to reset
    expect(tcpInfo(fd).state).toMatch(/^FIN-WAIT/);
    expect(structLinger(fd)).toEqual({ l_onoff: 1, l_linger: 0 });
    await handlers.closeDuplicate({ endpoint: near.id, duplicate, thread: 'main' }, timed);
  });
});
