import { describe, expect, test } from 'vitest';
import { flawsOf, foldChains } from '../../src/facts/chains.ts';
import { derive } from '../../src/facts/derive.ts';
import type { Event } from '../../src/record/event.ts';
import type { End, State } from '../../src/tcp/states.ts';
import {
  all,
  blind,
  call,
  closedInTurn,
  connectCall,
  connected,
  counters,
  flow,
  flow6,
  node,
  opened,
  orphaned,
  sample,
  scenarioEnds,
  segment,
  shown,
  stall,
  timerExpire,
  went,
} from './handmade.ts';

const one = flow();
const old = flow({ label: 'old' });
/** The same addresses and ports again, in the same kernel sockets, too. */
const again = flow({ label: 'new', endpoint: { client: 3, server: 4 } });

const factsOf = (events: readonly Event[], sight = all) => derive(events, sight).facts;

/** `end` is closed by a reset: nothing waits. */
const reset = (of: typeof one, end: End, at: number): Event[] => {
  const other = end === 'client' ? 'server' : 'client';
  return [
    went(of, end, at, 'ESTABLISHED', 'CLOSED'),
    // sent after the state changed
    segment('reset-sent', of, end, at + 0.01),
    segment('reset-received', of, other, at + 0.02),
    went(of, other, at + 0.03, 'ESTABLISHED', 'CLOSED'),
  ];
};

describe('paths', () => {
  test('are facts by name, and states follow each other once', () => {
    const facts = factsOf([...opened(one, 10), ...orphaned(one, 'client', 20, 1600)]);
    expect(facts['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT']);
    expect(facts['client.miniSocket']).toEqual(['FIN-WAIT-2', 'TIME-WAIT']);
    expect(facts['server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED']);
    expect(facts['server.miniSocket']).toEqual([]);
  });

  test.each(['CLOSING', 'LAST-ACK'] as const)(
    'a FIN queued behind data was not seen to be sent by an end that resets in %s',
    (state) => {
      const passed: Record<typeof state, State[]> = {
        CLOSING: ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSING', 'CLOSED'],
        'LAST-ACK': ['ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      };
      const steps = passed[state].slice(1).map((to, index) => {
        const from = passed[state][index] as State;
        return went(one, 'client', 20 + index, from, to);
      });
      const closing = [
        ...steps,
        went(one, 'server', 19, 'ESTABLISHED', 'FIN-WAIT-1'),
        went(one, 'server', 19.5, 'FIN-WAIT-1', 'FIN-WAIT-2'),
        went(one, 'server', 22.01, 'FIN-WAIT-2', 'CLOSED'),
      ];
      const reset = [segment('reset-sent', one, 'client', 22), segment('reset-received', one, 'server', 22.01)];
      const told = (events: readonly Event[]) => derive([...opened(one, 10), ...events], all);
      expect(told([...closing, ...reset]).facts['client.closedWith']).toBeNull();
      expect(told(closing).facts['client.closedWith']).toEqual(['FIN']);
    },
  );

  test('of an end that no process has speak of its socket, not of an application', () => {
    const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)].map((event) =>
      event.kind === 'connection' ? { ...event, server: { ...event.server, endpoint: null } } : event,
    );
    const facts = factsOf(events);
    expect(facts['server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED']);
    expect(facts['server.closedWith']).toEqual(['FIN']);
    for (const name of ['server.sawEnd', 'server.errors', 'server.written', 'client.delivered'])
      expect(facts).not.toHaveProperty([name]);
    expect(facts).toHaveProperty(['client.sawEnd']);
  });

  test('give how long each state lasted that was seen to end', () => {
    const facts = factsOf([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), timerExpire(60_100)]);
    expect(facts['client.stateMs.FIN-WAIT-2']).toBeCloseTo(30, 9);
    expect(facts['client.stateMs.TIME-WAIT']).toBeCloseTo(60_049.98, 9);
    expect(facts['server.stateMs.CLOSE-WAIT']).toBeCloseTo(29.99, 9);
    expect(facts).not.toHaveProperty('client.stateMs.CLOSED');
  });

  test('give the length of no state that only samples bound', () => {
    const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(5000)];
    const facts = factsOf([...events, ...looks]);
    expect(facts['client.path']).toContain('CLOSED');
    expect(facts).not.toHaveProperty('client.stateMs.TIME-WAIT');
  });

  test('give no length of a state whose last part only samples bound: the full socket is one part, its mini-socket the other', () => {
    // the other end does not close
    const events = [...opened(one, 10), ...orphaned(one, 'client', 20, 50).slice(0, 5)];
    const looks = [sample(70, shown(one, 'client', 'FIN-WAIT-2', 59_000)), sample(300)];
    const { facts, unknown } = derive([...events, ...looks], all);
    expect(facts['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSED']);
    expect(facts['client.stateMs.FIN-WAIT-2']).toBeNull();
    expect(unknown['client.stateMs.FIN-WAIT-2']).toMatchObject({ code: 'not-sampled' });
  });

  test('come with their evidence', () => {
    const { paths } = derive([...opened(flow6, 10), ...closedInTurn(flow6, 'server', 20, 50)], all);
    expect(paths.server?.map(({ evidence }) => evidence)).toEqual(['exact', 'exact', 'exact', 'exact', 'exact']);
    expect(Object.keys(paths)).toEqual(['client', 'server']);
  });

  test('without tracepoints are shown as sampled, and are unknown facts with the reason', () => {
    const events = [connectCall(9), connected(one, 12), sample(30, shown(one, 'client', 'FIN-WAIT-2'))];
    const { facts, unknown, paths } = derive(events, blind);
    expect(paths.client?.map(({ state }) => state)).toEqual(['ESTABLISHED', 'FIN-WAIT-2']);
    expect(facts).toMatchObject({ 'client.path': null, 'client.miniSocket': null, 'client.closedWith': null });
    expect(unknown['client.path']?.text).toBe('without tracepoints, states between samples are not seen');
    expect(unknown['client.retransmits']?.text).toBe('without tracepoints, segments are not seen');
  });

  test('in which observers contradict each other give a warning', () => {
    const wrong = sample(30, shown(one, 'client', 'ESTABLISHED'));
    const { warnings } = derive([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), wrong], all);
    expect(warnings.map(({ code, text }) => [code, text])).toEqual([
      ['observers-disagree', 'client: ss shows ESTABLISHED while the trace has FIN-WAIT-2'],
    ]);
  });
});

