import { described, type Kind, kind, type ValueOf } from './kinds.ts';

/** Facts of a cell that measures throughput. */
export const loadFacts = {
  'rate.perSecond': described(
    'requests answered a second; the last of a connection counts when the connection is over for the client',
    kind.count({ compare: 'measurement' }),
  ),
  'rate.series': described(
    'requests answered a second, of each 100 ms of the window, or 50 ms where it is under half a second',
    kind.series('count'),
  ),
  'latency.p50Us': described(
    'half of them were over within this time of when the connection was begun or due, or the next request sent',
    kind.us(),
  ),
  'latency.p99Us': described('99 % of them were', kind.us()),
  'latency.series': described(
    'the median latency of each of these intervals; 0 where nothing was over in it',
    kind.series('us'),
  ),
  'cpu.usPerConnection': described(
    'CPU of all its processes for one request, with what the kernel does in their name',
    kind.us(),
  ),
  'cpu.clientUs': described("the client process's part of it", kind.us()),
  'cpu.clientSystemUs': described('of that, what the kernel did', kind.us()),
  'cpu.serverUs': described("the server processes' part of it", kind.us()),
  'cpu.serverSystemUs': described('of that, what the kernel did', kind.us()),
  'cpu.softirqUs': described("the machine's softirqs for one request, by its tick-based accounts", kind.us()),
  'cpu.saturated': described(
    'who had no more CPU to give: a process that used 90 % of one, or a machine without 10 % idle, where others had more than 15 % of it or not',
    {
      ...kind.word('client', 'server', 'kernel', 'others', 'nobody'),
      compare: 'measurement',
    } as Kind<'client' | 'server' | 'kernel' | 'others' | 'nobody'>,
  ),
  'cpu.othersShare': described(
    'of all CPUs, what none of these processes used: other programs, observers, a hypervisor; in steps of 10 ms',
    kind.count({ compare: 'none' }),
  ),
  'timeWait.peak': described('most TIME-WAITs at once in the window', kind.count({ compare: 'measurement' })),
  'timeWait.series': described('TIME-WAITs, every 50 ms', kind.series('count')),
  'timeWait.each': described(
    'TIME-WAITs that were left when all was over, for each connection from the first to the last',
    kind.count({ compare: 'measurement' }),
  ),
  'memory.bytesPerTimeWait': described(
    'what the kernel takes for one: its slab object. A port that nobody else has takes about as much again',
    kind.bytes(),
  ),
  'load.driver': described('what counted and timed them', kind.word('loop', 'tinybench')),
  'load.finished': described('requests that were over, warm-up included', kind.count({ compare: 'measurement' })),
  'load.errors': described('what connections failed with, in the window', kind.words<readonly string[]>()),
  'load.failed': described('how many did', kind.count({ compare: 'measurement' })),
  'load.recycled': described(
    'TIME-WAITs in the window whose four numbers connect(2) took again; those that a SYN came upon at the other end are not counted',
    kind.count({ compare: 'measurement' }),
  ),
  'load.lateUs': described(
    'of an open loop: half of what was due was begun within this time, which is part of the latency',
    kind.us(),
  ),
  'load.retransmits': described('segments sent again in the window', kind.count({ compare: 'measurement' })),
  'load.dropped': described(
    'segments and requests in the window that were dropped because a queue was full',
    kind.count({ compare: 'measurement' }),
  ),
  'load.samples': described('looks of the sampler, warm-up included', kind.count({ compare: 'measurement' })),
  'load.traced': described('events of tracepoints, warm-up included', kind.count({ compare: 'measurement' })),
  'load.tracedLost': described('those that the kernel dropped', kind.count({ compare: 'measurement' })),
} as const;
/** Facts of a load, by name. */
export type LoadValues = { readonly [K in keyof typeof loadFacts]: ValueOf<(typeof loadFacts)[K]> };
