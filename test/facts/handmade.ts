import type { Sight } from '../../src/facts/connections.ts';
import type { Deed } from '../../src/record/deed.ts';
import type {
  Call,
  CallEvent,
  ConnectionEvent,
  CountersEvent,
  DeedEvent,
  Event,
  LostEvent,
  MiniSocketEvent,
  MiniTimerEvent,
  NodeEvent,
  QueuesEvent,
  SampleEvent,
  SegmentEvent,
  SignalEvent,
  SsSocket,
  StallEvent,
  TcpInfoEvent,
  TransitionEvent,
  WireEvent,
} from '../../src/record/event.ts';
import type { Address } from '../../src/tcp/address.ts';
import { type End, otherEnd, type State } from '../../src/tcp/states.ts';

/** Records made by hand, an event at a time. Times are in milliseconds of the cell's clock; a µs is 0.001. */
export const ns = (ms: number): number => Math.round(ms * 1e6);

/** A kernel that traces everything. */
export const all: Sight = { transitions: true, miniTimers: true, resets: true, retransmits: true };
/** A kernel that refuses the filter of mini-sockets' timers. */
export const noMiniTimers: Sight = { ...all, miniTimers: false };
export const blind: Sight = { transitions: false, miniTimers: false, resets: false, retransmits: false };

/** One connection: who its ends are, by address, kernel socket and peer. */
export interface Flow {
  readonly label: string;
  readonly family: 4 | 6;
  readonly address: Readonly<Record<End, Address>>;
  readonly socket: Readonly<Record<End, string>>;
  readonly endpoint: Readonly<Record<End, number>>;
}

export const flow = (changed: Partial<Flow> = {}): Flow => ({
  label: '',
  family: 4,
  address: { client: { address: '127.0.0.1', port: 40_000 }, server: { address: '127.64.0.1', port: 10_240 } },
  socket: { client: 'c0', server: '50' },
  endpoint: { client: 1, server: 2 },
  ...changed,
});

export const flow6 = flow({
  family: 6,
  address: { client: { address: '::1', port: 40_000 }, server: { address: '::1', port: 10_240 } },
});

const addresses = ({ address }: Flow, end: End) => ({ local: address[end], remote: address[otherEnd(end)] });
const place = (of: Flow, end: End) => ({ socket: of.socket[end], ...addresses(of, end) });

export const went = (of: Flow, end: End, at: number, from: State, to: State, cpu = 0): TransitionEvent => ({
  t: ns(at),
  source: 'trace',
  kind: 'transition',
  cpu,
  family: of.family,
  ...place(of, end),
  from,
  to,
});

export const segment = (kind: SegmentEvent['kind'], of: Flow, end: End, at: number): SegmentEvent => ({
  t: ns(at),
  source: 'trace',
  kind,
  cpu: 0,
  ...place(of, end),
});

export const miniSocket = (of: Flow, end: End, at: number, timer = 'a0'): MiniSocketEvent => ({
  t: ns(at),
  source: 'trace',
  kind: 'mini-socket',
  cpu: 0,
  timer,
  jiffies: 15_000,
  ...place(of, end),
});

export const timerStart = (at: number, timer = 'a0', cpu = 0): MiniTimerEvent => ({
  t: ns(at),
  source: 'trace',
  kind: 'mini-timer-start',
  cpu,
  timer,
  jiffies: 15_000,
});

export const timerExpire = (at: number, timer = 'a0', cpu = 0): MiniTimerEvent => ({
  t: ns(at),
  source: 'trace',
  kind: 'mini-timer-expire',
  cpu,
  timer,
});

export const lost = (at: number, count: number): LostEvent => ({
  t: ns(at),
  source: 'trace',
  kind: 'lost',
  cpu: 0,
  count,
});

/** A socket as `ss` shows it; with `left`, as a mini-socket whose timer has so many ms to run. */
export const shown = (of: Flow, end: End, state: State, left?: number): SsSocket => ({
  state,
  recvQ: 0,
  sendQ: 0,
  family: of.family,
  ...addresses(of, end),
  ...(left !== undefined && { timer: { name: 'timewait', ms: left, retransmits: 0 } }),
});

/** One `ss` that took 5 ms. */
export const sample = (at: number, ...sockets: SsSocket[]): SampleEvent => ({
  t: ns(at),
  until: ns(at + 5),
  source: 'ss',
  kind: 'sample',
  space: 'lab',
  sockets,
});

export const counters = (at: number, values: Record<string, number>, space = 'lab'): CountersEvent => ({
  t: ns(at),
  source: 'counters',
  kind: 'counters',
  space,
  values,
});

export const node = (of: Flow, end: End, at: number, event: string, more: Partial<NodeEvent> = {}): NodeEvent => ({
  t: ns(at),
  source: 'peer',
  kind: 'node',
  peer: end,
  endpoint: of.endpoint[end],
  event,
  ...more,
});

