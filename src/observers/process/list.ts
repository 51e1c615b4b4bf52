import { counters } from '../counters/observer.ts';
import type { Observer } from '../observer.ts';
import { sockets } from '../sockets/observer.ts';
import { tracepoints } from '../trace/observer.ts';

/** Every observer of the observer process, in the order in which they look. */
export const observers: readonly Observer[] = [sockets, tracepoints, counters];
