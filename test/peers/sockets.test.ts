import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { clockSince } from '../../src/native/clock.ts';
import { descriptorOf } from '../../src/peers/net-handle.ts';
import { Sockets, when } from '../../src/peers/sockets.ts';
import type { NodeEvent } from '../../src/record/event.ts';

/** What Sockets uses of a net.Socket, so that its events can be emitted one by one. */
class Puppet extends EventEmitter {
  localAddress?: string;
  localPort?: number;
  remoteAddress?: string;
  remotePort?: number;
  _destroy(_error: Error | null, done: (error?: Error | null) => void) {
    done();
  }
  constructor(remoteAddress?: string, remotePort?: number) {
    super();
    Object.assign(this, { localAddress: '127.64.0.1', localPort: 10_240, remoteAddress, remotePort });
  }
}
const puppet = (address?: string, port?: number) => new Puppet(address, port) as unknown as Socket & Puppet;

function peer() {
  const heard: NodeEvent[] = [];
  let now = 0;
  const sockets = new Sockets(
    'server',
    () => ++now,
    (event) => {
      if (event.kind === 'node') heard.push(event);
    },
  );
  return { sockets, heard };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the endpoint from an address', () => {
  const client = { address: '127.0.0.1', port: 40_000 };

  test('is the accepted socket whose other end is there', async () => {
    const { sockets } = peer();
    sockets.add(puppet('127.0.0.1', 40_001));
    sockets.add(puppet('127.0.0.2', 40_000));
    const held = sockets.add(puppet('127.0.0.1', 40_000));
    expect((await sockets.from(client)).id).toBe(held.id);
  });

  test('is waited for', async () => {
    const { sockets } = peer();
    const server = new EventEmitter();
    sockets.addListener(server as Server);
    const found = sockets.from(client);
    server.emit('connection', puppet('127.0.0.1', 40_001));
    server.emit('connection', puppet('127.0.0.1', 40_000));
    expect((await found).remote).toEqual(client);
  });

  test('is a new one when the same address connects again', async () => {
    const { sockets } = peer();
    sockets.add(puppet('127.0.0.1', 40_000));
    const old = await sockets.from(client);
    let again: number | undefined;
    const found = sockets.from(client).then(({ id }) => {
      again = id;
    });
    await turn();
    expect(again).toBeUndefined();
    const held = sockets.add(puppet('127.0.0.1', 40_000));
    await found;
    expect(again).toBe(held.id);
    expect(again).not.toBe(old.id);
  });

  test('is an IPv4 address, though the socket has it mapped into IPv6', async () => {
    const { sockets } = peer();
    sockets.add(puppet('::ffff:127.0.0.1', 40_000));
    expect((await sockets.from(client)).remote.address).toBe('127.0.0.1');
  });
});

describe('a socket', () => {
  test('has each of its events heard, with its number and what came with them', () => {
    const { sockets, heard } = peer();
    const socket = puppet('127.0.0.1', 40_000);
    const { id } = sockets.add(socket);
    socket.emit('data', Buffer.alloc(3));
    socket.emit('end');
    socket.emit('finish');
    socket.emit('error', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
    socket.emit('close', true);
    expect(heard).toEqual(
      [
        { event: 'data', bytes: 3 },
        { event: 'end' },
        { event: 'finish' },
        { event: 'error', errno: 'ECONNRESET', syscall: 'read' },
        { event: 'close', hadError: true },
      ].map((event, index) => ({ t: index + 1, source: 'peer', kind: 'node', peer: 'server', endpoint: id, ...event })),
    );
  });

  test('keeps the first 64 KiB of what its application read, and no more', () => {
    const { sockets } = peer();
    const socket = puppet('127.0.0.1', 40_000);
    const held = sockets.add(socket);
    for (const [letter, bytes] of [
      ['a', 65_000],
      ['b', 600],
      ['c', 10],
    ] as const)
      socket.emit('data', Buffer.alloc(bytes, letter));
    expect(held.read).toBe(65_610);
    const heard = Buffer.concat(held.heard).toString('latin1');
    expect([heard.length, heard.slice(64_998, 65_003), heard.at(-1)]).toEqual([65_536, 'aabbb', 'b']);
  });

  test('has its addresses when it is connected', () => {
    const { sockets } = peer();
    const socket = puppet();
    const held = sockets.add(socket);
    expect(held.remote).toEqual({ address: '', port: 0 });
    Object.assign(socket, { remoteAddress: '::1', remotePort: 10_240 });
    socket.emit('connect');
    expect(held.remote).toEqual({ address: '::1', port: 10_240 });
  });

  test('that no number names is an error', () => {
    const { sockets } = peer();
    expect(() => sockets.get(7)).toThrow('no endpoint 7');
    expect(() => sockets.listener(7)).toThrow('no listener 7');
  });

  test('has no descriptor once net has let go of it', () => {
    const at = (handle: unknown) => descriptorOf({ _handle: handle } as unknown as Socket);
    expect([at({ fd: 17 }), at({ fd: -1 }), at(null), at(undefined)]).toEqual([17, undefined, undefined, undefined]);
  });
});

describe('waiting for a condition', () => {
  const waitForBytes = () => {
    const { sockets } = peer();
    const socket = puppet('127.0.0.1', 40_000);
    const held = sockets.add(socket);
    return { socket, waiting: when(held, () => held.read >= 10) };
  };

  test('resolves when events make it true, and not before', async () => {
    const { socket, waiting } = waitForBytes();
    let done = false;
    const noted = waiting.then(() => {
      done = true;
    });
    socket.emit('data', Buffer.alloc(6));
    await turn();
    expect(done).toBe(false);
    socket.emit('data', Buffer.alloc(4));
    await noted;
    expect(done).toBe(true);
  });

  test('rejects with what the socket failed with', async () => {
    const { socket, waiting } = waitForBytes();
    socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' }));
    await expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
  });

  test('rejects when the socket is closed before', async () => {
    const { socket, waiting } = waitForBytes();
    socket.emit('close', false);
    await expect(waiting).rejects.toMatchObject({ code: 'EBADF' });
  });
});

test('the clock counts nanoseconds from its origin', () => {
  const before = process.hrtime.bigint();
  const now = clockSince(before)();
  expect(now).toBeGreaterThanOrEqual(0);
  expect(now).toBeLessThanOrEqual(Number(process.hrtime.bigint() - before));
});
