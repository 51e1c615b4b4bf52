import { expect, test } from 'vitest';
import type { Event } from '../../../src/record/event.ts';
import type { CellRecord } from '../../../src/record/schema.ts';
import { timelineOf } from '../../../src/report/timeline/timeline.ts';
import {
  call,
  closedInTurn,
  counters,
  flow,
  listened,
  lost,
  node,
  ns,
  onWire,
  opened,
  queues,
  sample,
  scenarioEnds,
  segment,
  shown,
  signalled,
  stall,
  timerExpire,
  timerStart,
  wentOn,
} from '../../facts/handmade.ts';
import { exampleCell } from '../../record/example.ts';

const of = flow();
const begins: Event = { t: ns(100), source: 'harness', kind: 'scenario-begins' };
const cell = (change: Partial<CellRecord> = {}) => exampleCell({ paths: {}, ...change });
const lines = (events: readonly Event[], record = cell(), options = {}) =>
  timelineOf([begins, ...events], record, options).entries.map(({ ms, lane, text }) => `${ms} ${lane} ${text}`);
/** The lines without the scenario's beginning. */
const told = (...events: Event[]) => lines(events).slice(1);

test('a connection that is opened and closed is told on one clock, by the names of its ends', () => {
  const events = [
    ...listened(101, 400),
    ...opened(of, 110),
    ...closedInTurn(of, 'client', 120, 130),
    scenarioEnds(140),
  ];
  expect(lines(events)).toEqual([
    '0 harness the scenario begins',
    '1 kernel listener: CLOSED → LISTEN',
    '9.5 client connect',
    '10 kernel client: CLOSED → SYN-SENT',
    '10.02 kernel client: SYN-SENT → ESTABLISHED',
    '10.03 kernel server: LISTEN → SYN-RECEIVED (a new socket of the listener)',
    '10.04 kernel server: SYN-RECEIVED → ESTABLISHED',
    '12 harness connection: client 127.0.0.1:40000, server 127.64.0.1:10240',
    '20 kernel client: ESTABLISHED → FIN-WAIT-1',
    '20.01 kernel server: ESTABLISHED → CLOSE-WAIT',
    '20.02 kernel client: FIN-WAIT-1 → FIN-WAIT-2',
    '30 kernel server: CLOSE-WAIT → LAST-ACK',
    '30.018 kernel client: a mini-socket takes over, timer 15,000 jiffies',
    '30.02 kernel client: FIN-WAIT-2 → CLOSED (the full socket; its mini-socket lives on)',
    '30.03 kernel server: LAST-ACK → CLOSED',
    '40 harness the scenario ends; tear-down follows',
    '300 kernel listener: LISTEN → CLOSED',
  ]);
});

test('connections with the same addresses and ports are told apart by when each began', () => {
  const old = flow({ label: 'old' });
  const next = flow({ label: 'new', socket: { client: 'c1', server: '51' }, endpoint: { client: 3, server: 4 } });
  const events = [
    ...opened(old, 110),
    node(old, 'client', 115, 'end'),
    ...opened(next, 210),
    segment('retransmit', next, 'server', 215),
  ];
  const all = lines(events);
  expect(all).toContain('10 kernel old.client: CLOSED → SYN-SENT');
  expect(all).toContain("15 client old: 'end'");
  expect(all).toContain('110 kernel new.client: CLOSED → SYN-SENT');
  expect(all).toContain('115 kernel new.server: retransmits');
});

test('a connection that is opened and accepted is told once, as it was in the end', () => {
  const [client, server] = [of.address.client, of.address.server];
  const own = {
    peer: 'client',
    endpoint: 1,
    local: client,
    opening: { from: ns(109), until: ns(110) },
    raw: true,
  } as const;
  const connection = { t: ns(110), source: 'harness', kind: 'connection', label: '', client: own } as const;
  const open: Event = { ...connection, server: { peer: 'server', endpoint: null, local: server } };
  const accepted: Event = { ...connection, server: { peer: 'server', endpoint: 2, local: server } };
  const line = '10 harness connection, opened: client 127.0.0.1:40000, server 127.64.0.1:10240';
  expect(told(open)).toEqual([`${line}, which no process has yet`]);
  expect(told(open, accepted)).toEqual([line]);
  expect(lines([open, accepted], cell(), { all: true }).slice(1)).toEqual([`${line}, which no process has yet`, line]);
});

