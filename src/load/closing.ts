import type { Socket } from 'node:net';
import type { LoadClose } from '../experiment/load.ts';
import { lingerSetter } from '../native/sockets.ts';
import { descriptorOf } from '../peers/net-handle.ts';

/** Seconds of SO_LINGER, where a way to close sets it. */
export const lingers: Partial<Record<LoadClose, number>> = { 'linger-0': 0, 'linger-1': 1 };

/** Whether a way to close is over for its process when the call returns; the others wait for the other end. */
export const isAtOnce = (by: LoadClose): boolean => by !== 'end' && by !== 'half-close';

function lingerThenDestroy(seconds: number): (socket: Socket) => void {
  const linger = lingerSetter(seconds);
  return (socket) => {
    const fd = descriptorOf(socket);
    if (fd !== undefined) linger(fd);
    socket.destroy();
  };
}

/** What is called to close, once the response is there. A half-closed end has ended already. */
export const closings: Readonly<Record<LoadClose, (socket: Socket) => void>> = {
  end: (socket) => socket.end(),
  destroy: (socket) => socket.destroy(),
  'half-close': () => undefined,
  'linger-0': lingerThenDestroy(0),
  'linger-1': lingerThenDestroy(1),
  resetAndDestroy: (socket) => socket.resetAndDestroy(),
};
