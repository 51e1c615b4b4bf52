import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Deed } from '../../src/record/deed.ts';
import type { Event } from '../../src/record/event.ts';
import type { End } from '../../src/tcp/states.ts';
import {
  all,
  blind,
  call,
  closedInTurn,
  flow,
  node,
  onWire,
  opened,
  orphaned,
  queues,
  sample,
  segment,
  shown,
  signalled,
  went,
} from './handmade.ts';

const one = flow();
const wrote = (bytes: number, at = 20) => call(one, 'client', at, { verb: 'write', bytes });
const read = (bytes: number, at = 30) => node(one, 'server', at, 'data', { bytes });

/** `end` resets at `at`, the other end receives it. */
function reset(end: End, at: number): Event[] {
  const other = end === 'client' ? 'server' : 'client';
  return [
    went(one, end, at, 'ESTABLISHED', 'CLOSED'),
    segment('reset-sent', one, end, at + 0.01),
    segment('reset-received', one, other, at + 0.02),
    went(one, other, at + 0.03, 'ESTABLISHED', 'CLOSED'),
  ];
}

/** What is known of the client's bytes. */
function known(events: readonly Event[], sight = all) {
  const { facts, unknown, warnings } = derive([...opened(one, 10), ...events], sight);
  const of = (values: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => /^client\.(acked|lost)/.test(name))
        .map(([name, value]) => [name.slice('client.'.length), value]),
    );
  return { ...of(facts), why: of(unknown), warnings };
}
const none = { 'lost.js': 0, 'lost.sendQueue': 0, 'lost.network': 0, 'lost.receiveQueue': 0, 'lost.readBuffer': 0 };

describe('bytes that the wire made', () => {
  const handshake = [
    onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 }),
    onWire(one, 'server', 10.01, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1 }),
    onWire(one, 'client', 10.02, ['ACK'], { n: 3, seq: 1, ack: 1 }),
  ];
  const data = (n: number, at: number, seq: number, bytes: number, deed: Deed = { do: 'carried' }) =>
    onWire(one, 'client', at, ['PSH', 'ACK'], { n, seq, ack: 1, bytes, deed });
  const ack = (n: number, at: number, of: number) => onWire(one, 'server', at, ['ACK'], { n, seq: 1, ack: of });
  const forged: Deed = { do: 'forged' };
  const closed = closedInTurn(one, 'client', 40, 50);
  const held = [queues(one, 'client', 39, { sent: 10, acked: 11 }), queues(one, 'server', 45, { read: 10 })];
  const bytes = (...events: Event[]) => {
    const { facts, unknown } = derive([...opened(one, 10), ...handshake, ...events, ...closed], all);
    const { written, delivered, foreign, lost, lostIn } = Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [name.replace('client.', ''), value]),
    );
    return { written, delivered, foreign, lost, lostIn, why: unknown['client.delivered']?.code };
  };
  /** Forged first, then the client's own ten with the same numbers. */
  const instead = [data(4, 20, 1, 4, forged), ack(5, 20.1, 5), data(6, 22, 1, 10), ack(7, 22.1, 11)];

  test('took the places of its own: those that came later were sent, and are lost', () => {
    const events = [...instead, wrote(10, 21), read(4, 20.2), read(6, 22.2), ...held];
    expect(bytes(...events)).toEqual({
      written: 10,
      delivered: 6,
      foreign: 4,
      lost: 4,
      lostIn: ['network'],
      why: undefined,
    });
  });

  test('were acknowledged with the next only, yet read before', () => {
    const late = [data(4, 20, 1, 4, forged), data(5, 22, 1, 10), ack(6, 22.1, 11)];
    expect(bytes(...late, wrote(10, 21), read(4, 20.2), read(6, 22.2), ...held)).toMatchObject({
      delivered: 6,
      foreign: 4,
    });
  });

  test('were not accepted: nothing was read or acknowledged of them', () => {
    const challenged = [data(4, 20, 1, 4, forged), ack(5, 20.1, 1), data(6, 22, 1, 10), ack(7, 22.1, 11)];
    expect(bytes(...challenged, wrote(10, 21), read(10, 22.2), ...held)).toMatchObject({
      delivered: 10,
      foreign: 0,
      lost: 0,
    });
    const repeated = [data(4, 20, 1, 10), ack(5, 20.1, 11), data(6, 22, 1, 10, forged), ack(7, 22.1, 11)];
    expect(bytes(...repeated, wrote(10, 19), read(10, 20.2), ...held)).toMatchObject({ delivered: 10, foreign: 0 });
  });

  test('may have been accepted: whose bytes were read is not known', () => {
    const silent = [data(4, 20, 1, 4, forged), data(5, 22, 1, 10), ack(6, 22.1, 11)];
    const nothing = { delivered: null, foreign: null, lost: null, lostIn: null };
    expect(bytes(...silent, wrote(10, 21), read(10, 22.2), ...held)).toMatchObject({
      ...nothing,
      why: 'foreign-bytes',
    });
    const lacking = data(9, 22, 1, 10);
    expect(bytes(...instead, lacking, wrote(10, 21), read(10, 22.2))).toMatchObject({
      ...nothing,
      why: 'not-recorded',
    });
  });

  test('are its own where the wire repeats what it sent itself', () => {
    const copied = [data(4, 20, 1, 10), ack(5, 20.1, 11), data(6, 22, 1, 10, { do: 'copy', of: 4 })];
    expect(bytes(...copied, wrote(10, 19), read(10, 20.2), ...held)).toMatchObject({
      delivered: 10,
      foreign: undefined,
    });
  });
});