export const call = (
  of: Flow,
  end: End,
  at: number,
  given: Call,
  more: Partial<Pick<CallEvent, 'ns' | 'errno' | 'syscall'>> = {},
): CallEvent => ({
  t: ns(at),
  source: 'peer',
  kind: 'call',
  peer: end,
  endpoint: of.endpoint[end],
  ...given,
  ns: 0,
  ...more,
});

/** What an end's queues held just before it was closed. */
export const queues = (of: Flow, end: End, at: number, held: Partial<QueuesEvent>): QueuesEvent => ({
  t: ns(at),
  source: 'peer',
  kind: 'queues',
  peer: end,
  endpoint: of.endpoint[end],
  state: 'ESTABLISHED',
  sent: 0,
  unsent: 0,
  // the SYN of the end that connected
  acked: end === 'client' ? 1 : 0,
  received: (held.read ?? 0) + (held.unread ?? 0),
  unread: 0,
  read: 0,
  ...held,
});

export const signalled = (end: End, at: number, signal: string): SignalEvent => ({
  t: ns(at),
  source: 'harness',
  kind: 'signal',
  peer: end,
  signal,
});

/** The client's peer is told to connect: the endpoint has no number yet. */
export const connectCall = (at: number, more: Partial<Pick<CallEvent, 'errno' | 'syscall'>> = {}): CallEvent => ({
  t: ns(at),
  source: 'peer',
  kind: 'call',
  peer: 'client',
  verb: 'connect',
  ns: 0,
  ...more,
});

export const stall = (end: End, at: number, ms: number): StallEvent => ({
  t: ns(at),
  source: 'peer',
  kind: 'stall',
  peer: end,
  ns: ns(ms),
});

export const tcpInfo = (of: Flow, end: End, at: number, state: State): TcpInfoEvent => ({
  t: ns(at),
  source: 'tcp_info',
  kind: 'state',
  peer: end,
  endpoint: of.endpoint[end],
  state,
});

export const connected = (of: Flow, at: number): ConnectionEvent => ({
  t: ns(at),
  source: 'harness',
  kind: 'connection',
  label: of.label,
  client: { peer: 'client', endpoint: of.endpoint.client, local: of.address.client },
  server: { peer: 'server', endpoint: of.endpoint.server, local: of.address.server },
});

type FlagName = NonNullable<WireEvent['segment']>['flags'][number];

/** Each end's first number, where it is not told. */
const initials: Readonly<Record<End, number>> = { client: 1000, server: 5000 };

/** A segment that came to the wire; numbers are relative to `initial`. */
export function onWire(
  of: Flow,
  from: End,
  at: number,
  flags: readonly FlagName[],
  more: {
    n: number;
    seq?: number;
    ack?: number;
    bytes?: number;
    deed?: Deed;
    connection?: number;
    initial?: Readonly<Record<End, number>>;
  },
): WireEvent {
  const { n, seq, ack, bytes = 0, deed = { do: 'carried' }, connection = 1, initial = initials } = more;
  return {
    n,
    t: ns(at),
    from,
    source: 'wire',
    kind: 'segment',
    deed,
    segment: {
      source: of.address[from],
      destination: of.address[otherEnd(from)],
      connection,
      flags,
      ...(seq !== undefined && { seq }),
      ...(ack !== undefined && { ack }),
      absolute: { seq: initial[from] + (seq ?? 0), ack: initial[otherEnd(from)] + (ack ?? 0) },
      window: 502,
      bytes,
      options: [],
      intact: true,
    },
  };
}

/** A connection that is opened at `at`, and then closed in turn, the client first, as the wire carries it: seven segments from #1 on. */
export const carriedInTurn = (of: Flow, at: number, first: number, second: number): WireEvent[] => [
  onWire(of, 'client', at + 0.001, ['SYN'], { n: 1, seq: 0 }),
  onWire(of, 'server', at + 0.01, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1 }),
  onWire(of, 'client', at + 0.021, ['ACK'], { n: 3, seq: 1, ack: 1 }),
  onWire(of, 'client', first + 0.001, ['FIN', 'ACK'], { n: 4, seq: 1, ack: 1 }),
  onWire(of, 'server', first + 0.015, ['ACK'], { n: 5, seq: 1, ack: 2 }),
  onWire(of, 'server', second + 0.001, ['FIN', 'ACK'], { n: 6, seq: 1, ack: 2 }),
  onWire(of, 'client', second + 0.021, ['ACK'], { n: 7, seq: 2, ack: 2 }),
];

/** What became of a packet that waited. */
export const wentOn = (n: number, at: number, deed: Deed): DeedEvent => ({
  n,
  t: ns(at),
  source: 'wire',
  kind: 'deed',
  deed,
});

export const scenarioEnds = (at: number): Event => ({ t: ns(at), source: 'harness', kind: 'scenario-ends' });

