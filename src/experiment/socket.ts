/** What handles of sockets have in common, whether net has the socket or libc: options, addresses. */
import type { Address } from '../tcp/address.ts';
import type { NumberedOption, Settable, SocketOption, SocketOptions, StructLinger } from '../tcp/socket-options.ts';
import type { Step } from './step.ts';

export interface SetOptions {
  /** setsockopt(2)'s `optlen`, bytes; default the size of what the option takes. */
  readonly length?: number;
}

/** A socket whose options can be set, whether or not it is connected. */
export interface WithOptions {
  /** Any option by its numbers; a number is an int of 4 bytes. The compiler explains what fits no overload by the last one. */
  set(option: NumberedOption, value: number | Uint8Array, how?: SetOptions): Step;
  set<O extends SocketOption>(option: O, value: Settable<O>, how?: SetOptions): Step;
  /** Any option by its numbers: as many bytes as the kernel gives, `length` at the most; default 4, an int. */
  get(option: NumberedOption, length?: number): Step<Uint8Array>;
  get<O extends SocketOption>(option: O): Step<SocketOptions[O]>;
  /** SO_LINGER as getsockopt(2) gives it. */
  linger(): Step<StructLinger>;
}

/** An address of a peer's end with a port of the cell's: whether there is a socket is the scenario's matter. */
export interface Place {
  readonly at: Address;
}

/**
 * The peer's address in the lab, from which it connects, too; every address; or another one that the lab has at the same end. On
 * loopback both peers have the same.
 */
export type Where = 'own' | 'wildcard' | 'other';
/**
 * An address as inet_pton(3) reads it; one that is mapped, `::ffff:127.0.0.1`, is of family 6; one of IPv6 may have a scope,
 * `fe80::1%veth0`. Whether the namespace has it is the kernel's to say: EADDRNOTAVAIL.
 */
export interface ExactAddress {
  readonly address: string;
}
/** Where a socket is bound: at an address of the lab, or exactly at this one. */
export type At = Where | ExactAddress;
/** Where a connection comes from. */
export type Source = Exclude<At, 'wildcard'>;