test('jiffies are told as a time where the HZ of the run is known, and a timer by whose mini-socket it is of', () => {
  const events = [
    ...opened(of, 110),
    ...closedInTurn(of, 'client', 120, 130),
    timerStart(330),
    timerExpire(60_330),
    timerExpire(60_331, 'unheard-of'),
  ];
  const all = lines(events, cell(), { hz: 250 });
  expect(all).toContain('30.018 kernel client: a mini-socket takes over, timer 60.0 s');
  expect(all).toContain('230 kernel client: the timer of the mini-socket starts again, 60.0 s');
  expect(all).toContain('60230 kernel client: the timer of the mini-socket expires');
  expect(all).toContain('60231 kernel a mini-socket: the timer of the mini-socket expires');
});

test('calls are told with their arguments, what refused them, and how long they held their thread', () => {
  expect(
    told(
      ...opened(of, 110),
      call(of, 'client', 120, { verb: 'set', option: 'SO_LINGER', value: 2, kept: 2 }),
      call(of, 'client', 121, { verb: 'set', option: 'SO_LINGER', value: 'off', kept: { l_onoff: 0, l_linger: 2 } }),
      call(of, 'client', 122, { verb: 'write', bytes: 300_000 }),
      call(of, 'client', 123, { verb: 'close', by: 'end', andThen: 'destroy', sending: 1000 }),
      call(of, 'server', 124, { verb: 'shutdown', how: 'WR' }, { errno: 'ENOTCONN', syscall: 'shutdown' }),
      call(of, 'server', 125, { verb: 'listen', address: '::1', port: 80, backlog: 5, allowHalfOpen: false }),
      call(of, 'server', 126, { verb: 'connect', to: of.address.server, localPort: 7, allowHalfOpen: true }),
      call(of, 'server', 127, { verb: 'stopReading' }),
    ).slice(-8),
  ).toEqual([
    '20 client set SO_LINGER to 2',
    '21 client set SO_LINGER to off (kept {l_onoff 0, l_linger 2})',
    '22 client write 300,000 bytes',
    '23 client close by end(), then by destroy(), 1,000 bytes written just before',
    '24 server shutdown WR fails with ENOTCONN (shutdown)',
    '25 server listen on [::1]:80, backlog 5, allowHalfOpen false',
    '26 server connect to 127.64.0.1:10240, localPort 7',
    '27 server stopReading',
  ]);
});

test('a call that blocks is told where it begins and where it returns', () => {
  const close = call(of, 'client', 120, { verb: 'close', by: 'close(2)' }, { ns: ns(2050) });
  expect(told(close, stall('client', 130, 2051))).toEqual([
    '20 client close by close(2)',
    '30 client longest stall of the event loop: 2.05 s',
    '2070 client close(2) returns after 2.05 s',
  ]);
});

test('an option by numbers is told with its bytes', () => {
  expect(
    told(
      call(of, 'client', 120, {
        verb: 'setNumbered',
        level: 'IPPROTO_TCP',
        name: 13,
        hex: '72656e6f',
        kept: '72656e6f',
      }),
      call(of, 'client', 121, { verb: 'setNumbered', level: 6, name: 1, hex: '01', length: 4, kept: '01000000' }),
      call(of, 'client', 122, { verb: 'getNumbered', level: 'SOL_SOCKET', name: 8, length: 4 }),
    ),
  ).toEqual([
    '20 client set IPPROTO_TCP 13 to 0x72656e6f',
    '21 client set 6 1 to 0x01 (kept 0x01000000), length 4',
    '22 client get SOL_SOCKET 8, length 4',
  ]);
});

test('a record of version 1, whose calls lack arguments, is told without them', () => {
  expect(
    told(
      call(of, 'server', 120, { verb: 'listen' }),
      call(of, 'server', 121, { verb: 'set' }),
      call(of, 'server', 122, { verb: 'connect' }),
    ),
  ).toEqual(['20 server listen on an address not recorded', '21 server set', '22 server connect']);
});

test("Node's events, queues, signals, lost trace events and counters are told", () => {
  expect(
    told(
      ...opened(of, 110),
      node(of, 'server', 120, 'error', { errno: 'ECONNRESET', syscall: 'read' }),
      node(of, 'server', 121, 'close', { hadError: true }),
      queues(of, 'client', 122, { sent: 200, unsent: 800, unread: 5, read: 9 }),
      signalled('client', 123, 'SIGKILL'),
      lost(124, 0),
      lost(125, 7),
      counters(126, { 'Tcp.ActiveOpens': 1 }),
      counters(127, {}, 'client'),
    ).slice(-8),
  ).toEqual([
    "20 server 'error' ECONNRESET (read)",
    "21 server 'close', hadError",
    '22 client before closing, in ESTABLISHED: 800 in the send queue never sent, 5 in the receive queue; sent 200, acknowledged 1, read 9',
    '23 harness SIGKILL has reached client',
    '24 kernel an unknown number of trace events of CPU 0 were lost',
    '25 kernel 7 trace events of CPU 0 were lost',
    '26 kernel counters: Tcp.ActiveOpens 1',
    "27 kernel counters of the client's namespace: all 0",
  ]);
});