/** Told to connect at `at`; established 0.04 ms later, known to the harness after 2 ms. */
export function opened(of: Flow, at: number): Event[] {
  const syn = went(of, 'client', at, 'CLOSED', 'SYN-SENT');
  return [
    connectCall(at - 0.5),
    // the kernel chooses the port after this transition
    { ...syn, local: { ...syn.local, port: 0 } },
    went(of, 'client', at + 0.02, 'SYN-SENT', 'ESTABLISHED'),
    went(of, 'server', at + 0.03, 'LISTEN', 'SYN-RECEIVED'),
    went(of, 'server', at + 0.04, 'SYN-RECEIVED', 'ESTABLISHED'),
    connected(of, at + 2),
  ];
}

/**
 * `first` shuts down at `at` and keeps its descriptor, the other end closes at `second`: TIME-WAIT begins 0.02 ms after that
 * with the full socket's end.
 */
export function closedInTurn(of: Flow, first: End, at: number, second: number, timer = 'a0'): Event[] {
  const other = otherEnd(first);
  return [
    went(of, first, at, 'ESTABLISHED', 'FIN-WAIT-1'),
    went(of, other, at + 0.01, 'ESTABLISHED', 'CLOSE-WAIT'),
    went(of, first, at + 0.02, 'FIN-WAIT-1', 'FIN-WAIT-2'),
    went(of, other, second, 'CLOSE-WAIT', 'LAST-ACK'),
    miniSocket(of, first, second + 0.018, timer),
    went(of, first, second + 0.02, 'FIN-WAIT-2', 'CLOSED'),
    went(of, other, second + 0.03, 'LAST-ACK', 'CLOSED'),
  ];
}

/** `first` closes at `at` and becomes an orphan: its full socket ends at once; the other end closes at `second`. */
export function orphaned(of: Flow, first: End, at: number, second: number): Event[] {
  const other = otherEnd(first);
  return [
    went(of, first, at, 'ESTABLISHED', 'FIN-WAIT-1'),
    went(of, other, at + 0.01, 'ESTABLISHED', 'CLOSE-WAIT'),
    went(of, first, at + 0.02, 'FIN-WAIT-1', 'FIN-WAIT-2'),
    miniSocket(of, first, at + 0.021),
    went(of, first, at + 0.023, 'FIN-WAIT-2', 'CLOSED'),
    went(of, other, second, 'CLOSE-WAIT', 'LAST-ACK'),
    went(of, other, second + 0.03, 'LAST-ACK', 'CLOSED'),
  ];
}

/** Both ends close at `at`, before either FIN arrives. */
export function closedTogether(of: Flow, at: number): Event[] {
  return [
    went(of, 'client', at, 'ESTABLISHED', 'FIN-WAIT-1'),
    went(of, 'server', at + 0.001, 'ESTABLISHED', 'FIN-WAIT-1', 1),
    went(of, 'client', at + 0.01, 'FIN-WAIT-1', 'CLOSING'),
    went(of, 'server', at + 0.011, 'FIN-WAIT-1', 'CLOSING', 1),
    miniSocket(of, 'client', at + 0.019, 'a0'),
    went(of, 'client', at + 0.02, 'CLOSING', 'CLOSED'),
    miniSocket(of, 'server', at + 0.029, 'a1'),
    went(of, 'server', at + 0.03, 'CLOSING', 'CLOSED', 1),
  ];
}

/** Both close, the server before the client's FIN came, which is acknowledged late; `first` enters TIME-WAIT some µs before the other. */
export function inClosing(of: Flow, at: number, first: End): Event[] {
  const [client, server] = first === 'client' ? [at + 0.02, at + 0.03] : [at + 0.03, at + 0.02];
  const ended = {
    client: [miniSocket(of, 'client', client - 0.001, 'a0'), went(of, 'client', client, 'CLOSING', 'CLOSED')],
    server: [miniSocket(of, 'server', server - 0.001, 'a1'), went(of, 'server', server, 'FIN-WAIT-2', 'CLOSED', 1)],
  };
  return [
    went(of, 'client', at, 'ESTABLISHED', 'FIN-WAIT-1'),
    went(of, 'server', at + 0.001, 'ESTABLISHED', 'FIN-WAIT-1', 1),
    went(of, 'client', at + 0.01, 'FIN-WAIT-1', 'CLOSING'),
    went(of, 'server', at + 0.011, 'FIN-WAIT-1', 'FIN-WAIT-2', 1),
    ...ended[first],
    ...ended[first === 'client' ? 'server' : 'client'],
  ];
}

/** The listener's socket, from before everything to after it. */
export const listened = (from: number, to: number, address: Address = flow().address.server): Event[] => {
  const of = flow({
    socket: { client: '', server: '11' },
    address: { client: { address: '0.0.0.0', port: 0 }, server: address },
  });
  return [went(of, 'server', from, 'CLOSED', 'LISTEN'), went(of, 'server', to, 'LISTEN', 'CLOSED')];
};
