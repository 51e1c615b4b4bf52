import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { clockSince } from '../../src/native/clock.ts';
import { tcpInfo } from '../../src/native/sockets.ts';
import { openingHandlers } from '../../src/peers/opening.ts';
import { Sockets } from '../../src/peers/sockets.ts';

const timed = <T>(call: () => T): T => call();

let server: Server;
let port: number;
let sockets: Sockets;
let handlers: ReturnType<typeof openingHandlers>;

beforeEach(async () => {
  const origin = process.hrtime.bigint();
  const now = clockSince(origin);
  sockets = new Sockets('client', now, () => undefined);
  handlers = openingHandlers(sockets, { name: 'client', now, origin, index: 0, parent: process.pid });
  server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as { port: number });
});
afterEach(() => void server.close());

const open = (to: number, localPort?: number) => {
  const from = localPort === undefined ? {} : { localPort };
  return handlers.open({ to: { address: '127.0.0.1', port: to }, allowHalfOpen: true, ...from }, timed);
};

test('an open has its port before net says that it is connected', async () => {
  const { endpoint, local, calledNs, sentNs } = await open(port);
  const held = sockets.get(endpoint);
  expect(held.seen).not.toContain('connect');
  expect(local).toEqual({ address: '127.0.0.1', port: expect.any(Number) });
  expect(local.port).toBeGreaterThan(0);
  expect(sentNs).toBeGreaterThan(calledNs);
  await handlers.connected({ endpoint }, timed);
  expect(held.local).toEqual(local);
  expect(tcpInfo(sockets.descriptor(endpoint, 'test')).state).toBe('ESTABLISHED');
  held.socket.resetAndDestroy();
});

test('a refusal by the other end is one of `connected`, timed from connect(2) on', async () => {
  server.close();
  await once(server, 'close');
  const { endpoint, calledNs } = await open(port);
  const took = vi.fn();
  await expect(handlers.connected({ endpoint }, timed, took)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(took).toHaveBeenCalledExactlyOnceWith(calledNs, expect.any(Number));
  // asked again later, it is what it was
  await expect(handlers.connected({ endpoint }, timed, took)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(took.mock.calls[1]).toEqual(took.mock.calls[0]);
});

test('a refusal by its own kernel is one of the open', async () => {
  await expect(open(port, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
