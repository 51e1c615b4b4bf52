import type { Settable, SocketOption, SocketOptions, StructLinger } from '../tcp/socket-options.ts';
import type { Step } from './step.ts';

export interface SetOptions {
  /** setsockopt(2)'s `optlen`, bytes; default the size of what the option takes. */
  readonly length?: number;
}

/** A socket whose options can be set, whether or not it is connected. */
export interface WithOptions {
  set<O extends SocketOption>(option: O, value: Settable<O>, how?: SetOptions): Step;
  get<O extends SocketOption>(option: O): Step<SocketOptions[O]>;
  /** SO_LINGER as getsockopt(2) gives it. */
  linger(): Step<StructLinger>;
}
