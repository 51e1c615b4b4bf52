/**
 * Linux UAPI constants. x86-64 and arm64 both take include/uapi/asm-generic for sockets, ioctls and open flags used here
 * (arch/x86 and arch/arm64 `include/uapi/asm/{socket,ioctls}.h` only include it; arm64 differs in O_DIRECTORY, O_NOFOLLOW,
 * O_DIRECT and O_LARGEFILE, none of which is here), so one table is right on both.
 */
export const socketConstants = {
  AF_UNSPEC: 0,
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_KEEPALIVE: 9,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  SO_BINDTODEVICE: 25,
  IPPROTO_IP: 0,
  IP_FREEBIND: 15,
  IP_TRANSPARENT: 19,
  IP_BIND_ADDRESS_NO_PORT: 24,
  IP_LOCAL_PORT_RANGE: 51,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  TCP_MAXSEG: 2,
  TCP_KEEPIDLE: 4,
  TCP_KEEPINTVL: 5,
  TCP_KEEPCNT: 6,
  TCP_SYNCNT: 7,
  TCP_LINGER2: 8,
  TCP_DEFER_ACCEPT: 9,
  TCP_INFO: 11,
  TCP_QUICKACK: 12,
  TCP_CONGESTION: 13,
  TCP_USER_TIMEOUT: 18,
  TCP_FASTOPEN: 23,
  SCM_RIGHTS: 1,
  MSG_DONTWAIT: 0x40,
  MSG_CMSG_CLOEXEC: 0x40000000,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
} as const;

/** include/uapi/asm-generic/poll.h */
export const pollConstants = {
  POLLIN: 0x0001,
  POLLPRI: 0x0002,
  POLLOUT: 0x0004,
  POLLERR: 0x0008,
  POLLHUP: 0x0010,
  POLLNVAL: 0x0020,
  POLLRDHUP: 0x2000,
} as const;

/** include/uapi/linux/netlink.h */
export const NETLINK_SOCK_DIAG = 4;

/** include/uapi/linux/sched.h */
export const CLONE_NEWNS = 0x00020000;
export const CLONE_NEWNET = 0x40000000;

/** include/uapi/linux/prctl.h */
export const PR_SET_PDEATHSIG = 1;

/** include/uapi/linux/sched.h */
export const SCHED_RR = 2;

/** include/uapi/linux/time.h */
export const CLOCK_MONOTONIC = 1;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_COARSE = 6;
export const TIMER_ABSTIME = 1;

/** include/uapi/linux/resource.h */
export const RUSAGE_SELF = 0;
export const RUSAGE_CHILDREN = -1;

/** Which clock of a process a clock id means, in its lowest bits: include/linux/posix-timers_types.h. */
export const CPUCLOCK_PROF = 0;
export const CPUCLOCK_VIRT = 1;
export const CPUCLOCK_SCHED = 2;
export const CPUCLOCK_CLOCK_MASK = 3;

/** include/uapi/linux/timerfd.h: O_NONBLOCK, O_CLOEXEC */
export const TFD_NONBLOCK = 0o4000;
export const TFD_CLOEXEC = 0o2000000;
export const TFD_TIMER_ABSTIME = 1;

/** include/uapi/linux/sockios.h and if.h */
export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const SIOCSIFADDR = 0x8916;
export const SIOCGIFINDEX = 0x8933;
export const IFF_UP = 1;

/** include/uapi/linux/sockios.h: FIONREAD of include/uapi/asm-generic/ioctls.h. */
export const SIOCINQ = 0x541b;
/** TIOCOUTQ of the same file. */
export const SIOCOUTQ = 0x5411;

/** include/uapi/linux/if_tun.h */
export const TUNSETIFF = 0x400454ca;
export const IFF_TUN = 0x0001;
export const IFF_NO_PI = 0x1000;

/** include/uapi/linux/mount.h */
export const MS_REC = 0x4000;
export const MS_PRIVATE = 0x40000;

/** include/uapi/asm-generic/fcntl.h */
export const LOCK_EX = 2;
export const LOCK_NB = 4;

/** glibc: posix/spawn.h */
export const POSIX_SPAWN_SETSIGDEF = 0x04;
export const POSIX_SPAWN_SETSIGMASK = 0x08;
export const POSIX_SPAWN_SETSID = 0x80;

/** include/uapi/linux/wait.h */
export const WNOHANG = 1;
