/** Socket options with their values as a scenario writes them. */
export interface SocketOptions {
  /** Seconds, or `off`: {l_onoff, l_linger}, socket(7). */
  SO_LINGER: 'off' | number;
  /** Seconds that an orphan may stay in FIN-WAIT-2; -1: not at all, tcp(7). */
  TCP_LINGER2: number;
  /** Milliseconds that what is sent may stay unacknowledged; 0: as long as the sysctls say, tcp(7). */
  TCP_USER_TIMEOUT: number;
  SO_KEEPALIVE: boolean;
  /** Seconds without a segment from the other end before the first keepalive probe, tcp(7). */
  TCP_KEEPIDLE: number;
  /** Seconds from one unanswered probe to the next. */
  TCP_KEEPINTVL: number;
  /** Unanswered probes after which the connection is given up. */
  TCP_KEEPCNT: number;
  SO_REUSEADDR: boolean;
  SO_REUSEPORT: boolean;
  IP_BIND_ADDRESS_NO_PORT: boolean;
  /** Refused with EINVAL on a socket that is bound: see `ipv6Only` of {@link BindOptions}. */
  IPV6_V6ONLY: boolean;
}
export type SocketOption = keyof SocketOptions;

/** struct linger of socket(7), field for field: switched off, the option keeps the seconds that it had. */
export interface StructLinger {
  readonly l_onoff: number;
  /** Seconds. */
  readonly l_linger: number;
}
/** What a socket option may be set to: SO_LINGER also to the kernel's own structure. */
export type Settable<O extends SocketOption> = SocketOptions[O] | (O extends 'SO_LINGER' ? StructLinger : never);
