import type { End } from '../tcp/states.ts';
import type { Endpoint, Opened } from './endpoint.ts';
import type { BindOptions, Bound, Handed, Listener, ListenOptions, Place, Queue } from './listening.ts';
import type { Step } from './step.ts';

export interface ConnectOptions<Label extends string> {
  /** The connection's label, one of the experiment's `connections`. */
  readonly as?: Label;
  /**
   * An attempt made once more: facts of its label are of this connection, and of none that was called so before. Where none
   * says so, those of several that share a label are unknown.
   */
  readonly again?: boolean;
  readonly allowHalfOpen?: boolean;
  readonly localPort?: number;
  /** To a listener on `::`: over IPv4 or IPv6. Default: the family of its address. */
  readonly family?: 4 | 6;
}

/**
 * Ways for a process to end: `process.exit()`; its event loop has nothing left to do, its sockets being unref'd; an exception
 * that nobody catches; a signal.
 */
export type EndBy = 'process.exit' | 'natural' | 'exception' | 'SIGTERM' | 'SIGKILL';

/** How a process ended. */
export interface Ended {
  /** `exit code 0`, or the name of the signal. */
  readonly how: string;
  /** From its last own doing, or from the signal, until it was gone with its descriptors; some ms of it are the harness's. */
  readonly ms: number;
}

/** Signals that a peer can be made to catch; uncaught, each ends it. */
export type CaughtSignal = 'SIGHUP' | 'SIGALRM' | 'SIGUSR2';

/** A process that obeys the scenario's steps. */
export interface Peer<Label extends string = string> {
  readonly name: string;
  readonly pid: number;
  listen(options?: ListenOptions): Step<Listener>;
  bind(options?: BindOptions): Step<Bound>;
  /** Connect, and reset at once: says whether someone listens there, and leaves no socket and no TIME-WAIT behind. */
  knock(on: Listener | Handed, options?: Pick<ConnectOptions<Label>, 'family'>): Step;
  /** Both ends, established: the connecting one first. */
  connect(to: Listener | Handed, options?: ConnectOptions<Label>): Step<readonly [Endpoint, Endpoint]>;
  /**
   * Connect to where nobody accepts: established at both ends, but no process has the other one, so it has facts of its
   * socket and none of an application.
   */
  join(queue: Queue, options?: ConnectOptions<Label>): Step<Endpoint>;
  /** An address of its own with a port that this cell alone has, and nothing bound to it. */
  place(options?: { readonly family?: 4 | 6 }): Place;
  /**
   * Send a SYN: resolves when connect(2) has returned, with an end that is in SYN-SENT then. With `localPort` from this
   * peer's own address in the lab, that of its places. To a place from which another peer opens to this one's: the other end of
   * the same connection; the client's peer opens first. To its own: one socket that is both ends, whose facts are the client's.
   */
  open(to: Listener | Handed | Queue | Bound | Place, options?: ConnectOptions<Label>): Step<Opened>;
  /**
   * Send a signal; SIGKILL and SIGTERM end it, SIGSTOP pauses it until SIGCONT. Resolves when it has taken effect; one that
   * it catches: when the kernel has delivered it.
   */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' | CaughtSignal): Promise<void>;
  /** Catch a signal from now on, with a handler that does nothing: `process.on(signal, () => {})`. */
  survive(signal: CaughtSignal): Step;
  /** End the process; resolves when it is gone. Steps that it had not answered reject with PEER_DIED. */
  end(by: EndBy): Step<Ended>;
}

export interface StartOptions {
  /** The namespace it is in: the client's or the server's. Default `client`. */
  readonly where?: End;
  /** The user whose it is, by setuid(2) before its first step. The experiment says `needs: () => ['another-user']`. */
  readonly uid?: number;
}