describe('segments', () => {
  test('each end of a close in turn sends one FIN', () => {
    const facts = factsOf([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)]);
    expect([facts['client.closedWith'], facts['server.closedWith']]).toEqual([['FIN'], ['FIN']]);
  });

  test('a RST that is sent after the socket closed is of that socket; the other end sent nothing', () => {
    const facts = factsOf([...opened(one, 10), ...reset(one, 'client', 20)]);
    expect([facts['client.closedWith'], facts['server.closedWith']]).toEqual([['RST'], []]);
    expect(facts['timeWait.holder']).toBe('none');
  });

  test('a RST after a FIN comes after it', () => {
    const events = [
      ...opened(one, 10),
      went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1'),
      went(one, 'server', 20.1, 'ESTABLISHED', 'CLOSE-WAIT'),
      went(one, 'client', 21, 'FIN-WAIT-1', 'CLOSED'),
      segment('reset-sent', one, 'client', 21.1),
    ];
    expect(factsOf(events)['client.closedWith']).toEqual(['FIN', 'RST']);
  });

  test('a FIN that waits behind data for a window is not said to be sent', () => {
    const events = [...opened(one, 10), went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1')];
    expect(factsOf(events)['client.closedWith']).toBeNull();
    expect(factsOf(events)['client.stateMs.FIN-WAIT-1']).toBeNull();
  });

  test('a second close, which announces the same state again, is no second FIN', () => {
    const events = [
      ...opened(one, 10),
      went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1'),
      went(one, 'server', 20.1, 'ESTABLISHED', 'CLOSE-WAIT'),
      went(one, 'client', 22, 'FIN-WAIT-1', 'FIN-WAIT-1'),
      went(one, 'client', 24, 'FIN-WAIT-1', 'FIN-WAIT-2'),
      went(one, 'client', 25, 'FIN-WAIT-2', 'FIN-WAIT-2'),
    ];
    expect(factsOf(events)['client.closedWith']).toEqual(['FIN']);
    expect(factsOf(events)['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2']);
    expect(
      foldChains(events)
        .flatMap(flawsOf)
        .filter(({ code }) => code === 'chain-illegal'),
    ).toEqual([]);
  });

  test('a RST that a mini-socket, or nobody, sends is of the end whose addresses it has', () => {
    const events = [...opened(one, 10), ...orphaned(one, 'client', 20, 1600).slice(0, 5)];
    const facts = factsOf([...events, { ...segment('reset-sent', one, 'client', 50), socket: '' }]);
    expect([facts['client.closedWith'], facts['server.closedWith']]).toEqual([['FIN', 'RST'], []]);
  });

  test('a RST to or from a later attempt at the same addresses, which was refused, is not of the connection before it', () => {
    const refused = flow({ socket: { client: 'c7', server: 's7' } });
    const events = [
      ...opened(one, 10),
      ...closedInTurn(one, 'server', 20, 50),
      went(refused, 'client', 100, 'CLOSED', 'SYN-SENT'),
      { ...segment('reset-sent', one, 'server', 100.5), socket: '' },
      went(refused, 'client', 101, 'SYN-SENT', 'CLOSED'),
    ];
    expect(factsOf(events)['server.closedWith']).toEqual(['FIN']);
    const without = events.filter((event) => !('socket' in event && event.socket === 'c7'));
    expect(factsOf(without)['server.closedWith']).toEqual(['FIN', 'RST']);
  });

  test('retransmits count those of the end itself', () => {
    const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
    const facts = factsOf([
      ...events,
      segment('retransmit', one, 'server', 51),
      segment('retransmit', one, 'server', 53),
    ]);
    expect([facts['client.retransmits'], facts['server.retransmits']]).toEqual([0, 2]);
  });

  test('retransmits count the SYN-ACK that a request sends again, which is of no socket in the trace', () => {
    const synAck = (at: number) => ({ ...segment('retransmit', one, 'server', at), socket: '' });
    const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
    // one of an earlier connection between the same addresses
    const facts = factsOf([synAck(1), ...events, synAck(10.001)].toSorted((a, b) => a.t - b.t));
    expect([facts['client.retransmits'], facts['server.retransmits']]).toEqual([0, 1]);
  });

  test.each(['resets', 'retransmits'] as const)('are unknown where this kernel does not trace %s', (missing) => {
    const events = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
    const { facts, unknown } = derive(events, { ...all, [missing]: false });
    const [lacks, has] =
      missing === 'resets' ? ['client.closedWith', 'client.retransmits'] : ['client.retransmits', 'client.closedWith'];
    expect(facts[lacks]).toBeNull();
    expect(unknown[lacks]).toEqual({ code: 'not-traced', text: `this kernel does not trace ${missing}` });
    expect(facts[has]).not.toBeNull();
  });

  test('of an endpoint that the trace has no socket of are unknown, for that reason', () => {
    const { unknown } = derive([connectCall(9), connected(one, 12)], all);
    expect(unknown['client.closedWith']?.text).toBe('the trace has no socket of this endpoint');
  });
});

