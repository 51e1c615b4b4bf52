import type { Address } from '../tcp/address.ts';
import type { Endpoint, Opened } from './endpoint.ts';
import type { WithOptions } from './options.ts';
import type { Peer } from './peer.ts';
import type { Step } from './step.ts';

/** An address of a peer's end with a port of the cell's: whether there is a socket is the scenario's matter. */
export interface Place {
  readonly at: Address;
}

/** SO_REUSEADDR, SO_REUSEPORT, both or neither, set before bind(2). */
export type Reuse = 'none' | 'addr' | 'port' | 'both';
/** The peer's address in the lab, every address, or another one that the lab has at the same end. */
export type Where = 'own' | 'wildcard' | 'other';

export interface BindOptions {
  readonly family?: 4 | 6;
  /** Default: one that this cell alone has. 0: one that the kernel chooses; tracepoints do not watch that. */
  readonly port?: number;
  /** Default `own`. */
  readonly at?: Where;
  /** Default `none`, which net has no way to ask for: libuv sets SO_REUSEADDR. */
  readonly reuse?: Reuse;
  /** IP_BIND_ADDRESS_NO_PORT, ip(7): with port 0, no port is taken before connect(2). Default false. */
  readonly noPort?: boolean;
  /** IPV6_V6ONLY, ipv6(7), set before bind(2). Absent: as the sysctl net.ipv6.bindv6only says, which is off. */
  readonly ipv6Only?: boolean;
}

/** A socket that is bound, and no more: made by libc, before net has it. */
export interface Bound extends WithOptions {
  readonly at: Address;
  /** listen(2), and hand it to net; what it accepts inherits its options. From then on the listener's `close()` closes it. */
  listen(options?: Pick<ListenOptions, 'backlog' | 'allowHalfOpen'>): Step<Listener>;
  /** listen(2) and never accept(2). From then on the queue's `close()` closes it. */
  queue(options?: Pick<ListenOptions, 'backlog'>): Step<Queue>;
  close(): Step;
}

/** A listening socket whose connections the kernel establishes and nobody accepts: they wait in its accept queue. */
export interface Queue extends WithOptions {
  readonly at: Address;
  close(): Step;
}

export interface Listener extends WithOptions {
  readonly at: Address;
  /** Resolves with the other end of a connection that was opened, when this listener's application has accepted it. */
  accepted(opened: Opened): Step<Endpoint>;
  /** Send its descriptor to another peer of the same end (SCM_RIGHTS, unix(7)), which has a copy then; this peer listens on. */
  handTo(peer: Peer): Step<Handed>;
  close(): Step;
}

/** A listening socket that another peer handed over: connections wait in its queue until someone serves. */
export interface Handed extends WithOptions {
  readonly at: Address;
  /** Resolves when so many connections wait to be accepted. */
  queued(connections: number): Step;
  /** Hand it to net, which accepts from then on: `server.listen({ fd })`. */
  serve(options?: Pick<ListenOptions, 'backlog' | 'allowHalfOpen'>): Step<Listener>;
  /** Close this peer's copy. */
  close(): Step;
}

export interface ListenOptions {
  readonly family?: 4 | 6;
  readonly port?: number;
  /** Default `own`. */
  readonly at?: Where;
  /** Set before bind(2) on a socket made by libc. Absent: net's own way, which is `addr`. */
  readonly reuse?: Reuse;
  readonly backlog?: number;
  /** net's `allowHalfOpen` for accepted sockets; default true, so that the scenario decides who closes second. */
  readonly allowHalfOpen?: boolean;
}
