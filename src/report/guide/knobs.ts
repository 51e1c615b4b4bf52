import type { Knob } from '../../experiment/guide.ts';

/** Where a knob can be set, in the order of the guide's tables. */
export const places = [
  'sysctl',
  'systemd',
  'Docker',
  'Kubernetes',
  'Node',
  'nginx',
  'HAProxy',
  'Go',
  'Python',
] as const;
export type Place = (typeof places)[number];

/** What manuals say of a knob: nothing of it is measured. */
export interface KnobText {
  readonly what: string;
  /** What people say of it, right or wrong: the measured sentences answer that. */
  readonly said: string;
  /** When to use it, and how: goes on after a colon. */
  readonly use: string;
  /** When not to. */
  readonly avoid: string;
  /** How it is set; a place that is absent has no setting for it. */
  readonly settings: { readonly [P in Place]?: string };
  /** Experiments whose cells show what it does. */
  readonly shownBy: readonly string[];
}

/** A sysctl of a network namespace. `safe`: since which Kubernetes a pod may set it without a permission of the kubelet. */
function sysctl(name: string, value: string | number, safe?: string): KnobText['settings'] {
  const pod = `\`securityContext.sysctls: [{ name: ${name}, value: "${value}" }]\`, not with \`hostNetwork: true\``;
  const shell = String(value).includes(' ') ? `"${value}"` : value;
  return {
    sysctl: `\`sysctl -w ${name}=${shell}\``,
    systemd: `\`${name} = ${value}\` in a file of \`/etc/sysctl.d/\`, which systemd-sysctl reads`,
    Docker: `\`docker run --sysctl ${name}=${shell}\`, not with \`--network=host\``,
    Kubernetes: safe
      ? `${pod}, a safe sysctl ${safe}`
      : `${pod}, and \`--allowed-unsafe-sysctls=${name}\` of the kubelet`,
  };
}

const ipv4 = (name: string, value: string | number, safe?: string) => sysctl(`net.ipv4.${name}`, value, safe);

/** An option that a program sets on a socket in Go, before bind(2) or connect(2). */
const goControl = (call: string) => `\`Control\` of \`net.ListenConfig\` or \`net.Dialer\`: \`${call}\``;