describe('two connections with the same addresses, ports and kernel sockets', () => {
  const first = [...opened(old, 10), ...reset(old, 'client', 20), segment('retransmit', old, 'client', 15)];
  const second = [...opened(again, 110), ...closedInTurn(again, 'server', 120, 150)];
  const { facts, warnings, paths } = derive([...first, ...second], all);

  test('have facts of their own under their labels', () => {
    expect(facts['old.client.path']).toEqual(['SYN-SENT', 'ESTABLISHED', 'CLOSED']);
    expect(facts['new.client.path']).toEqual(['SYN-SENT', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED']);
    expect([facts['old.timeWait.holder'], facts['new.timeWait.holder']]).toEqual(['none', 'server']);
    expect(Object.keys(paths)).toEqual(['old.client', 'old.server', 'new.client', 'new.server']);
    expect(warnings).toEqual([]);
  });

  test("do not have each other's segments", () => {
    expect([facts['old.client.closedWith'], facts['new.client.closedWith']]).toEqual([['RST'], ['FIN']]);
    expect([facts['old.client.retransmits'], facts['new.client.retransmits']]).toEqual([1, 0]);
  });

  test('which share a label have none, unless the later one was made again: then the facts are its own', () => {
    const same = flow({ label: 'old', endpoint: { client: 3, server: 4 } });
    const events = [...first, ...opened(same, 110), ...closedInTurn(same, 'server', 120, 150)];
    const shared = derive(events, all);
    expect(shared.facts['old.client.closedWith']).toBeNull();
    expect(shared.unknown['old.client.closedWith']).toMatchObject({
      code: 'shared-label',
      text: expect.stringMatching(/^2 connections share this name/),
    });
    const isLast = (event: Event) => event.kind === 'connection' && event.client.endpoint === 3;
    const made = derive(
      events.map((event) => (isLast(event) ? { ...event, again: true } : event) as Event),
      all,
    );
    expect(made.facts['old.timeWait.holder']).toBe('server');
    expect(made.facts['old.client.closedWith']).toEqual(['FIN']);
    expect(made.facts['old.client.path']).toEqual(facts['new.client.path']);
  });

  test('a RST of the later one is not of the earlier one, which had the same addresses', () => {
    const late = derive(
      [
        ...opened(old, 10),
        ...closedInTurn(old, 'client', 20, 50),
        ...opened(again, 1250),
        ...reset(again, 'client', 1300),
      ],
      all,
    );
    expect(late.facts['old.client.closedWith']).toEqual(['FIN']);
    expect(late.facts['new.client.closedWith']).toEqual(['RST']);
  });

  test("a RST that the earlier one's server received is not the later one's", () => {
    const events = [
      ...opened(old, 10),
      ...reset(old, 'client', 20),
      ...opened(again, 110),
      ...orphaned(again, 'client', 120, 1600),
    ];
    expect(derive(events, all).facts['new.client.path']).toEqual([
      'SYN-SENT',
      'ESTABLISHED',
      'FIN-WAIT-1',
      'FIN-WAIT-2',
      'TIME-WAIT',
    ]);
  });
});

describe('the application', () => {
  const heard = (events: readonly Event[]) => factsOf([connectCall(9), connected(one, 12), ...events], blind);
  const emitted = (end: End, ...names: string[]): Event[] =>
    names.map((name, index) => node(one, end, 20 + index, name));

  test("Node's events are in order, and runs of data are one", () => {
    const facts = heard(emitted('client', 'connect', 'data', 'data', 'data', 'finish', 'data', 'end', 'close'));
    expect(facts['client.events']).toEqual(['connect', 'data', 'finish', 'data', 'end', 'close']);
    expect(facts['server.events']).toEqual([]);
  });

  test('whether it read the end', () => {
    expect(heard(emitted('client', 'end'))).toMatchObject({ 'client.sawEnd': true, 'server.sawEnd': false });
  });

  test("hadError is what Node's close said, and nothing before that", () => {
    const close = node(one, 'client', 20, 'close', { hadError: true });
    expect(heard([close])['client.hadError']).toBe(true);
    expect(heard([])).not.toHaveProperty('client.hadError');
  });

  test('bytes written are those of every write, failed or not; bytes delivered are what the other end read', () => {
    const facts = heard([
      call(one, 'client', 20, { verb: 'write', bytes: 700 }),
      call(one, 'client', 21, { verb: 'close', by: 'end', sending: 300 }),
      call(one, 'client', 22, { verb: 'write', bytes: 50 }, { errno: 'EPIPE', syscall: 'write' }),
      node(one, 'server', 23, 'data', { bytes: 600 }),
      node(one, 'server', 24, 'data', { bytes: 100 }),
    ]);
    expect(facts).toMatchObject({ 'client.written': 1050, 'client.delivered': 700 });
    expect(facts).toMatchObject({ 'server.written': 0, 'server.delivered': 0 });
  });

  test('a write that was refused, and that net reports, is listed once', () => {
    const refused = { errno: 'EPIPE', syscall: 'write' };
    const write = (at: number) => call(one, 'client', at, { verb: 'write', bytes: 1 }, refused);
    const report = (at: number) => node(one, 'client', at, 'error', refused);
    const errorsOf = (...events: Event[]) => derive([...opened(one, 10), ...events], all).facts['client.errors'];
    const once = { call: 'write', errno: 'EPIPE' };
    expect(errorsOf(write(20), report(20.5))).toEqual([once]);
    expect(errorsOf(write(20), write(21), report(21.5))).toEqual([once, once]);
    expect(errorsOf(report(19), write(20))).toEqual([once, once]);
    expect(errorsOf(write(20), node(one, 'client', 21, 'error', { errno: 'ECONNRESET', syscall: 'read' }))).toEqual([
      once,
      { call: 'read', errno: 'ECONNRESET' },
    ]);
  });

  test('refused calls and reported errors are listed in the order of time, by the call that the kernel refused', () => {
    const error = node(one, 'client', 30, 'error', { errno: 'ECONNRESET', syscall: 'read' });
    const facts = heard([
      error,
      call(one, 'client', 25, { verb: 'write', bytes: 1 }, { errno: 'EPIPE', syscall: 'write' }),
      call(one, 'client', 40, { verb: 'shutdown', how: 'WR' }, { errno: 'ENOTCONN' }),
    ]);
    expect(facts['client.errors']).toEqual([
      { call: 'write', errno: 'EPIPE' },
      { call: 'read', errno: 'ECONNRESET' },
      { call: 'shutdown', errno: 'ENOTCONN' },
    ]);
    expect(facts['server.errors']).toEqual([]);
  });

  test('the closing call that held its thread longest, and the longest stall of its process', () => {
    const facts = heard([
      call(one, 'client', 20, { verb: 'shutdown', how: 'WR' }, { ns: 2_000_000 }),
      call(one, 'client', 21, { verb: 'close', by: 'close(2)' }, { ns: 5_000_000 }),
      call(one, 'client', 22, { verb: 'write', bytes: 1 }, { ns: 9_000_000 }),
      stall('client', 30, 1.5),
      stall('client', 31, 0.5),
    ]);
    expect(facts).toMatchObject({ 'client.closeMs': 5, 'client.stallMs': 1.5 });
    expect(facts).not.toHaveProperty('server.closeMs');
    expect(facts).not.toHaveProperty('server.stallMs');
  });

  test('another endpoint of the same peer has its own events', () => {
    const facts = heard([call(again, 'client', 20, { verb: 'write', bytes: 10 })]);
    expect(facts['client.written']).toBe(0);
  });
});

describe('counters', () => {
  test("are their changes by namespace, the namespace's last reading", () => {
    const facts = factsOf([
      counters(100, { 'Tcp.ActiveOpens': 1 }, 'client'),
      counters(100, { 'Tcp.PassiveOpens': 1 }, 'server'),
      counters(200, { 'Tcp.ActiveOpens': 2, 'TcpExt.TW': 1 }, 'client'),
    ]);
    expect(facts).toEqual({
      'counters.client.Tcp.ActiveOpens': 2,
      'counters.client.TcpExt.TW': 1,
      'counters.server.Tcp.PassiveOpens': 1,
      // told of each that was read
      'counters.client.Tcp.OutSegs': 0,
      'counters.server.Tcp.OutSegs': 0,
    });
  });
});

describe('the end of the scenario', () => {
  test('is the horizon of facts: what tear-down does is none', () => {
    const open = opened(one, 10);
    const events = [
      ...open,
      scenarioEnds(100),
      ...closedInTurn(one, 'client', 120, 150),
      counters(160, { 'Tcp.OutRsts': 1 }),
    ];
    const facts = factsOf(events);
    expect(facts['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED']);
    expect(facts['client.closedWith']).toEqual([]);
    expect(facts['timeWait.holder']).toBe('none');
    expect(facts).not.toHaveProperty('counters.lab.Tcp.OutRsts');
  });

  test('does not cut off what happened before it and was told after', () => {
    const events = [...opened(one, 10), scenarioEnds(100), ...closedInTurn(one, 'client', 20, 50)];
    expect(factsOf(events)['timeWait.holder']).toBe('client');
  });
});
