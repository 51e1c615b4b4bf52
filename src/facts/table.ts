import type { Declaration } from '../record/fact.ts';
import { type End, ends, type State, states } from '../tcp/states.ts';
import { described, type Kind, kind, type ValueOf } from './kinds.ts';
import { places } from './marks.ts';

/** Where a stream stops is a matter of what both kernels' buffers hold, and of timers: the places are compared by `lostIn`. */
const lostAt = (place: string) =>
  described(`lost bytes that had come as far as ${place}`, kind.bytes({ compare: 'measurement' }));

/** Facts of one endpoint; in a cell's facts their names begin with `client.` or `server.`. */
export const endFacts = {
  path: described('states the endpoint passed, in order', kind.words(...states)),
  // an orphan whose FIN is acknowledged while close(2) still holds its socket stays a full one in FIN-WAIT-2: a race with the ACK
  // (tcp_rcv_state_process() in net/ipv4/tcp_input.c, sock_owned_by_user())
  miniSocket: described('states it held as a mini-socket, without a process', {
    ...kind.words('SYN-RECEIVED', 'FIN-WAIT-2', 'TIME-WAIT'),
    compare: 'race',
  } as Kind<readonly ('SYN-RECEIVED' | 'FIN-WAIT-2' | 'TIME-WAIT')[]>),
  closedWith: described('closing segments it sent, in order', kind.words('FIN', 'RST')),
  closeMs: described('how long the closing call held its thread', kind.ms()),
  stallMs: described('longest event-loop stall', kind.ms()),
  errors: described('calls refused and errors reported to the application', kind.calls()),
  sawEnd: described('its application read the end of the stream', kind.boolean()),
  hadError: described("Node's 'close' came with hadError", kind.boolean()),
  events: described("Node's events, in order; runs of 'data' are one", kind.words<readonly string[]>()),
  written: described('bytes its application wrote, also in a write that failed later', kind.bytes()),
  // a matter of when the other end's delayed ACK came
  acked: described("bytes of its own that the other end's kernel acknowledged", kind.bytes({ compare: 'measurement' })),
  // how much of a stream fits before a reader's window closes varies within one unit of that window, 128 bytes at scale 7
  delivered: described(
    "bytes of its own that the other end's application read",
    kind.bytes({ compare: 'within', resolution: 128 }),
  ),
  lost: described(
    'bytes it wrote that no application read: the other end is closed',
    kind.bytes({ compare: 'within', resolution: 128 }),
  ),
  lostIn: described(
    "how far its lost bytes had come: its own process, its kernel's send queue, sent, the other kernel's receive queue, net's buffer there",
    kind.words(...places),
  ),
  'lost.js': lostAt('its own process, in a queue of net or libuv'),
  'lost.sendQueue': lostAt("its kernel's send queue, and were never sent"),
  'lost.network': lostAt('the network: sent, and in no receive queue'),
  'lost.receiveQueue': lostAt("the other kernel's receive queue"),
  'lost.readBuffer': lostAt("net's buffer at the other end"),
  // by the wire
  resentAt: described('when it sent a segment again, from its first sending', kind.times()),
  probedAt: described(
    'when it asked without data whether the other end is there, all since anything had come before the first time: a window that closed',
    kind.times(),
  ),
  gaveUpAfter: described(
    'from the first sending of what was never acknowledged, or since anything had come, until it was CLOSED',
    kind.seconds(),
  ),
  closeAfterAckMs: described(
    'from when the acknowledgement of its FIN came until close(2) returned; negative: it returned before',
    kind.ms(),
  ),
  // a probe for a lost tail or a closed window is sent, or not, by timers that race with the reader
  retransmits: described('segments it sent again', kind.count({ compare: 'measurement' })),
} as const;

const stateMs = described('how long the endpoint was in this state', kind.ms());

/** Facts of one connection. */
export const connectionFacts = {
  'timeWait.holder': described('the end that TIME-WAIT was left with', kind.word('client', 'server', 'both', 'none')),
  'timeWait.began': described('from the first FIN to the beginning of TIME-WAIT', kind.seconds()),
  'timeWait.beganWith': described('what began it', kind.word("peer's FIN", 'ACK of FIN')),
  'timeWait.seconds': described(
    'how long TIME-WAIT lasted, where its timer ended it',
    kind.seconds({ compare: 'within', resolution: 'timer' }),
  ),
  // when that is, is the scenario's doing, and the machine's
  'timeWait.cutShort': described('how long TIME-WAIT lasted, where something else ended it', kind.seconds()),
  // ss prints whole seconds, and each of two runs may be a second off
  'timeWait.timer': described(
    'how long its timer was set for, up to a second short: what ss showed of it, cut to whole seconds, and what had passed',
    kind.seconds({ compare: 'within', resolution: 2 }),
  ),
  'timeWait.endedBy': described(
    'what ended TIME-WAIT',
    kind.word('timer', 'recycled', 'rst', 'kill', 'overflow', 'namespace'),
  ),
} as const;

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
    kind.count({ compare: 'measurement' }),
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

