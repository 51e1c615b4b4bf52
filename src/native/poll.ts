import koffi from 'koffi';

/** Watches a descriptor until it is disposed of, which has to be before the descriptor is closed. */
export interface Watch extends Disposable {
  /** Keeps the event loop alive only while this is so; it does at first. */
  unref(): void;
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
