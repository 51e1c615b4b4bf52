import { described, type Kind, kind, type ValueOf } from './kinds.ts';

/** Facts of a cell that measures throughput. */
export const loadFacts = {
  'rate.perSecond': described(
    'requests answered per second; the last request of a connection counts when the client has closed the connection',
    kind.count({ compare: 'measurement' }),
  ),
  'rate.perCpuSecond': described(
    "requests answered for each second of CPU that all the load's processes used, user and system",
    kind.count({ compare: 'measurement' }),
  ),
  'rate.series': described(
    'requests answered per second in each 100 ms of the window, or each 50 ms of a window under half a second',
    kind.series('count'),
  ),
  'latency.p50Us': described(
    'median latency of a request: from when its connection began or was due, or the request was sent on an open connection, until its end',
    kind.us(),
  ),
  'latency.p99Us': described('99th percentile of that latency', kind.us()),
  'latency.series': described(
    'median latency in each interval of rate.series; 0 if no request ended in the interval',
    kind.series('us'),
  ),
  'cpu.usPerConnection': described("CPU time of all the load's processes for one request, user and system", kind.us()),
  'cpu.clientUs': described("the client process's part of cpu.usPerConnection", kind.us()),
  'cpu.clientSystemUs': described("the kernel's part of cpu.clientUs", kind.us()),
  'cpu.serverUs': described("the server processes' part of cpu.usPerConnection", kind.us()),
  'cpu.serverSystemUs': described("the kernel's part of cpu.serverUs", kind.us()),
  'cpu.softirqUs': described("softirq time of the whole machine for one request, in the kernel's ticks", kind.us()),
  'cpu.saturated': described(
    'what was CPU-bound: a process that used 90 % of a CPU; or the machine, less than 10 % idle, with more than 15 % of it used by other programs (`others`) or not (`kernel`)',
    {
      ...kind.word('client', 'server', 'kernel', 'others', 'nobody'),
      compare: 'measurement',
    } as Kind<'client' | 'server' | 'kernel' | 'others' | 'nobody'>,
  ),
  'cpu.othersShare': described(
    "share of all CPUs that the load's processes did not use: other programs, observers, a hypervisor; in steps of 10 ms",
    kind.count({ compare: 'none' }),
  ),
  'timeWait.peak': described('most sockets in TIME-WAIT at once in the window', kind.count({ compare: 'measurement' })),
  'timeWait.series': described('sockets in TIME-WAIT, every 50 ms', kind.series('count')),
  'timeWait.each': described(
    'sockets in TIME-WAIT at the end, per connection that was made',
    kind.count({ compare: 'measurement' }),
  ),
  'memory.bytesPerTimeWait': described(
    "memory of a socket in TIME-WAIT: the kernel's slab object; a port with no other socket takes about as much again",
    kind.bytes(),
  ),
  'load.driver': described('program that counted and timed the requests', kind.word('loop', 'tinybench')),
  'load.finished': described('requests that ended, warm-up included', kind.count({ compare: 'measurement' })),
  'load.errors': described('errors of connections in the window', kind.words<readonly string[]>()),
  'load.failed': described('connections that failed in the window', kind.count({ compare: 'measurement' })),
  'load.recycled': described(
    'sockets in TIME-WAIT whose addresses and ports connect(2) reused in the window; a SYN that reused one at the other end does not count',
    kind.count({ compare: 'measurement' }),
  ),
  'load.lateUs': described(
    'median delay of an open loop between when a connection is due and when it begins; part of the latency',
    kind.us(),
  ),
  'load.pageFaults': described(
    "page faults of the load's processes in the window that needed no disk; each takes time from the connections",
    kind.count({ compare: 'measurement' }),
  ),
  'load.retransmits': described('segments sent again in the window', kind.count({ compare: 'measurement' })),
  'load.dropped': described(
    'segments and requests in the window that were dropped because a queue was full',
    kind.count({ compare: 'measurement' }),
  ),
  'load.samples': described('looks of the sampler, warm-up included', kind.count({ compare: 'measurement' })),
  'load.traced': described('events of tracepoints, warm-up included', kind.count({ compare: 'measurement' })),
  'load.tracedLost': described('events of tracepoints that the kernel dropped', kind.count({ compare: 'measurement' })),
} as const;
/** Facts of a load, by name. */
export type LoadValues = { readonly [K in keyof typeof loadFacts]: ValueOf<(typeof loadFacts)[K]> };
