import type { Server, Socket } from 'node:net';

/** What libuv's handle has, in a property of net's sockets that has no types. */
interface Handle {
  readonly fd: number;
  reading: boolean;
  readStart(): number;
  readStop(): number;
}
const handleOf = (socket: Socket | Server) => (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;

/** The descriptor of a net socket while net has it. */
export const descriptorOf = (socket: Socket | Server): number | undefined => {
  const fd = handleOf(socket)?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
};

/** Take nothing more from the kernel until {@link startReading}. */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle = handleOf(socket);
  if (!handle) return;
  handle.reading = false;
  handle.readStop();
}

/** Read again, after `pause()` as after {@link stopReading}: net itself starts a handle only when it has asked for nothing. */
export function startReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle && !handle.reading) {
    handle.reading = true;
    handle.readStart();
  }
  socket.resume();
}

/**
 * Calls `before` once, before net closes the descriptor, and `after` behind it, whoever destroys the socket: the scenario, an
 * error, or net at the end.
 */
export function aroundClosing(socket: Socket, before: () => void, after: () => void): void {
  const destroy = socket._destroy.bind(socket);
  socket._destroy = (error, done) => {
    before();
    destroy(error, done);
    after();
  };
}
