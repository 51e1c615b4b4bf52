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
  /** Bytes; the kernel keeps twice as many, within its limits, socket(7). */
  SO_RCVBUF: number;
  /** Likewise. */
  SO_SNDBUF: number;
  /** The name of a device, or an empty text for none, socket(7). */
  SO_BINDTODEVICE: string;
  IP_BIND_ADDRESS_NO_PORT: boolean;
  /** Of which ports the kernel may choose one for this socket, ip(7). */
  IP_LOCAL_PORT_RANGE: PortRange;
  /** To bind an address that is not local, and to get what is sent to it; needs CAP_NET_ADMIN or CAP_NET_RAW, ip(7). */
  IP_TRANSPARENT: boolean;
  /** To bind an address that is not local, or not yet, ip(7). */
  IP_FREEBIND: boolean;
  /** Refused with EINVAL on a socket that is bound: see `ipv6Only` of {@link BindOptions}. */
  IPV6_V6ONLY: boolean;
  TCP_NODELAY: boolean;
  /** Bytes of the largest segment, tcp(7). */
  TCP_MAXSEG: number;
  /** SYNs that are sent again before connect(2) gives up, tcp(7). */
  TCP_SYNCNT: number;
  /** Of a listener: seconds that it waits for data before a connection can be accepted; the kernel keeps what its timer makes of them. */
  TCP_DEFER_ACCEPT: number;
  /** Of a listener: how many connections may wait that a SYN with data opened, tcp(7). */
  TCP_FASTOPEN: number;
  /** Whether data is acknowledged at once; the kernel changes it by itself, tcp(7). */
  TCP_QUICKACK: boolean;
  /** The name of an algorithm, tcp(7). */
  TCP_CONGESTION: string;
}
export type SocketOption = keyof SocketOptions;

/** From the first to the last, both included; 0: as the sysctl net.ipv4.ip_local_port_range says. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** struct linger of socket(7), field for field: switched off, the option keeps the seconds that it had. */
export interface StructLinger {
  readonly l_onoff: number;
  /** Seconds. */
  readonly l_linger: number;
}
/** What a socket option may be set to: SO_LINGER also to the kernel's own structure. */
export type Settable<O extends SocketOption> = SocketOptions[O] | (O extends 'SO_LINGER' ? StructLinger : never);

/** Levels of setsockopt(2) by their names. */
export const optionLevels = ['SOL_SOCKET', 'IPPROTO_IP', 'IPPROTO_IPV6', 'IPPROTO_TCP'] as const;

/** Any socket option, by the numbers that setsockopt(2) takes. */
export interface NumberedOption {
  readonly level: (typeof optionLevels)[number] | number;
  readonly name: number;
}
