import { describe, expect, test } from 'vitest';
import { type Sight, viewOf } from '../../src/facts/connections.ts';
import { type EndpointPath, pathOf } from '../../src/facts/path.ts';
import type { Event } from '../../src/record/event.ts';
import type { End } from '../../src/tcp/states.ts';
import {
  all,
  blind,
  closedInTurn,
  closedTogether,
  connectCall,
  connected,
  flow,
  flow6,
  miniSocket,
  noMiniTimers,
  ns,
  onWire,
  opened,
  orphaned,
  sample,
  segment,
  shown,
  tcpInfo,
  timerExpire,
  went,
} from './handmade.ts';

const one = flow();

function folded(events: readonly Event[], end: End, sight: Sight = all, label = ''): EndpointPath {
  const view = viewOf(events, sight);
  const connection = view.connections.find((candidate) => candidate.label === label);
  if (!connection) throw new Error(`no connection ${label}`);
  return pathOf(view, connection, connection[end]);
}
const statesOf = ({ steps }: EndpointPath): string =>
  steps.map(({ state, mini }) => state + (mini ? '*' : '')).join(' ');

describe('with tracepoints', () => {
  test.each(['client', 'server'] as const)('the %s closes first and passes into TIME-WAIT, exactly', (first) => {
    const path = folded([...opened(one, 10), ...closedInTurn(one, first, 20, 50)], first);
    const begins = first === 'client' ? 'SYN-SENT' : 'SYN-RECEIVED';
    expect(statesOf(path)).toBe(`${begins} ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT*`);
    expect(path.steps.at(-1)).toMatchObject({ at: ns(50.02), evidence: 'exact', source: 'trace' });
    expect(path.beganWith).toBe("peer's FIN");
    expect(path.incomplete).toBeUndefined();
    expect(path.disagreements).toEqual([]);
  });

  test('the end that closes second ends with its last ACK', () => {
    const path = folded([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)], 'server');
    expect(statesOf(path)).toBe('SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED');
    expect(path.miniEnd).toBeUndefined();
  });

  test('no TIME-WAIT begins where the wire tells that the FIN never came: its sender gave it up', () => {
    const syn = onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 });
    const fin = onWire(one, 'server', 50, ['FIN', 'ACK'], {
      n: 2,
      seq: 1,
      ack: 2,
      deed: { do: 'black hole', rule: 1 },
    });
    const record = [...opened(one, 10), ...orphaned(one, 'client', 20, 50), syn, fin];
    const path = folded(record, 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-2*');
    const waits = folded([...record, sample(60, shown(one, 'client', 'FIN-WAIT-2', 59_000))], 'client');
    expect(waits.disagreements).toEqual([]);
  });

  test('TIME-WAIT begins with a FIN that the wire forged for a full socket, which acknowledged it', () => {
    const record = [
      ...opened(one, 10),
      went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1'),
      onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 }),
      onWire(one, 'server', 10.01, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1 }),
      onWire(one, 'client', 20.01, ['FIN', 'ACK'], { n: 3, seq: 1, ack: 1, deed: { do: 'dropped', rule: 1 } }),
      // stamped before it is given, and so before what it leads to
      onWire(one, 'server', 30, ['FIN', 'ACK'], { n: 4, seq: 1, ack: 2, deed: { do: 'forged' } }),
      went(one, 'client', 30.008, 'FIN-WAIT-1', 'FIN-WAIT-2'),
      miniSocket(one, 'client', 30.01),
      went(one, 'client', 30.012, 'FIN-WAIT-2', 'CLOSED'),
    ];
    const answer = onWire(one, 'client', 30.02, ['ACK'], { n: 5, seq: 2, ack: 2, deed: { do: 'dropped', rule: 1 } });
    const path = folded([...record, answer], 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT*');
    expect(path.beganWith).toBe("peer's FIN");
    // it acknowledged no FIN: that one was not accepted
    const challenge = onWire(one, 'client', 30.02, ['ACK'], { n: 5, seq: 2, ack: 1 });
    expect(statesOf(folded([...record, challenge], 'client'))).toBe(
      'SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-2*',
    );
    // nothing more is in the record: it is not known
    expect(folded([...record, { ...answer, n: 9 }].slice(0, -1), 'client').incomplete).toBeUndefined();
    const lacking = folded([...record, onWire(one, 'server', 90, ['RST'], { n: 9, seq: 2 })], 'client');
    expect(lacking.incomplete).toMatchObject({ code: 'not-recorded' });
  });

  test('no TIME-WAIT begins where its other end sent a FIN before, and the wire lost it', () => {
    const record = [
      ...opened(one, 10),
      ...orphaned(one, 'client', 20, 20.015),
      onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 }),
      onWire(one, 'server', 20.016, ['FIN', 'ACK'], { n: 2, seq: 1, ack: 2, deed: { do: 'lost', rule: 1 } }),
    ];
    expect(statesOf(folded(record, 'client'))).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-2*');
  });

  test('a connection over IPv6 folds in the same way', () => {
    const path = folded([...opened(flow6, 10), ...closedInTurn(flow6, 'client', 20, 50)], 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT*');
  });

  test("events of several CPUs' buffers, one after the other, fold as if they had come in order", () => {
    const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), timerExpire(60_100)];
    const path = folded(events, 'client');
    expect(folded(events.toReversed(), 'client')).toEqual(path);
    expect(statesOf(path)).toMatch(/TIME-WAIT\* CLOSED$/);
  });

  test('an orphan is in FIN-WAIT-2 as a mini-socket until the other end sends its FIN', () => {
    const path = folded([...opened(one, 10), ...orphaned(one, 'client', 20, 1600)], 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-2* TIME-WAIT*');
    expect(path.steps.at(-2)).toMatchObject({ state: 'FIN-WAIT-2', at: ns(20.023), evidence: 'exact' });
  });

  test("an orphan's TIME-WAIT lies between the other end's FIN and the acknowledgement that ends its LAST-ACK", () => {
    const path = folded([...opened(one, 10), ...orphaned(one, 'client', 20, 1600)], 'client');
    expect(path.steps.at(-1)).toEqual({
      state: 'TIME-WAIT',
      at: ns(1600.03),
      notBefore: ns(1600),
      evidence: 'bracketed',
      source: 'trace',
      mini: true,
    });
    expect(path.beganWith).toBe("peer's FIN");
  });

  test('a FIN that was still on its way when the orphan was left begins TIME-WAIT only after the sample that shows so', () => {
    const events = [
      ...opened(one, 10),
      went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1'),
      went(one, 'server', 20.01, 'ESTABLISHED', 'CLOSE-WAIT'),
      went(one, 'server', 20.015, 'CLOSE-WAIT', 'LAST-ACK'),
      went(one, 'client', 20.02, 'FIN-WAIT-1', 'FIN-WAIT-2'),
      miniSocket(one, 'client', 20.021),
      went(one, 'client', 20.023, 'FIN-WAIT-2', 'CLOSED'),
      sample(40, shown(one, 'client', 'FIN-WAIT-2', 59_980)),
      went(one, 'server', 60, 'LAST-ACK', 'CLOSED'),
    ];
    const path = folded(events, 'client');
    expect(statesOf(path)).toMatch(/FIN-WAIT-2 FIN-WAIT-2\* TIME-WAIT\*$/);
    expect(path.steps.at(-1)).toMatchObject({ at: ns(60), notBefore: ns(40), evidence: 'bracketed' });
    expect(path.disagreements).toEqual([]);
  });

  test('an orphan whose other end never closes stays in FIN-WAIT-2 until its timer ends', () => {
    const half = orphaned(one, 'client', 20, 1600).filter(({ t }) => t < ns(1600));
    const path = folded([...opened(one, 10), ...half, timerExpire(60_100)], 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-2* CLOSED');
    expect(path.steps.at(-1)).toMatchObject({ at: ns(60_100), evidence: 'exact' });
  });

  test("a FIN that a RST answers does not begin an orphan's TIME-WAIT", () => {
    const events = [...opened(one, 10), ...orphaned(one, 'client', 20, 70_000)];
    const path = folded(
      [...events, timerExpire(62_000), segment('reset-received', one, 'server', 70_000.02)],
      'client',
    );
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-2* CLOSED');
  });

  test('ends that close together pass CLOSING, and the ACK of the FIN begins TIME-WAIT at both', () => {
    const events = [...opened(one, 10), ...closedTogether(one, 20)];
    const [client, server] = [folded(events, 'client'), folded(events, 'server')];
    expect(statesOf(client)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT*');
    expect(statesOf(server)).toBe('SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT*');
    expect([client.beganWith, server.beganWith]).toEqual(['ACK of FIN', 'ACK of FIN']);
  });

  test('a reset leaves no mini-socket', () => {
    const events = [...opened(one, 10), went(one, 'client', 20, 'ESTABLISHED', 'CLOSED')];
    const path = folded(events, 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED CLOSED');
    expect(path.incomplete).toBeUndefined();
  });

  test('FIN-WAIT-2 to CLOSED without a timer leaves no mini-socket: too many of them, or a RST', () => {
    const closed = closedInTurn(one, 'client', 20, 50).filter(({ kind }) => kind !== 'mini-socket');
    const path = folded([...opened(one, 10), ...closed], 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSED');
    expect(path.steps.at(-1)).toMatchObject({ at: ns(50.02), evidence: 'exact' });
  });

  test('an endpoint that is still open ends with its last state', () => {
    expect(statesOf(folded(opened(one, 10), 'server'))).toBe('SYN-RECEIVED ESTABLISHED');
  });

  test('a timer of another life of the same kernel socket is not taken for its own', () => {
    const old = flow({ label: 'old', address: { ...one.address, client: { address: '127.0.0.1', port: 39_999 } } });
    const closed = closedInTurn(one, 'client', 220, 250).filter(({ kind }) => kind !== 'mini-socket');
    const events = [...opened(old, 10), ...closedInTurn(old, 'client', 20, 50), ...opened(one, 210), ...closed];
    expect(statesOf(folded(events, 'client'))).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSED');
    expect(statesOf(folded(events, 'client', all, 'old'))).toMatch(/TIME-WAIT\*$/);
  });
});

describe('with a hand-over that the trace could not tell', () => {
  const unclear = closedInTurn(one, 'client', 20, 50)
    .filter(({ kind }) => kind !== 'mini-socket')
    .map((event) =>
      event.kind === 'transition' && event.from === 'FIN-WAIT-2' ? { ...event, handOver: 'unclear' as const } : event,
    );
  const events = [...opened(one, 10), ...unclear];

  test('it is unknown what became of the socket, with the reason', () => {
    const path = folded(events, 'client');
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2');
    expect(path.incomplete?.text).toMatch(/no ss sample soon after .* its CPU stood still while it did$/);
  });

  test('a sample shows whether there is a mini-socket', () => {
    const kept = folded([...events, sample(70, shown(one, 'client', 'TIME-WAIT', 59_980))], 'client');
    expect(statesOf(kept)).toMatch(/FIN-WAIT-2 TIME-WAIT\*$/);
    const none = folded([...events, sample(70)], 'client');
    expect(statesOf(none)).toMatch(/FIN-WAIT-2 CLOSED$/);
  });
});

describe('with tracepoints, and without the timers of mini-sockets', () => {
  const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50).filter((e) => e.kind !== 'mini-socket')];

  test('a sample after the full socket ended shows the mini-socket', () => {
    const path = folded([...events, sample(70, shown(one, 'client', 'TIME-WAIT', 59_980))], 'client', noMiniTimers);
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT*');
    expect(path.steps.at(-1)).toMatchObject({ at: ns(50.02), evidence: 'exact' });
  });

  test('a sample soon after that shows nothing says that there is none', () => {
    const path = folded([...events, sample(70)], 'client', noMiniTimers);
    expect(statesOf(path)).toMatch(/FIN-WAIT-2 CLOSED$/);
    expect(path.incomplete).toBeUndefined();
  });

  test('without a sample it is unknown what became of it, with the reason', () => {
    const path = folded(events, 'client', noMiniTimers);
    expect(statesOf(path)).toBe('SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2');
    expect(path.incomplete?.text).toMatch(/no ss sample soon after .* traces no mini-socket timers/);
  });

  test('a sample of which a line was not understood does not say so', () => {
    const path = folded([...events, { ...sample(70), unread: 1 }], 'client', noMiniTimers);
    expect(path.incomplete?.text).toMatch('no ss sample soon after the full socket ended');
    expect(statesOf(path)).not.toMatch('CLOSED');
  });

  test('a sample that comes when a mini-socket may have run out already says nothing', () => {
    const path = folded([...events, sample(800)], 'client', noMiniTimers);
    expect(path.incomplete?.text).toMatch(/no ss sample soon after/);
  });

  test('an orphan is told from TIME-WAIT by what samples show, and its TIME-WAIT is between two of them', () => {
    const orphan = orphaned(one, 'client', 20, 1600).filter(({ kind, t }) => kind !== 'mini-socket' && t < ns(1600));
    const looks = [
      sample(40, shown(one, 'client', 'FIN-WAIT-2', 59_980)),
      sample(1500, shown(one, 'client', 'FIN-WAIT-2', 58_500)),
      sample(2000, shown(one, 'client', 'TIME-WAIT', 59_600)),
    ];
    const path = folded([...opened(one, 10), ...orphan, ...looks], 'client', noMiniTimers);
    expect(statesOf(path)).toMatch(/FIN-WAIT-2 FIN-WAIT-2\* TIME-WAIT\*$/);
    expect(path.steps.at(-1)).toMatchObject({ at: ns(2005), notBefore: ns(1500), evidence: 'sampled', source: 'ss' });
  });

  test('its end lies between the last sample that shows it and the first that does not', () => {
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(5000), sample(6000)];
    const path = folded([...events, ...looks], 'client', noMiniTimers);
    expect(path.steps.at(-1)).toEqual({
      state: 'CLOSED',
      at: ns(5005),
      notBefore: ns(70),
      evidence: 'sampled',
      source: 'ss',
    });
    expect(path.miniEnd?.by).toBe('gone');
  });
});

