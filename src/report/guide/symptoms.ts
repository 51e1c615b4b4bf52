import type { Knob, Symptom } from '../../experiment/guide.ts';

/** What to look at for a symptom: nothing of it is measured. */
export interface SymptomText {
  /** What a log or a user shows. */
  readonly seen: string;
  /** The command to begin with, and what it shows. */
  readonly ss: string;
  readonly shows: string;
  /** Counters of `nstat -az` that tell causes apart; empty: none does. */
  readonly counters: string;
  readonly knobs: readonly Knob[];
  /** Experiments whose cells show it. */
  readonly shownBy: readonly string[];
}

/** Each symptom, with what to look at. */
export const symptomTexts: Readonly<Record<Symptom, SymptomText>> = {
  'EADDRINUSE on restart': {
    seen: 'a server that was stopped does not start: `bind: Address already in use`, `EADDRINUSE`.',
    ss: "ss -tanop '( sport = :8080 )'",
    shows: 'the connections that still hold the port, with their states and timers',
    counters: '',
    knobs: ['SO_REUSEADDR', 'SO_REUSEPORT', 'closing order', 'tcp_fin_timeout'],
    shownBy: ['server-restart', 'rebind'],
  },
  'EADDRNOTAVAIL on connect': {
    seen: 'a client or proxy cannot open connections: `Cannot assign requested address`, `EADDRNOTAVAIL`.',
    ss: "ss -Htan '( dport = :443 )' | awk '{ print $1, $5 }' | sort | uniq -c",
    shows: 'how many ports each server takes, by state',
    counters: 'TcpExtTW, TcpExtTWRecycled, TcpActiveOpens',
    knobs: ['tcp_tw_reuse', 'ip_local_port_range', 'IP_BIND_ADDRESS_NO_PORT', 'closing order', 'tcp_timestamps'],
    shownBy: ['ephemeral-ports', 'time-wait-reuse', 'load-ports'],
  },
  'thousands of TIME-WAIT': {
    seen: 'ss -s or monitoring shows thousands of sockets in TIME-WAIT.',
    ss: "ss -Htan state time-wait | awk '{ print $4 }' | sort | uniq -c | sort -rn | head",
    shows: 'how many there are for each peer; at a server use $3, its own address and port',
    counters: 'TcpExtTW, TcpExtTCPTimeWaitOverflow',
    knobs: ['closing order', 'tcp_tw_reuse', 'tcp_max_tw_buckets', 'tcp_fin_timeout', 'SO_LINGER'],
    shownBy: ['close-order', 'time-wait-length', 'orphans-and-memory'],
  },
  'CLOSE-WAIT grows': {
    seen: 'sockets in CLOSE-WAIT become more; in the end `EMFILE: too many open files`.',
    ss: 'ss -tanp state close-wait',
    shows: 'the process that does not close',
    counters: '',
    knobs: ['keepalive'],
    shownBy: ['close-wait', 'close-wait-leak'],
  },
  'FIN-WAIT-2 grows': {
    seen: 'sockets in FIN-WAIT-2 become more.',
    ss: 'ss -tanop state fin-wait-2',
    shows: 'if a process is shown, it has only half-closed; if none is shown, see the timer that ends FIN-WAIT-2',
    counters: '',
    knobs: ['tcp_fin_timeout', 'TCP_LINGER2', 'keepalive'],
    shownBy: ['fin-wait-2'],
  },
  'reset after the response': {
    seen: 'the server has answered, and the client reports `connection reset by peer` or a part of the response.',
    ss: "ss -tan state established '( sport = :8080 )'",
    shows: 'at the server: Recv-Q above 0 is request data that the server has not read',
    counters: 'TcpExtTCPAbortOnClose (unread data at close), TcpExtTCPAbortOnData (SO_LINGER 0, or data after close)',
    knobs: ['SO_LINGER', 'closing order'],
    shownBy: ['lost-answer'],
  },
  'ECONNRESET on the second request': {
    seen: 'the first request on a kept connection works; a later one fails with `ECONNRESET`, or `502` from a proxy.',
    ss: "ss -tano state close-wait '( dport = :8080 )'",
    shows: 'kept connections that the server has closed already',
    counters: 'TcpExtTCPAbortOnData at the server',
    knobs: ['closing order', 'keepalive'],
    shownBy: ['crossing-request', 'forgotten-by-nat'],
  },
  'close() blocks': {
    seen: 'close(2), or the whole event loop, does not return for a time.',
    ss: 'ss -tanop state fin-wait-1',
    shows: 'Send-Q: what is not acknowledged; close(2) waits for that',
    counters: '',
    knobs: ['SO_LINGER'],
    shownBy: ['linger-wait', 'linger', 'linger-on-a-real-path'],
  },
  'clients hang in connect': {
    seen: 'connect(2) takes 1 s, 3 s or longer, or succeeds without an answer.',
    ss: 'ss -ltn',
    shows:
      'Recv-Q above Send-Q: the accept queue is full; at the client, `ss -tan state syn-sent` shows the connections that wait',
    counters: 'TcpExtListenOverflows, TcpExtListenDrops, TcpExtTCPSynRetrans at the client',
    knobs: ['backlog', 'tcp_rfc1337'],
    shownBy: ['accept-queue', 'unanswered', 'close-wait-leak'],
  },
  'slow connect(2)': {
    seen: 'connect(2) uses CPU and takes long while many local ports are in use.',
    ss: "ss -Htan '( dport = :443 )' | wc -l",
    shows: 'how many local ports are connected, or connecting, to port 443',
    counters: 'TcpActiveOpens, TcpExtTW',
    knobs: ['ip_local_port_range', 'IP_BIND_ADDRESS_NO_PORT', 'tcp_tw_reuse'],
    shownBy: ['load-ports', 'ephemeral-ports'],
  },
};
