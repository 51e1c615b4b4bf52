/** Makes sockets of several states and families, and prints what `ss` and the kernel itself say of them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { dumpSockets } from '../../src/observers/sockets/netlink.ts';
import { parseSs } from '../../src/observers/sockets/ss-text.ts';
import type { SsSocket } from '../../src/record/event.ts';

export interface Printed {
  readonly ss: readonly SsSocket[];
  readonly netlink: readonly SsSocket[];
}

const ends: Socket[] = [];

/** A listener at an address, and what its connection is left in. */
async function leave(address: string, to: string, how: 'open' | 'half-closed' | 'closed'): Promise<void> {
  const server = createServer({ allowHalfOpen: true }).listen(0, address);
  await once(server, 'listening');
  const near = connect({ port: (server.address() as AddressInfo).port, host: to, allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  ends.push(
    near.on('error', () => undefined),
    far.on('error', () => undefined),
  );
  if (near.connecting) await once(near, 'connect');
  if (how === 'open') return;
  far.resume();
  near.end();
  await once(far, 'end');
  if (how === 'closed') {
    far.end();
    near.resume();
    await once(near, 'close');
  }
}

for (const [address, to] of [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['::', '127.0.0.1'],
] as const) {
  for (const how of ['open', 'half-closed', 'closed'] as const) await leave(address, to, how);
}
const printed: Printed = {
  ss: parseSs(execFileSync('ss', ['-tanHOeo'], { encoding: 'utf8' })).sockets,
  netlink: dumpSockets(),
};
process.stdout.write(JSON.stringify(printed), () => process.exit(0));