describe('without tracepoints', () => {
  const open = [connectCall(9), connected(one, 12)];
  const looks = [
    sample(5),
    sample(30, shown(one, 'client', 'ESTABLISHED')),
    sample(60, shown(one, 'client', 'FIN-WAIT-2')),
    sample(90, shown(one, 'client', 'TIME-WAIT', 59_990)),
    sample(60_050, shown(one, 'client', 'TIME-WAIT', 20)),
    sample(61_000),
  ];

  test('the path is what samples happened to show, and is not whole', () => {
    const path = folded([...open, ...looks], 'client', blind);
    expect(statesOf(path)).toBe('ESTABLISHED FIN-WAIT-2 TIME-WAIT* CLOSED');
    expect(path.steps.every(({ evidence }) => evidence === 'sampled')).toBe(true);
    expect(path.incomplete?.text).toBe('without tracepoints, states between samples are not seen');
  });

  test('a state began after the last look at the one before', () => {
    const { steps } = folded([...open, ...looks], 'client', blind);
    expect(steps[1]).toMatchObject({ state: 'FIN-WAIT-2', notBefore: ns(30), at: ns(65) });
    expect(steps[2]).toMatchObject({ state: 'TIME-WAIT', notBefore: ns(60), at: ns(95) });
    expect(steps[3]).toMatchObject({ state: 'CLOSED', notBefore: ns(60_050), at: ns(61_005) });
  });

  test('TCP_INFO shows the states of an open descriptor', () => {
    const path = folded([...open, tcpInfo(one, 'client', 40, 'FIN-WAIT-1'), looks[2]!], 'client', blind);
    expect(path.steps.map(({ state, source }) => [state, source])).toEqual([
      ['ESTABLISHED', 'node'],
      ['FIN-WAIT-1', 'tcp_info'],
      ['FIN-WAIT-2', 'ss'],
    ]);
  });

  test("TIME-WAIT's end is seen between two samples", () => {
    expect(folded([...open, ...looks], 'client', blind).miniEnd).toEqual({
      at: ns(61_005),
      notBefore: ns(60_050),
      by: 'timer',
    });
  });

  test('an endpoint that the trace has no socket of is told apart from a kernel without tracepoints', () => {
    expect(folded([...open, ...looks], 'client', all).incomplete?.text).toBe(
      'the trace has no socket of this endpoint',
    );
  });

  test('samples of which lines were not understood end nothing', () => {
    const unread = looks.map((look) => ({ ...look, unread: 1, sockets: [] }));
    const path = folded([...open, ...unread], 'client', blind);
    expect(statesOf(path)).toBe('ESTABLISHED');
    expect(path.miniEnd).toBeUndefined();
    const seen = folded([...open, ...looks.slice(0, 4), ...unread.slice(4)], 'client', blind);
    expect(statesOf(seen)).toBe('ESTABLISHED FIN-WAIT-2 TIME-WAIT*');
    expect(seen.miniEnd).toBeUndefined();
  });

  test('samples out of order are folded in order', () => {
    const path = folded([...looks.toReversed(), ...open], 'client', blind);
    expect(statesOf(path)).toBe('ESTABLISHED FIN-WAIT-2 TIME-WAIT* CLOSED');
  });
});

