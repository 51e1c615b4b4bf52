import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Event } from '../../../src/record/event.ts';
import { timelineLines } from '../../../src/report/timeline/text.ts';
import { timelineOf } from '../../../src/report/timeline/timeline.ts';
import { call, counters, flow, node, ns, opened, segment } from '../../facts/handmade.ts';
import { exampleCell } from '../../record/example.ts';

const of = flow();
const begins: Event = { t: ns(100), source: 'harness', kind: 'scenario-begins' };
const plain = { color: false, width: 80, all: false };
const events: Event[] = [
  begins,
  ...opened(of, 110),
  call(of, 'client', 1120, { verb: 'write', bytes: 1 }, { errno: 'EPIPE', syscall: 'write' }),
  ...[1, 2, 3].map((at) => node(of, 'server', 1200 + at, 'data', { bytes: 1 })),
  segment('reset-sent', of, 'client', 1300),
  counters(1301, { 'Tcp.ActiveOpens': 1, 'TcpExt.TCPAbortOnData': 1, 'TcpExt.TCPAbortOnClose': 1 }),
];
const record = exampleCell({
  paths: {},
  status: 'errored',
  reason: { code: 'SCENARIO_THREW', message: 'the scenario threw: no' },
});
const drawn = (options = plain, of = timelineOf(events, record)) => [...timelineLines(of, options)].join('\n');

test('times, lanes and texts are columns; long texts go on below their beginning', () => {
  expect(drawn()).toMatchInlineSnapshot(`
    "close-order/closes=client  repeat 1 · errored · 0.5 s
      SCENARIO_THREW: the scenario threw: no
      client 127.0.0.1:40000, server 127.64.0.1:10240

          ms  lane     what happened
       0.000  harness  the scenario begins
       9.500  client   connect
      10.000  kernel   client: CLOSED → SYN-SENT
      10.020  kernel   client: SYN-SENT → ESTABLISHED
      10.030  kernel   server: LISTEN → SYN-RECEIVED (a new socket of the listener)
      10.040  kernel   server: SYN-RECEIVED → ESTABLISHED
      12.000  harness  connection: client 127.0.0.1:40000, server 127.64.0.1:10240
    1020.000  client   write 1 byte fails with EPIPE (write)
    1101.000  server   'data' × 3, 3 bytes, until 1103.000
    1200.000  kernel   client: sends RST
    1201.000  kernel   counters: Tcp.ActiveOpens 1, TcpExt.TCPAbortOnData 1,
                       TcpExt.TCPAbortOnClose 1

    errored: SCENARIO_THREW: the scenario threw: no
    13 events; 3 of them are counted together or left out: --all shows each"
  `);
});

test('colour adds nothing but colour: states, refusals and resets stand out', () => {
  const colored = drawn({ ...plain, color: true });
  expect(stripVTControlCharacters(colored)).toBe(drawn());
  expect(colored).toContain('\x1b[36mclient: CLOSED → SYN-SENT\x1b[39m');
  expect(colored).toContain('\x1b[31mwrite 1 byte fails with EPIPE (write)\x1b[39m');
  expect(colored).toContain('\x1b[31mclient: sends RST\x1b[39m');
});

test('no line is longer than the terminal is wide', () => {
  for (const width of [60, 80, 120]) {
    expect(
      Math.max(
        ...drawn({ ...plain, width })
          .split('\n')
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(width);
  }
});

test('with all, each event has a line, with what is known of it', () => {
  const all = drawn({ ...plain, all: true }, timelineOf(events, record, { all: true }));
  expect(all.match(/'data', 1 byte/g)).toHaveLength(3);
  expect(all).toContain('client: CLOSED → SYN-SENT [CPU 0]');
  expect(all).not.toContain('--all');
});

test('no control character of a record comes through', () => {
  const evil = '\x1b[2Jx\u009b1m\u202e';
  const hostile = timelineOf(
    [begins, node(of, 'server', 1, evil), { ...node(of, 'server', 2, 'x'), peer: evil }],
    exampleCell({ id: `a/${evil}`, reason: { message: evil }, status: 'errored', paths: { [evil]: [] } }),
  );
  expect(drawn(plain, hostile).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('a cell without events says so', () => {
  expect(drawn(plain, timelineOf([], record))).toMatch(/No event was recorded\.$/);
});
