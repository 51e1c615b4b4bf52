import { createServer, type Server } from 'node:net';
import { LingerlabError } from '../errors.ts';

/** Listener ports of all runs: below the ephemeral range of every kernel (32768 on), so that no client's port falls into it. */
const first = 10_240;
const perRun = 1024;
const blocks = 22;

/** A block of ports that this run alone uses on this machine: tracepoints see every namespace and tell them apart by port. */
export interface Ports extends AsyncDisposable {
  readonly block: number;
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  take(): number;
  give(port: number): void;
}

/** The lock is an abstract Unix socket: it goes with its process, however that ends. */
function lock(block: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(`\0lingerlab-ports-${block}`, () => resolve(server.unref()));
  });
}

/** Lock a free block. Throws NO_PORTS when as many runs as there are blocks are at work. */
export async function lockPorts(): Promise<Ports> {
  for (let block = 0; block < blocks; block++) {
    const server = await lock(block);
    if (server) return ports(block, server);
  }
  throw new LingerlabError(
    'NO_PORTS',
    `${blocks} runs are at work on this machine`,
    'wait until one of them has ended',
  );
}

function ports(block: number, server: Server): Ports {
  const from = first + block * perRun;
  const free = Array.from({ length: perRun }, (_, index) => from + index);
  return {
    block,
    from,
    to: from + perRun,
    take() {
      const port = free.shift();
      if (port === undefined) {
        throw new LingerlabError('NO_PORTS', `all ${perRun} ports of this run are taken`, 'use fewer --jobs');
      }
      return port;
    },
    // to the end of the queue: a port rests as long as possible, so that late events of its last cell meet no new one
    give: (port) => void free.push(port),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