describe('what observers contradict each other in', () => {
  const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];

  test('a sample inside one exact state that shows another', () => {
    const path = folded([...events, sample(30, shown(one, 'client', 'ESTABLISHED'))], 'client');
    expect(path.disagreements).toEqual(['client: ss shows ESTABLISHED while the trace has FIN-WAIT-2']);
  });

  test('a sample that spans a transition contradicts nothing', () => {
    const path = folded([...events, sample(47, shown(one, 'server', 'LAST-ACK'))], 'server');
    expect(path.disagreements).toEqual([]);
  });

  test('a sample without the socket contradicts nothing: it may be off the tables for a moment', () => {
    expect(folded([...events, sample(30)], 'client').disagreements).toEqual([]);
  });

  test('a mini-socket in another state than the trace implies', () => {
    const orphan = [...opened(one, 10), ...orphaned(one, 'client', 20, 1600)];
    const path = folded([...orphan, sample(30, shown(one, 'client', 'TIME-WAIT', 59_000))], 'client');
    expect(path.disagreements).toEqual(['client: ss shows TIME-WAIT where FIN-WAIT-2 is expected']);
  });

  test('a mini-socket that is still shown after its timer ended', () => {
    const late = sample(60_200, shown(one, 'client', 'TIME-WAIT', 0));
    const path = folded([...events, timerExpire(60_100), late], 'client');
    expect(path.disagreements).toEqual(['client: ss shows TIME-WAIT where CLOSED is expected']);
  });
});

test('the same address of a timer, used by a later mini-socket, does not end the earlier one', () => {
  const later = flow({
    label: 'later',
    address: { ...one.address, client: { address: '127.0.0.1', port: 40_001 } },
    socket: { client: 'c1', server: '51' },
  });
  const events = [
    ...opened(one, 10),
    ...closedInTurn(one, 'client', 20, 50),
    ...opened(later, 5000),
    went(later, 'client', 5010, 'ESTABLISHED', 'FIN-WAIT-1'),
    went(later, 'client', 5010.02, 'FIN-WAIT-1', 'FIN-WAIT-2'),
    miniSocket(later, 'client', 5010.021),
    went(later, 'client', 5010.023, 'FIN-WAIT-2', 'CLOSED'),
    timerExpire(65_000),
  ];
  expect(folded(events, 'client').miniEnd).toBeUndefined();
  expect(folded(events, 'client', all, 'later').miniEnd).toEqual({ at: ns(65_000), by: 'timer' });
});