test('what the wire did stands beside each segment, and what became of one that waited', () => {
  const events = [
    ...opened(of, 110),
    onWire(of, 'server', 120, ['FIN', 'ACK'], { n: 1, seq: 1, ack: 2, deed: { do: 'held', rule: 3 } }),
    onWire(of, 'client', 121, ['ACK'], { n: 2, seq: 2, ack: 2, deed: { do: 'dropped', rule: 1 } }),
    wentOn(1, 520, { do: 'held', rule: 3, heldNs: ns(400) }),
    onWire(of, 'server', 530, ['FIN', 'ACK'], { n: 3, seq: 1, ack: 2, deed: { do: 'replay', of: 1 } }),
  ];
  expect(told(...events).slice(-4)).toEqual([
    '20 wire #1 server → client: FIN ACK seq 1 ack 2, held for 400 ms (rule 3)',
    '21 wire #2 client → server: ACK seq 2 ack 2, lost: dropped by the wire (rule 1)',
    '420 wire #1 (FIN ACK of the server) goes on after 400 ms (rule 3)',
    '430 wire #3 server → client: FIN ACK seq 1 ack 2, replayed by the wire: #1',
  ]);
});

test('a sample is told when it had been taken; of the next ones what is new', () => {
  const listener = { ...shown(of, 'server', 'LISTEN'), remote: { address: '0.0.0.0', port: 0 }, sendQ: 511 };
  expect(
    told(
      ...opened(of, 110),
      sample(120, listener, shown(of, 'client', 'ESTABLISHED'), shown(of, 'server', 'ESTABLISHED')),
      sample(130, listener, shown(of, 'client', 'TIME-WAIT', 60_000)),
      sample(1130, listener, shown(of, 'client', 'TIME-WAIT', 59_000)),
      sample(2130, listener, shown(of, 'client', 'TIME-WAIT', 58_000)),
      sample(3130, listener, shown(of, 'client', 'TIME-WAIT', 60_000)),
      sample(4130, listener),
    ).slice(-5),
  ).toEqual([
    '25 ss listener LISTEN, accept queue 0 of 511; client ESTABLISHED; server ESTABLISHED',
    '35 ss client TIME-WAIT, timer timewait 60.0 s; server is gone',
    '1035 ss 2 samples with nothing new',
    // its 60 s began again
    '3035 ss client TIME-WAIT, timer timewait 60.0 s',
    '4035 ss client is gone',
  ]);
});

test('sockets beyond a few are counted by their states', () => {
  const many = Array.from({ length: 200 }, (_, port) =>
    shown(
      flow({ address: { client: { address: '10.0.0.1', port }, server: of.address.server } }),
      'client',
      'TIME-WAIT',
      9,
    ),
  );
  expect(told(sample(110, ...many, shown(of, 'client', 'ESTABLISHED')))).toEqual([
    '15 ss 201 sockets: 200 TIME-WAIT, 1 ESTABLISHED',
  ]);
});

test('equal things are counted together between two that differ, and not across a silence', () => {
  const data = Array.from({ length: 40 }, (_, at) => node(of, 'server', 120 + at, 'data', { bytes: 100 }));
  const segments = Array.from({ length: 5 }, (_, at) =>
    onWire(of, 'client', 120.5 + at, ['ACK'], { n: at + 1, seq: 1 + at * 100, ack: 1, bytes: 100 }),
  );
  const probes = Array.from({ length: 2 }, (_, at) =>
    onWire(of, 'client', 400 + at * 200, ['ACK'], { n: at + 6, seq: 0, ack: 1 }),
  );
  const events = [...opened(of, 110), ...data, ...segments, ...probes, scenarioEnds(700)];
  expect(told(...events).slice(-5)).toEqual([
    "20 server 'data' × 40, 4,000 bytes",
    '20.5 wire client → server: 5 data segments, 500 bytes, the first #1',
    '300 wire #6 client → server: ACK seq 0 ack 1',
    '500 wire #7 client → server: ACK seq 0 ack 1',
    '600 harness the scenario ends; tear-down follows',
  ]);
  const timeline = timelineOf([begins, ...events], cell());
  expect(timeline).toMatchObject({ events: events.length + 1, folded: 45 });
  expect(timeline.entries.find(({ count }) => count === 40)).toMatchObject({ ms: 20, untilMs: 59 });
  const all = timelineOf([begins, ...events], cell(), { all: true });
  expect(all.entries.map(({ event }) => event)).toHaveLength(events.length + 1);
  expect(all.folded).toBe(0);
});

