import type { SsSocket } from '../record/event.ts';
import type { End } from '../tcp/states.ts';
import type { Side, Step } from './handles.ts';

/** A sysctl of a lab's namespace. */
export interface Sysctl {
  readonly value: string;
  /** What the kernel had made it, where the lab pins it to compare kernels and not hosts, or as the user asked; else the same. */
  readonly own: string;
}

/** How many TCP sockets there are, by /proc/net/sockstat of a namespace. */
export interface SocketCounts {
  /** Full sockets but TIME-WAIT, of both families. */
  readonly inUse: number;
  /** Mini-sockets: TIME-WAIT, and FIN-WAIT-2 of orphans. */
  readonly timeWait: number;
  /** Orphans of the whole host, whichever namespace's file is read. */
  readonly hostOrphans: number;
  /** Pages that the buffers of all TCP sockets of the host take. */
  readonly hostPages: number;
}

/** What can be read of a cell's namespaces. */
export interface Gauges {
  readonly sockets: (where: End) => SocketCounts;
  /**
   * Connections in SYN-RECEIVED in that end's namespace now, by /proc/net/tcp: requests, too. At once, where a look of `ss` has
   * its turn among those of all cells.
   */
  readonly synReceived: (where: End) => number;
  /** One slot of the kernel's timer wheel for a timer of so many seconds: how late it may be, in seconds. */
  readonly timerSlot: (seconds: number) => number;
  /** undefined where this kernel has none of that name. */
  readonly sysctl: (name: string, where?: End) => Sysctl | undefined;
}

/** What a scenario can look at and take away from outside the peers. */
export interface Instruments extends Gauges {
  /** What `ss` shows of the endpoint now; undefined where it shows nothing. Throws NOT_OBSERVED where the socket may be in what was not read. */
  readonly look: (endpoint: Side) => Promise<SsSocket | undefined>;
  /** Have the kernel destroy its socket: `ss -K`, ss(8). EOPNOTSUPP where it is still there afterwards. */
  readonly destroy: (endpoint: Side) => Step;
  /**
   * Give that end's namespace up: its peers are killed, and nothing of this program holds it. Resolves when the kernel has
   * taken it apart, with the seconds that took; needs `veth`, whose other end vanishes with it.
   */
  readonly abandon: (where: End) => Step<number>;
}
