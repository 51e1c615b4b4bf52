import { constants } from 'node:os';
import { loadKoffi } from './koffi.ts';
import { whenReadable } from './poll.ts';

/** UV_SIGNAL of `uv_handle_type`, and UV_RUN_NOWAIT of `uv_run_mode`, uv.h. */
const UV_SIGNAL = 16;
const UV_RUN_NOWAIT = 2;

/** libuv's, as long as this process lives. */
const kept: Buffer[] = [];

/**
 * Calls back for each signal that this process gets, in the calling thread, whichever that is and whatever holds the others. Node
 * has signals for the main thread alone; libuv gives each to every loop that asks for it, and this asks for it with a loop of its
 * own. From then on the signals' default actions are off. Throws where this Node does not export libuv.
 */
export function watchSignals(names: readonly NodeJS.Signals[], seen: (name: NodeJS.Signals) => void): void {
  const koffi = loadKoffi();
  const uv = koffi.load(null);
  const call = (signature: string) => uv.func(signature);
  const [loopInit, run, backend] = [
    call('int uv_loop_init(void *)'),
    call('int uv_run(void *, int)'),
    call('int uv_backend_fd(void *)'),
  ];
  const callback = koffi.proto('void (void *, int)');
  const init = call('int uv_signal_init(void *, void *)');
  const start = uv.func('uv_signal_start', 'int', ['void *', koffi.pointer(callback), 'int']);
  const must = (result: unknown, what: string): void => {
    if (Number(result) < 0) throw new Error(`${what}: ${String(result)}`);
  };
  // of this size they are outside the heap, and do not move
  const loop = Buffer.alloc(Number(call('size_t uv_loop_size()')()));
  must(loopInit(loop), 'uv_loop_init');
  kept.push(loop);
  const handleBytes = Number(call('size_t uv_handle_size(int)')(UV_SIGNAL));
  const byNumber = new Map(names.map((name) => [constants.signals[name], name]));
  const told = koffi.register((_handle: unknown, number: number) => {
    const name = byNumber.get(number);
    if (name) seen(name);
  }, koffi.pointer(callback));
  for (const number of byNumber.keys()) {
    const handle = Buffer.alloc(handleBytes);
    must(init(loop, handle), 'uv_signal_init');
    must(start(handle, told, number), 'uv_signal_start');
    kept.push(handle);
  }
  const turn = (): void => void run(loop, UV_RUN_NOWAIT);
  // only a turn has the kernel watch what was started
  turn();
  whenReadable(Number(backend(loop)), turn).unref();
}
