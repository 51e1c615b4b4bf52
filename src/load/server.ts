import { createServer, type Socket } from 'node:net';
import { setOption } from '../native/sockets.ts';
import { descriptorOf } from '../peers/net-handle.ts';
import { lingers } from './closing.ts';
import type { ServeAsk } from './protocol.ts';

/** As many as a kernel takes by default, net.core.somaxconn. */
export const backlog = 4096;

interface Asking extends Socket {
  /** Bytes of the request that have not come. */
  missing: number;
  /** Requests that are still to be answered. */
  left: number;
}

/** A server that listens. */
export interface Serving {
  /** Listens no more; resolves when its connections are closed, too. */
  readonly close: () => Promise<void>;
}

/** Answer every request of so many bytes, and close first where the server is to. Resolves when it listens. */
export function serve(ask: ServeAsk): Promise<Serving> {
  const { closer, by, requestBytes, responseBytes, requests, port, reusePort } = ask;
  const response = Buffer.alloc(responseBytes, 'r');
  const closes = closer === 'server';
  // listeners that all connections share: a closure for each would be garbage
  function closeIt(this: Socket): void {
    if (by === 'end' || by === 'half-close') this.end();
    else if (by === 'resetAndDestroy') this.resetAndDestroy();
    else this.destroy();
  }
  function onData(this: Asking, chunk: Buffer): void {
    this.missing -= chunk.length;
    if (this.missing > 0) return;
    this.missing = requestBytes;
    this.write(response);
    if (!closes || --this.left > 0) return;
    // mostly the kernel has taken it by now; a callback for each would be garbage
    if (this.writableLength === 0) closeIt.call(this);
    else this.once('drain', closeIt);
  }
  // net would call shutdown(2) before close(2): one more system call and one more object for each connection
  const server = createServer({ allowHalfOpen: true });
  server.on('connection', (socket: Socket) => {
    const asking = socket as Asking;
    asking.missing = requestBytes;
    asking.left = requests;
    socket
      .on('data', onData as (chunk: Buffer) => void)
      .on('error', ignore)
      .on('end', closeToo);
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen({ port, host: '0.0.0.0', backlog, reusePort }, () => {
      const linger = closes ? lingers[by] : undefined;
      // what it accepts inherits it
      if (linger !== undefined) setOption(descriptorOf(server) as number, 'SO_LINGER', linger);
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}

/** Ignores a socket's error: a reset is one of the ways to close, and the client measures its cost. */
const ignore = (): void => undefined;
/** Closes an end whose other end has ended; behind the response, where that is not written yet. */
function closeToo(this: Socket): void {
  if (this.writableLength === 0) this.destroy();
  else this.end();
}
