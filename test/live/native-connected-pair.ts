/** Joins two net sockets over loopback, and prints what their descriptors say while one end closes, then the other. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import {
  getOption,
  pendingError,
  receiveQueue,
  sendQueue,
  setOption,
  shutdownSocket,
  tcpInfo,
} from '../../src/native/sockets.ts';
import { descriptorOf } from '../../src/peers/net-handle.ts';
import type { TcpInfo } from '../../src/tcp/info.ts';
import type { SocketOption, SocketOptions } from '../../src/tcp/socket-options.ts';

export interface Printed {
  readonly options: Record<string, unknown>;
  readonly listening: string;
  readonly accepted: Record<string, unknown>;
  readonly established: readonly TcpInfo[];
  readonly halfClosed: readonly string[];
  /** Of an end whose other end does not read: what it wrote, what the other kernel took, and what it holds of it itself. */
  readonly held: {
    readonly written: number;
    readonly taken: number;
    readonly sendQueue: number;
    readonly notSent: number;
  };
  readonly reset: { readonly state: string; readonly error: string; readonly again: string };
}

const fdOf = (socket: object): number => {
  const fd = descriptorOf(socket as Socket);
  if (fd === undefined) throw new Error('no descriptor');
  return fd;
};
const settled = async (look: () => string, wanted: string): Promise<string> => {
  for (let tries = 0; tries < 500 && look() !== wanted; tries++) await new Promise((resolve) => setTimeout(resolve, 2));
  return look();
};

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
await once(server, 'listening');
setOption(fdOf(server), 'SO_LINGER', 7);
setOption(fdOf(server), 'TCP_LINGER2', 9);

async function pair(): Promise<readonly [Socket, Socket]> {
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  if (near.connecting) await once(near, 'connect');
  return [near.on('error', () => undefined), far.on('error', () => undefined)];
}

const [near, far] = await pair();
/** Those whose value is one word. */
type Plain = Exclude<SocketOption, 'IP_LOCAL_PORT_RANGE'>;
const values: readonly { readonly [O in Plain]: readonly [O, SocketOptions[O]] }[Plain][] = [
  ['SO_LINGER', 0],
  ['SO_LINGER', 5],
  ['SO_LINGER', 'off'],
  ['TCP_LINGER2', 3],
  ['TCP_LINGER2', -1],
  ['SO_REUSEADDR', true],
  ['SO_REUSEPORT', true],
  ['IP_BIND_ADDRESS_NO_PORT', true],
];
const options: Record<string, unknown> = {};
for (const [option, value] of values) {
  setOption(fdOf(near), option, value);
  options[`${option} ${value}`] = getOption(fdOf(near), option);
}
const accepted = Object.fromEntries(
  (['SO_LINGER', 'TCP_LINGER2', 'SO_REUSEADDR'] as const).map((option) => [option, getOption(fdOf(far), option)]),
);
const established = [tcpInfo(fdOf(near)), tcpInfo(fdOf(far))];
shutdownSocket(fdOf(near), 'WR');
const halfClosed = [
  await settled(() => tcpInfo(fdOf(near)).state, 'FIN-WAIT-2'),
  await settled(() => tcpInfo(fdOf(far)).state, 'CLOSE-WAIT'),
];

const [writer, reader] = await pair();
const written = 1_000_000;
writer.write(Buffer.alloc(written));
// when none of it is on its way any more
await settled(
  () => String(sendQueue(fdOf(writer)) + receiveQueue(fdOf(reader)) + writer.writableLength),
  String(written),
);
const held = {
  written: written - writer.writableLength,
  taken: receiveQueue(fdOf(reader)),
  sendQueue: sendQueue(fdOf(writer)),
  notSent: tcpInfo(fdOf(writer)).notSentBytes,
};

const [first, second] = await pair();
setOption(fdOf(first), 'SO_LINGER', 0);
first.destroy();
const state = await settled(() => tcpInfo(fdOf(second)).state, 'CLOSED');
const reset = { state, error: pendingError(fdOf(second)), again: pendingError(fdOf(second)) };

const printed: Printed = {
  options,
  listening: tcpInfo(fdOf(server)).state,
  accepted,
  established,
  halfClosed,
  held,
  reset,
};
process.stdout.write(JSON.stringify(printed), () => process.exit(0));