describe('nothing is lost', () => {
  test('where nothing was written, whatever else is known', () => {
    expect(known([])).toMatchObject({ acked: 0, lost: 0, lostIn: [], ...none });
  });

  test('where everything was read, though nobody read the queues', () => {
    const events = [wrote(500), read(500), ...closedInTurn(one, 'client', 40, 50)];
    expect(known(events)).toMatchObject({ acked: 500, lost: 0, lostIn: [], ...none });
  });
});

test('where more was read than was written, whose bytes those were is not known', () => {
  const found = known([wrote(100), read(7_000), ...closedInTurn(one, 'client', 40, 50)]);
  expect(found).toMatchObject({ acked: null, lost: null, lostIn: null, 'lost.network': null });
  expect(found.why).toMatchObject({
    lost: { code: 'foreign-bytes', text: "the server's application read 6900 bytes more than were written" },
  });
});

describe('lost bytes lie where they had come to', () => {
  test("never taken by the writer's kernel: in its process", () => {
    const events = [
      wrote(1000),
      queues(one, 'client', 40, { sent: 600, acked: 601 }),
      ...orphaned(one, 'client', 40.01, 60),
      read(600, 45),
      queues(one, 'server', 59, { state: 'CLOSE-WAIT', read: 600, received: 601 }),
    ];
    expect(known(events)).toMatchObject({ acked: 600, lost: 400, lostIn: ['js'], ...none, 'lost.js': 400 });
  });

  test('taken and never sent, then thrown away by a reset: in the send queue', () => {
    const events = [
      wrote(1000),
      queues(one, 'client', 40, { sent: 300, unsent: 700, acked: 201 }),
      ...reset('client', 40.01),
      read(300, 45),
      queues(one, 'server', 50, { state: 'CLOSED', read: 300 }),
    ];
    expect(known(events)).toMatchObject({ acked: 200, lost: 700, lostIn: ['sendQueue'], 'lost.sendQueue': 700 });
  });

  test('sent, and in no receive queue: in the network', () => {
    const events = [
      wrote(1000),
      queues(one, 'client', 40, { sent: 1000, acked: 401 }),
      ...reset('client', 40.01),
      read(400, 45),
      queues(one, 'server', 50, { state: 'CLOSED', read: 400 }),
    ];
    expect(known(events)).toMatchObject({ lost: 600, lostIn: ['network'], 'lost.network': 600 });
  });

  test("received by the other kernel, and by net for its buffer: in both of the reader's places", () => {
    const events = [
      wrote(1000),
      read(100),
      queues(one, 'server', 40, { read: 400, unread: 600 }),
      ...reset('server', 40.01),
      queues(one, 'client', 41, { state: 'CLOSED', sent: 1000, acked: 1001 }),
    ];
    expect(known(events)).toMatchObject({
      acked: 1000,
      lost: 900,
      lostIn: ['receiveQueue', 'readBuffer'],
      ...none,
      'lost.receiveQueue': 600,
      'lost.readBuffer': 300,
    });
  });

  test('in every place at once, and the places add up', () => {
    const events = [
      wrote(1000),
      read(100),
      queues(one, 'server', 40, { read: 150, unread: 250 }),
      ...reset('server', 40.01),
      queues(one, 'client', 41, { state: 'CLOSED', sent: 500, unsent: 300, acked: 401 }),
    ];
    expect(known(events)).toMatchObject({
      lost: 900,
      lostIn: ['js', 'sendQueue', 'network', 'receiveQueue', 'readBuffer'],
      'lost.js': 200,
      'lost.sendQueue': 300,
      'lost.network': 100,
      'lost.receiveQueue': 250,
      'lost.readBuffer': 50,
    });
  });
});

describe('the kernel counts SYN and FIN', () => {
  test('a FIN behind unsent data is no lost byte', () => {
    const events = [
      wrote(1000),
      went(one, 'client', 30, 'ESTABLISHED', 'FIN-WAIT-1'),
      queues(one, 'client', 40, { state: 'FIN-WAIT-1', sent: 400, unsent: 601, acked: 401 }),
      went(one, 'client', 40.01, 'FIN-WAIT-1', 'CLOSED'),
      read(400, 35),
      queues(one, 'server', 50, { state: 'CLOSED', read: 400 }),
    ];
    expect(known(events)).toMatchObject({ lost: 600, 'lost.js': 0, 'lost.sendQueue': 600 });
  });

  test('the SYN of the client is acknowledged, too; a server has none', () => {
    const both = [queues(one, 'client', 40, { acked: 1 }), queues(one, 'server', 41, { acked: 700, sent: 700 })];
    const { facts } = derive(
      [...opened(one, 10), call(one, 'server', 20, { verb: 'write', bytes: 900 }), ...both, ...reset('server', 41.01)],
      all,
    );
    expect(facts).toMatchObject({ 'client.acked': 0, 'server.acked': 700 });
  });
});