/** Each knob, with what manuals say of it. */
export const knobTexts: Readonly<Record<Knob, KnobText>> = {
  'closing order': {
    what: 'Which end closes first. The application protocol decides it: Connection: close, and the idle timeouts of both ends.',
    said: 'TIME-WAIT is a problem of servers.',
    use: 'before all other knobs: let the end with room for TIME-WAIT close first, or keep connections open so that few close at all.',
    avoid: 'against the protocol: an end that closes while a request is on its way loses that request.',
    settings: {
      Node: 'client: `new http.Agent({ keepAlive: true })`; server: `server.keepAliveTimeout`, longer than the idle time of its clients and proxies',
      nginx:
        '`keepalive_timeout`; to upstreams: `keepalive 32;`, `proxy_http_version 1.1;`, `proxy_set_header Connection "";`',
      HAProxy: '`timeout http-keep-alive`; to servers: `http-reuse`',
      Go: 'client: `http.Transport.MaxIdleConnsPerHost`, and read each body to its end; server: `http.Server.IdleTimeout`',
      Python: 'client: one `requests.Session` or `http.client.HTTPConnection` for many requests',
    },
    shownBy: ['close-order', 'simultaneous-close', 'load'],
  },
  SO_LINGER: {
    what: 'A socket option: off (the default) lets the kernel send in the background, 0 resets at close(2), a positive time makes close(2) wait.',
    said: 'SO_LINGER 0 is the cure for TIME-WAIT; a positive SO_LINGER makes sure that the data arrives.',
    use: 'off for nearly all connections; 0 to end a connection whose data no longer matters: a client that misbehaves, a test, a health check.',
    avoid:
      '0 for a connection whose last bytes matter; a positive time in a program with an event loop: close(2) blocks the loop.',
    settings: {
      Node: '`socket.resetAndDestroy()` is SO_LINGER 0 for one connection, not for a TLSSocket; no setting for a time',
      nginx: '`reset_timedout_connection on;` is SO_LINGER 0 for clients that time out',
      HAProxy: '`option nolinger` is SO_LINGER 0',
      Go: '`(*net.TCPConn).SetLinger(0)`; −1 is off, n waits n seconds',
      Python: "`sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack('ii', 1, 0))`",
    },
    shownBy: ['linger', 'linger-wait', 'linger-on-a-real-path'],
  },
  TCP_LINGER2: {
    what: 'A socket option: how long a closed socket stays in FIN-WAIT-2, instead of tcp_fin_timeout; at most 120 s; −1 leaves FIN-WAIT-2 out.',
    said: 'TCP_LINGER2 shortens TIME-WAIT.',
    use: 'for single connections whose peers do not close, where tcp_fin_timeout of the whole namespace must stay.',
    avoid:
      '−1 on the end that closes first: it sends a RST once its FIN is acknowledged, also without more data, and keeps no TIME-WAIT.',
    settings: {
      Go: goControl('unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_LINGER2, 10)'),
      Python: '`sock.setsockopt(IPPROTO_TCP, TCP_LINGER2, 10)`',
    },
    shownBy: ['fin-wait-2', 'linger-states'],
  },
  SO_REUSEADDR: {
    what: 'A socket option: bind(2) may take a port on which connections are left, if both sockets have the option and none listens.',
    said: 'SO_REUSEADDR lets two servers share a port; it is needed on the new server only.',
    use: 'on every listening socket, from the first start of the server on: connections inherit it from their listener.',
    avoid: 'for two listeners on one port: that is SO_REUSEPORT.',
    settings: {
      systemd: 'systemd sets it on the sockets of socket units',
      Node: 'net sets it on every listener',
      nginx: 'nginx sets it on every listener',
      HAProxy: 'HAProxy sets it on every listener',
      Go: '`net.Listen()` sets it',
      Python:
        '`socket.create_server()` and `asyncio` set it; else `sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)`; `socketserver`: `allow_reuse_address = True`',
    },
    shownBy: ['server-restart', 'rebind', 'listening-port'],
  },
  SO_REUSEPORT: {
    what: 'A socket option: several sockets of one user listen on the same address and port, each with a queue of its own.',
    said: 'SO_REUSEPORT makes a restart lose no connection.',
    use: 'to spread accept(2) over processes, and to start a new server before the old one ends.',
    avoid: 'for restarts without tcp_migrate_req or a hand-over, if no connection in a queue may be lost.',
    settings: {
      systemd: '`ReusePort=yes` of a socket unit',
      Node: '`server.listen({ port, reusePort: true })`, since Node 22.12 and 23.1',
      nginx: '`listen 80 reuseport;`',
      HAProxy: 'on by default; `noreuseport` in `global` turns it off',
      Go: goControl('unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)'),
      Python: '`socket.create_server(address, reuse_port=True)`, `asyncio`: `reuse_port=True`',
    },
    shownBy: ['reuseport-listeners', 'listening-port', 'rebind'],
  },
  IP_BIND_ADDRESS_NO_PORT: {
    what: 'A socket option: bind(2) of an address with port 0 takes no port; connect(2) chooses it when the server is known.',
    said: 'A client that binds its source address has as many ports as one that does not.',
    use: 'in each client and proxy that binds a source address.',
    avoid: 'where the program must know its port before it connects.',
    settings: {
      nginx: 'nginx sets it for `proxy_bind`',
      HAProxy: 'HAProxy sets it for `source` with an address and no port',
      Go: `${goControl('unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)')}, with \`LocalAddr\``,
      Python: '`sock.setsockopt(IPPROTO_IP, 24, 1)` before `bind()`',
    },
    shownBy: ['ephemeral-ports'],
  },
  ip_local_port_range: {
    what: 'The ports that the kernel chooses for clients, by default 32768 to 60999: 28,232; ip_local_reserved_ports are left out.',
    said: 'A machine can have 65,535, or 28,232, connections.',
    use: 'a wider range on clients and proxies with many connections to one server address; reserve the ports of servers in it.',
    avoid:
      'a range over ports of servers that are not reserved: a client can take them, and the server does not start.',
    settings: {
      ...ipv4('ip_local_port_range', '10240 64999', 'in all versions'),
      sysctl:
        '`sysctl -w net.ipv4.ip_local_port_range="10240 64999"`, `sysctl -w net.ipv4.ip_local_reserved_ports=11211,15000-15010`',
      Kubernetes:
        '`securityContext.sysctls`: `net.ipv4.ip_local_port_range`, a safe sysctl; `net.ipv4.ip_local_reserved_ports`, safe since 1.27; not with `hostNetwork: true`',
      HAProxy: '`server … source 10.0.0.2:10240-65000`: HAProxy chooses the port itself',
    },
    shownBy: ['ephemeral-ports', 'local-port-range'],
  },
  tcp_tw_reuse: {
    what: 'Whether connect(2) may take a port in TIME-WAIT of this machine: 0 off, 1 on, 2 (the default) on loopback; tcp_tw_reuse_delay says from which age, since Linux 6.14, 1000 ms by default.',
    said: 'tcp_tw_reuse is dangerous; tcp_tw_reuse helps a server with many TIME-WAIT.',
    use: '1 on clients and proxies that open connections to the same servers faster than their ports allow.',
    avoid: 'for servers: only connect(2) reads tcp_tw_reuse. Reuse needs TCP timestamps at both ends.',
    settings: {
      ...ipv4('tcp_tw_reuse', 1),
      sysctl: '`sysctl -w net.ipv4.tcp_tw_reuse=1`; the age in ms: `net.ipv4.tcp_tw_reuse_delay`',
    },
    shownBy: ['time-wait-reuse', 'ephemeral-ports'],
  },
  tcp_fin_timeout: {
    what: 'How long a closed socket stays in FIN-WAIT-2, by default 60 s.',
    said: 'tcp_fin_timeout shortens TIME-WAIT.',
    use: 'a smaller value where peers often do not close, and FIN-WAIT-2 sockets fill memory or ports.',
    avoid: 'against TIME-WAIT, and never below the time that peers need to send their last data.',
    settings: ipv4('tcp_fin_timeout', 15, 'since 1.29'),
    shownBy: ['fin-wait-2', 'time-wait-length', 'server-restart'],
  },
  tcp_max_tw_buckets: {
    what: 'How many TIME-WAITs and orphans in FIN-WAIT-2 a namespace keeps in all; the default depends on memory.',
    said: 'A full table refuses new connections; a small limit is a cure for TIME-WAIT.',
    use: 'the default: memory per TIME-WAIT is small. Watch TcpExt TCPTimeWaitOverflow.',
    avoid: 'a small limit: connections beyond it end without TIME-WAIT and its protection.',
    settings: ipv4('tcp_max_tw_buckets', 262144),
    shownBy: ['time-wait-limit', 'old-duplicate'],
  },
  tcp_rfc1337: {
    what: 'Whether TIME-WAIT ignores every RST; 0 by default.',
    said: 'tcp_rfc1337 0 protects against TIME-WAIT assassination.',
    use: '1 where no late segment may end TIME-WAIT early.',
    avoid:
      'on servers with clients behind a NAT: a second client with the same port can be shut out for a minute or more.',
    settings: ipv4('tcp_rfc1337', 1),
    shownBy: ['time-wait-assassination', 'reconnect-at-time-wait', 'behind-nat'],
  },
  tcp_timestamps: {
    what: 'TCP timestamps, on by default: 12 bytes of each segment.',
    said: 'Timestamps cost performance and reveal the uptime; switch them off.',
    use: 'the default, 1: PAWS and the reuse of ports need them.',
    avoid: '0 on clients that open many connections: ports in TIME-WAIT then stay closed for a minute.',
    settings: ipv4('tcp_timestamps', 1),
    shownBy: ['time-wait-reuse', 'old-duplicate', 'simultaneous-close'],
  },
  backlog: {
    what: "listen(2)'s backlog, cut to net.core.somaxconn: how many connections wait for accept(2); with tcp_abort_on_overflow 1 a full queue answers the ACK of a handshake with a RST.",
    said: 'A full accept queue refuses clients.',
    use: 'a backlog for the longest pause of the server; watch TcpExt ListenOverflows.',
    avoid: 'tcp_abort_on_overflow 1, unless clients try again elsewhere at a RST.',
    settings: {
      ...sysctl('net.core.somaxconn', 4096),
      sysctl: '`sysctl -w net.core.somaxconn=4096`; `net.ipv4.tcp_abort_on_overflow` is 0 by default',
      systemd: '`Backlog=4096` of a socket unit; `net.core.somaxconn = 4096` in a file of `/etc/sysctl.d/`',
      Node: '`server.listen({ port, backlog: 4096 })`; the default is 511',
      nginx: '`listen 80 backlog=4096;`; the default on Linux is 511',
      HAProxy: '`backlog 4096`; the default is `maxconn`',
      Go: '`net.Listen()` takes net.core.somaxconn',
      Python: '`sock.listen(4096)`, `asyncio`: `backlog=4096`; the default of asyncio is 100',
    },
    shownBy: ['accept-queue'],
  },
  tcp_migrate_req: {
    what: 'Whether connections in the queue of a listener that stops move to another one of the same SO_REUSEPORT group; since Linux 5.14, 0 by default.',
    said: 'With SO_REUSEPORT a stopping listener loses nothing.',
    use: '1 where servers share a port by SO_REUSEPORT and restart one after the other.',
    avoid: 'where the listeners of one port serve different things.',
    settings: ipv4('tcp_migrate_req', 1),
    shownBy: ['reuseport-listeners'],
  },
  keepalive: {
    what: 'SO_KEEPALIVE with TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT: probes on an idle connection; off by default; the sysctls tcp_keepalive_time, _intvl and _probes, 7200 s, 75 s and 9, are the defaults of sockets with SO_KEEPALIVE.',
    said: 'Keepalive removes CLOSE-WAIT; keepalive is on by default.',
    use: 'on each connection that may be idle behind a firewall or NAT, with TCP_KEEPIDLE shorter than their idle timeout.',
    avoid: 'against a server that does not close: its descriptors stay.',
    settings: {
      ...ipv4('tcp_keepalive_time', 120, 'since 1.29'),
      systemd:
        '`KeepAlive=yes`, `KeepAliveTimeSec=120`, `KeepAliveIntervalSec=10`, `KeepAliveProbes=6` of a socket unit; sysctls as above in `/etc/sysctl.d/`',
      Node: '`socket.setKeepAlive(true, 120_000)`: probes each second, 10 of them; servers: `net.createServer({ keepAlive: true, keepAliveInitialDelay })`',
      nginx: '`listen 80 so_keepalive=2m:10s:6;`; to upstreams `proxy_socket_keepalive on;`',
      HAProxy:
        '`option clitcpka`, `clitcpka-idle 2m`, `clitcpka-intvl 10s`, `clitcpka-cnt 6`; to servers `srvtcpka` likewise',
      Go: 'on by default, 15 s; `KeepAliveConfig` of `net.Dialer` and `net.ListenConfig`, since Go 1.23',
      Python:
        '`sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)`, then `IPPROTO_TCP`: `TCP_KEEPIDLE`, `TCP_KEEPINTVL`, `TCP_KEEPCNT`',
    },
    shownBy: ['idle-behind-a-firewall', 'keepalive-and-user-timeout', 'close-wait', 'forgotten-by-nat'],
  },
  TCP_USER_TIMEOUT: {
    what: 'A socket option, in ms: how long sent data, or keepalive probes, may stay without an acknowledgement; 0 by default.',
    said: 'TCP_USER_TIMEOUT and TCP_KEEPCNT both apply.',
    use: 'with keepalive, as the one limit for idle and busy connections.',
    avoid: 'a value shorter than the interruptions that the path recovers from.',
    settings: {
      HAProxy: '`bind :80 tcp-ut 30s`, `server … tcp-ut 30s`',
      Go: goControl('unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30000)'),
      Python: '`sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 30000)`',
    },
    shownBy: ['keepalive-and-user-timeout', 'stuck-behind-a-firewall'],
  },
  tcp_retries2: {
    what: 'Limits how long the kernel retransmits for a socket that a process holds; the default, 15, stands for 924 s.',
    said: 'tcp_retries2 is the number of retransmissions.',
    use: 'a smaller value, such as 8, where a dead path must be noticed sooner, for all connections of the namespace.',
    avoid: 'for single connections: TCP_USER_TIMEOUT is a limit for one socket.',
    settings: ipv4('tcp_retries2', 8),
    shownBy: ['stuck-behind-a-firewall'],
  },
  tcp_orphan_retries: {
    what: 'Limits how long the kernel retransmits for a closed socket, in FIN-WAIT-1, CLOSING and LAST-ACK; 0, the default, stands for 8.',
    said: 'tcp_orphan_retries 0 means no retransmission; its default is 8.',
    use: 'a small value where closed sockets to dead clients fill memory.',
    avoid: 'a value so small that one lost segment of a last response ends the connection.',
    settings: ipv4('tcp_orphan_retries', 3),
    shownBy: ['stuck-behind-a-firewall', 'orphan-behind-a-closed-window'],
  },
  tcp_max_orphans: {
    what: 'How many orphans, closed sockets that are neither in TIME-WAIT nor a mini-socket in FIN-WAIT-2, the whole host keeps; above that, close(2) sends a RST. The default depends on memory.',
    said: 'TIME-WAIT counts as an orphan.',
    use: 'the default; watch orphan in /proc/net/sockstat and TcpExt TCPAbortOnMemory.',
    avoid: 'a small value: responses that are being sent are cut off.',
    settings: {
      sysctl: '`sysctl -w net.ipv4.tcp_max_orphans=65536`, of the host: it is not of a namespace',
      systemd: '`net.ipv4.tcp_max_orphans = 65536` in a file of `/etc/sysctl.d/` of the host',
    },
    shownBy: ['orphans-and-memory', 'time-wait-owner'],
  },
};