test('what the wire did to many of a kind is counted, to a few it is told of each', () => {
  const held = (count: number) =>
    Array.from({ length: count }, (_, at) =>
      onWire(of, 'client', 120 + at, ['ACK'], { n: at + 1, seq: 1, ack: 1, deed: { do: 'held', rule: 1 } }),
    );
  const gone = (count: number) =>
    Array.from({ length: count }, (_, at) => wentOn(at + 1, 140 + at, { do: 'held', rule: 1, heldNs: ns(20) }));
  expect(told(...held(6), ...gone(6))).toEqual([
    '20 wire client → server: 6 ACKs, held (rule 1), the first #1',
    '40 wire 6 packets: each goes on (rule 1), the first #1',
  ]);
  expect(told(...held(4), ...gone(4))).toHaveLength(8);
});

test("a packet that is no TCP segment is told by what it is, the wire's ping among them", () => {
  const { segment: _, ...packet } = onWire(of, 'server', 120, [], { n: 7 });
  const other = { ...packet, why: 'no-tcp' } as const;
  expect(
    told(
      { ...other, deed: { do: 'forged', as: 'echo', of: 6 } },
      { ...other, n: 8, deed: { do: 'forged', as: 'unreachable', of: 6 } },
      { ...other, n: 9 },
      { ...other, n: 10, deed: { do: 'forged', refusedBy: 'kernel', errno: 'EINVAL' } },
    ),
  ).toEqual([
    "20 wire #7 server → client: ICMP echo request, the wire's own, after #6",
    '20 wire #8 server → client: ICMP host unreachable, for #6',
    '20 wire #9 server → client: no TCP segment (no-tcp)',
    "20 wire #10 server → client: no TCP segment (no-tcp), forged by the wire in the server's name, refused by the kernel: EINVAL",
  ]);
});

test('two of a kind are no run', () => {
  expect(told(node(of, 'server', 120, 'data', { bytes: 1 }), node(of, 'server', 121, 'data', { bytes: 2 }))).toEqual([
    "20 server 'data', 1 byte",
    "21 server 'data', 2 bytes",
  ]);
});

test('states that no event tells come from the record, with how well each is known', () => {
  const events = [...opened(of, 110), ...closedInTurn(of, 'client', 120, 130)];
  const exact = { evidence: 'exact', source: 'trace' } as const;
  const record = cell({
    paths: {
      client: [
        { state: 'FIN-WAIT-2', at: ns(120.02), ...exact },
        { state: 'TIME-WAIT', at: ns(130.02), mini: true, notBefore: ns(130), evidence: 'bracketed', source: 'trace' },
        { state: 'CLOSED', at: ns(200), notBefore: ns(190), evidence: 'sampled', source: 'ss' },
      ],
    },
  });
  const steps = timelineOf([begins, ...events], record).entries.filter(({ kind }) => kind === 'step');
  expect(steps.map(({ ms, lane, text }) => `${ms} ${lane} ${text}`)).toEqual([
    '30.02 kernel client: TIME-WAIT as a mini-socket, entered between 30.000 and 30.020',
    '100 ss client: CLOSED, entered between 90.000 and 100.000 (sampled)',
  ]);
});

test('a cell that errored before anything happened has no entries, and its reason', () => {
  const record = cell({ status: 'errored', reason: { code: 'PEER_DIED', message: 'client' } });
  expect(timelineOf([], record)).toMatchObject({
    entries: [],
    events: 0,
    status: 'errored',
    reason: { code: 'PEER_DIED', message: 'client' },
  });
});

test('a hundred thousand events take seconds, not minutes', () => {
  const many: Event[] = Array.from({ length: 100_000 }, (_, at) =>
    at % 2 === 0
      ? node(of, 'server', 120 + at / 100, 'data', { bytes: 1 })
      : onWire(of, 'client', 120 + at / 100, ['ACK'], { n: at, seq: at, ack: 1, bytes: 1 }),
  );
  const began = performance.now();
  const timeline = timelineOf([begins, ...opened(of, 110), ...many], cell());
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(timeline.entries.length).toBeLessThan(20);
  expect(timeline.entries.reduce((sum, { count }) => sum + count, 0)).toBe(timeline.events);
});