describe('what nobody could see is unknown', () => {
  test('while the reader is open nothing is lost yet', () => {
    const { why } = known([wrote(1000), queues(one, 'client', 40, { sent: 1000 })]);
    expect(why).toMatchObject({
      lost: { code: 'still-open', text: 'the server was still open when the scenario ended' },
    });
  });

  test('after a close without a reset the kernel goes on: sent or not is unknown, the rest is not', () => {
    const events = [
      wrote(1000),
      queues(one, 'client', 40, { sent: 400, unsent: 600, acked: 401 }),
      went(one, 'client', 40.01, 'ESTABLISHED', 'FIN-WAIT-1'),
      queues(one, 'server', 50, { read: 0, unread: 400 }),
      ...reset('server', 50.01),
    ];
    const { why, ...facts } = known(events);
    expect(facts).toMatchObject({ lost: 1000, lostIn: null, 'lost.receiveQueue': 400, 'lost.js': 0, acked: 400 });
    expect(facts).toMatchObject({ 'lost.sendQueue': null, 'lost.network': null });
    expect(why).toMatchObject({
      'lost.sendQueue': {
        code: 'bounded',
        text: "between 0 and 600 bytes: the client's kernel went on after the close",
      },
    });
  });

  test('without the queues of either end: the sum, and that the kernel had taken what was written without an error', () => {
    const { why, ...facts } = known([wrote(1000), read(200), ...reset('server', 40)]);
    expect(facts).toMatchObject({ lost: 800, lostIn: null, 'lost.js': 0, 'lost.sendQueue': null, acked: null });
    expect(why).toMatchObject({ lostIn: { text: expect.stringContaining('the client and the server were not read') } });
  });

  test('without them, a write in the same turn as the close, or one that failed, may not have left the process', () => {
    const closing = call(one, 'client', 20, { verb: 'close', by: 'destroy', sending: 1000 });
    const refused = { errno: 'ECANCELED', syscall: 'write' };
    for (const given of [closing, call(one, 'client', 20, { verb: 'write', bytes: 1000 }, refused)]) {
      const facts = known([given, ...reset('server', 40)]);
      expect(facts).toMatchObject({ lost: 1000, 'lost.js': null });
    }
  });

  test('without the trace a reset is none that was seen', () => {
    const { why } = known(
      [wrote(1000), queues(one, 'client', 40, { sent: 400, unsent: 600 }), queues(one, 'server', 50, { read: 400 })],
      blind,
    );
    expect(why).toHaveProperty(['lost.sendQueue']);
  });
});

describe('a process that was killed', () => {
  const killed = (...signals: string[]) =>
    known([
      ...signals.map((signal, index) => signalled('server', 15 + index, signal)),
      wrote(1000),
      sample(30, { ...shown(one, 'server', 'ESTABLISHED'), recvQ: 1000 }),
      queues(one, 'client', 40, { sent: 1000, acked: 1001 }),
      ...orphaned(one, 'client', 40.01, 60),
      signalled('server', 55, 'SIGKILL'),
    ]);

  test('while it was stopped has left in the receive queue what ss saw there', () => {
    expect(killed('SIGSTOP')).toMatchObject({ lost: 1000, lostIn: ['receiveQueue'], 'lost.receiveQueue': 1000 });
  });

  test('while it ran may have read it since: unknown', () => {
    for (const signals of [[], ['SIGSTOP', 'SIGCONT']])
      expect(killed(...signals)).toMatchObject({ lost: 1000, lostIn: null, 'lost.readBuffer': null });
  });
});

describe('sources that contradict each other', () => {
  test.each([
    [
      'a kernel that took more than was written',
      [queues(one, 'client', 40, { sent: 2000 })],
      'took 2000 bytes of 1000',
    ],
    [
      'a kernel that received what net has not',
      [queues(one, 'server', 40, { received: 900, read: 500 })],
      'received 900',
    ],
    ['an application that read more than net', [read(600), queues(one, 'server', 40, { read: 500 })], 'net only 500'],
  ] as const)('are shown, and decide nothing: %s', (_, events, said) => {
    const { why, warnings, ...facts } = known([wrote(1000), ...events, ...reset('server', 40.01)]);
    expect(warnings.map(({ code, text }) => [code, text])).toEqual([
      ['observers-disagree', expect.stringContaining(said)],
    ]);
    expect(facts).toMatchObject({ lostIn: null, 'lost.js': null });
    expect(why).toMatchObject({ lostIn: { text: expect.stringContaining('contradict') } });
  });
});
