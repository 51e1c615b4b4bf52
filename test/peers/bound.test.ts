import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { boundHandlers, listenFresh } from '../../src/peers/bound.ts';
import { Sockets } from '../../src/peers/sockets.ts';

const address = '127.0.0.1';
const timed = <T>(call: () => T): T => call();
const sockets = () =>
  new Sockets(
    'server',
    () => 0,
    () => undefined,
  );

let open: (() => unknown)[] = [];
beforeEach(() => {
  open = [];
});
afterEach(async () => {
  for (const close of open) await close();
});

function peer() {
  const held = sockets();
  const handlers = boundHandlers(held);
  const bind = async (port: number, reuse: 'none' | 'addr' | 'port' | 'both', noPort = false) => {
    const made = await handlers.bind({ address, port, reuse, noPort }, timed);
    open.push(() => Promise.resolve(handlers.unbind({ bound: made.bound }, timed)));
    return made;
  };
  const listen = async (bound: number) => {
    const made = await handlers.listenBound({ bound, allowHalfOpen: true }, timed);
    open.pop();
    open.push(() => held.listener(made.listener).close());
    return made;
  };
  return { held, handlers, bind, listen };
}

describe('a bound socket', () => {
  test('has its port, which another without options is refused', async () => {
    const { bind } = peer();
    const { at } = await bind(0, 'none');
    expect(at.address).toBe(address);
    expect(at.port).toBeGreaterThan(0);
    await expect(bind(at.port, 'none')).rejects.toMatchObject({ syscall: 'bind', errno: 'EADDRINUSE' });
  });

  test.each([
    ['addr', 'addr', true],
    ['port', 'port', true],
    ['addr', 'port', false],
    ['none', 'both', false],
  ] as const)('with %s shares it with one with %s: %s', async (first, second, shares) => {
    const { bind } = peer();
    const { at } = await bind(0, first);
    const again = await bind(at.port, second).then(
      () => true,
      () => false,
    );
    expect(again).toBe(shares);
  });

  test('has no port yet with IP_BIND_ADDRESS_NO_PORT', async () => {
    const { bind } = peer();
    expect((await bind(0, 'none', true)).at).toEqual({ address, port: 0 });
  });

  test('that is closed gives its port back, and is no socket any more', async () => {
    const { handlers, bind } = peer();
    const { bound, at } = await bind(0, 'none');
    open = [];
    await handlers.unbind({ bound }, timed);
    expect((await bind(at.port, 'none')).at).toEqual(at);
    expect(() => handlers.unbind({ bound }, timed)).toThrow(expect.objectContaining({ errno: 'EBADF' }));
  });

  test('that listens accepts through net', async () => {
    const { held, bind, listen } = peer();
    const { bound, at } = await bind(0, 'none');
    const { listener } = await listen(bound);
    const accepted = new Promise((resolve) => held.listener(listener).once('connection', resolve));
    const socket = connect(at.port, address);
    await accepted;
    socket.resetAndDestroy();
  });

  test('that queues connections accepts none of them, and resets them when it is closed', async () => {
    const { handlers, bind } = peer();
    const { bound, at } = await bind(0, 'none');
    await handlers.queue({ bound }, timed);
    const socket = connect(at.port, address);
    await once(socket, 'connect');
    const failed = once(socket, 'error');
    open = [];
    await handlers.unbind({ bound }, timed);
    const [error] = await failed;
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  test('that is refused listen stays bound', async () => {
    const { handlers, bind, listen } = peer();
    const one = await bind(0, 'addr');
    const two = await bind(one.at.port, 'addr');
    await listen(two.bound);
    const refused = Promise.resolve(handlers.listenBound({ bound: one.bound, allowHalfOpen: true }, timed));
    await expect(refused).rejects.toMatchObject({ syscall: 'listen', errno: 'EADDRINUSE' });
    // it has its descriptor still
    open = [() => handlers.unbind({ bound: one.bound }, timed), ...open.slice(1)];
  });
});

describe('a knock', () => {
  test('is answered where someone listens, and refused where nobody does', async () => {
    const { held, handlers } = peer();
    const { listener, at } = await listenFresh(held, { address, port: 0, reuse: 'none', allowHalfOpen: true }, timed);
    await expect(handlers.knock({ to: at }, timed)).resolves.toBeUndefined();
    const closed = new Promise((resolve) => held.listener(listener).once('close', resolve));
    held.listener(listener).close();
    await closed;
    await expect(handlers.knock({ to: at }, timed)).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
  });
});

test('a queue on a socket that was bound without a port has the port that listen(2) chose', async () => {
  const { handlers, bind } = peer();
  const { bound, at } = await bind(0, 'none', true);
  expect(at.port).toBe(0);
  const { at: listens } = await handlers.queue({ bound }, timed);
  expect(listens).toEqual({ address, port: expect.toSatisfy((port: number) => port > 0) });
});
