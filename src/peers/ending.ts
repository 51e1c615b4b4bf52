import type { Handlers, Self } from './handler.ts';
import type { OwnEnd } from './protocol.ts';
import type { Sockets } from './sockets.ts';

const ways: Record<OwnEnd, (sockets: Sockets) => void> = {
  'process.exit': () => process.exit(0),
  natural(sockets) {
    // the channel to the harness keeps the event loop alive, and its end would end the process
    process.removeAllListeners('disconnect').disconnect();
    sockets.unref();
  },
  exception() {
    throw new Error('an exception that nobody catches, as the scenario asked');
  },
};

/** Verbs that end the process, or keep a signal from doing so. */
export const endingHandlers = (sockets: Sockets, { now }: Self): Pick<Handlers, 'end' | 'survive'> => ({
  survive({ signal }) {
    process.on(signal, () => undefined);
    return undefined;
  },
  end({ way }) {
    // the answer goes out first
    setImmediate(() => ways[way](sockets));
    return { atNs: now() };
  },
});