/** Counters whose change is decided by the scenario alone; others depend on timing (delayed ACKs, autotuning). */
const exactCounters = new Set([
  'Tcp.ActiveOpens',
  'Tcp.PassiveOpens',
  'Tcp.AttemptFails',
  'Tcp.EstabResets',
  'Tcp.OutRsts',
  'TcpExt.TCPAbortOnData',
  'TcpExt.TCPAbortOnClose',
  'TcpExt.TCPAbortOnLinger',
  'TcpExt.TCPAbortOnTimeout',
  'TcpExt.TCPAbortOnMemory',
  'TcpExt.TCPAbortFailed',
  'TcpExt.TCPTimeWaitOverflow',
  'TcpExt.TWRecycled',
  'TcpExt.TWKilled',
]);
const exactCounter = described('change of this kernel counter', kind.count());
const timedCounter = described('change of this kernel counter', kind.count({ compare: 'measurement' }));

export type NetworkSpace = 'client' | 'server' | 'lab';
export type CounterFact = `counters.${NetworkSpace}.${'Tcp' | 'TcpExt'}.${string}`;
export const counterFact = (space: string, counter: string): string => `counters.${space}.${counter}`;

type EndTable = typeof endFacts & { readonly [S in State as `stateMs.${S}`]: Kind<number> };
type ConnectionTable = typeof connectionFacts & {
  readonly [K in `${End}.${keyof EndTable & string}`]: K extends `${End}.${infer N extends keyof EndTable & string}`
    ? EndTable[N]
    : never;
};

/** Facts of one connection's two ends and of the connection, by name. */
export type ConnectionValues = { readonly [K in keyof ConnectionTable]: ValueOf<ConnectionTable[K]> };

/** An experiment's own measures. */
type Measures<M> = { readonly [K in keyof M]: ValueOf<M[K]> };

/** A cell's facts: of its one connection, or of each named one; its own measures; the kernel's counters. */
export type FactsOf<C extends readonly string[], M> = ([C] extends [readonly []]
  ? ConnectionValues
  : {
      readonly [K in `${C[number]}.${keyof ConnectionValues & string}`]: K extends `${C[number]}.${infer N extends
        keyof ConnectionValues & string}`
        ? ConnectionValues[N]
        : never;
    }) &
  Measures<M> & { readonly [K in CounterFact]: number };

/** The facts of a cell of loads. */
export type LoadFactsOf<M> = LoadValues & Measures<M>;

/** Every declared fact of a cell of loads with these measures, by name. */
export const loadDeclarations = (
  measures: Readonly<Record<string, Declaration>> = {},
): Record<string, Declaration> => ({
  ...loadFacts,
  ...measures,
});

/** Every declared fact of a cell with these connections and measures, by name; counters are declared by {@link declarationOf}. */
export function declarations(
  connections: readonly string[] = [],
  measures: Readonly<Record<string, Declaration>> = {},
): Record<string, Declaration> {
  const one: Record<string, Declaration> = { ...connectionFacts };
  for (const end of ends) {
    for (const [name, declared] of Object.entries(endFacts)) one[`${end}.${name}`] = declared;
    for (const state of states) one[`${end}.stateMs.${state}`] = stateMs;
  }
  const labels = connections.length === 0 ? [''] : connections.map((label) => `${label}.`);
  const all = labels.flatMap((label) =>
    Object.entries(one).map(([name, declared]) => [label + name, declared] as const),
  );
  return { ...Object.fromEntries(all), ...measures };
}

/** The declaration of a fact by its name: from the run's own table, where an experiment may declare a counter its own way, or a counter's. */
export function declarationOf(name: string, table: Readonly<Record<string, Declaration>>): Declaration | undefined {
  if (table[name]) return table[name];
  const counter = /^counters\.[^.]+\.(.+)$/.exec(name)?.[1];
  if (counter) return exactCounters.has(counter) ? exactCounter : timedCounter;
  return undefined;
}
