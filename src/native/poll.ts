import { loadKoffi } from './koffi.ts';

const koffi = loadKoffi();

/** Watches a descriptor until it is disposed of, which has to be before the descriptor is closed. */
export interface Watch extends Disposable {
  /** Keeps the event loop alive only while this is so; it does at first. */
  unref(): void;
}

/** What a descriptor is watched for: uv_poll_t's events. An error and a hang-up are always among them. */
export interface Readiness {
  readonly readable?: boolean;
  readonly writable?: boolean;
  /** The other end sent its FIN: EPOLLRDHUP. */
  readonly disconnect?: boolean;
}

/**
 * Resolves when a descriptor is ready, or the milliseconds are over. Nothing else may watch it through libuv: a duplicate may be
 * watched. It must stay open until then.
 */
export async function whenReady(fd: number, wanted: Readiness, withinMs?: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const handle = koffi.node.poll(fd, { ...wanted }, () => resolve());
  const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    handle.stop();
    handle.close();
  }
}

/** Call back in each turn of the event loop in which a descriptor is readable: level-triggered, uv_poll_t. */
export function whenReadable(fd: number, readable: () => void): Watch {
  const handle = koffi.node.poll(fd, { readable: true }, readable);
  return {
    unref: () => handle.unref(),
    [Symbol.dispose]() {
      handle.stop();
      handle.close();
    },
  };
}
