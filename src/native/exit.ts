import { loadKoffi } from './koffi.ts';

/**
 * _exit(2): ends the process from whatever thread, without a word to any other. process.exit() first joins V8's threads, one of
 * which may wait for a collection that only this thread could make: nodejs/node#54918, for good. Here and not in libc.ts, so that
 * a program which needs nothing else of libc loads it only to end.
 */
export function exitNow(code: number): never {
  loadKoffi().load('libc.so.6').func('void _exit(int)')(code);
  throw new Error('unreachable: _exit(2) does not return');
}
