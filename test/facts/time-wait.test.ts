import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Event } from '../../src/record/event.ts';
import {
  all,
  blind,
  call,
  closedInTurn,
  closedTogether,
  connectCall,
  connected,
  flow,
  inClosing,
  noMiniTimers,
  ns,
  opened,
  orphaned,
  sample,
  segment,
  shown,
  timerExpire,
  timerStart,
  went,
} from './handmade.ts';

const one = flow();
const old = flow({ label: 'old' });
/** The same addresses and ports again, in other kernel sockets. */
const again = flow({ label: 'new', socket: { client: 'c1', server: '51' }, endpoint: { client: 3, server: 4 } });

function waits(events: readonly Event[], sight = all, label = '') {
  const { facts, unknown } = derive(events, sight);
  const prefix = `${label ? `${label}.` : ''}timeWait.`;
  const of = <T>(table: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(table)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  return { facts: of(facts), unknown: of(unknown) };
}

describe('who holds it', () => {
  test.each(['client', 'server'] as const)('the %s, which closed first', (first) => {
    const { facts } = waits([...opened(one, 10), ...closedInTurn(one, first, 20, 50)]);
    expect(facts.holder).toBe(first);
    expect(facts.beganWith).toBe("peer's FIN");
    expect(facts.began).toBeCloseTo(0.030_02, 8);
  });

  test('both, of two that closed together; its times are of the end that entered it first', () => {
    const expired = [timerExpire(60_500, 'a1'), timerExpire(60_400, 'a0')];
    const { facts } = waits([...opened(one, 10), ...closedTogether(one, 20), ...expired]);
    expect(facts).toMatchObject({ holder: 'both', beganWith: 'ACK of FIN', endedBy: 'timer' });
    expect(facts.began).toBeCloseTo(0.000_02, 8);
    expect(facts.seconds).toBeCloseTo(60.379_98, 6);
  });

  test.each(['client', 'server'] as const)(
    'both, with different segments, whichever came first by some µs: the %s',
    (first) => {
      const crossed = inClosing(one, 20, first);
      const { facts } = waits([...opened(one, 10), ...crossed]);
      expect(facts).toMatchObject({ holder: 'both', beganWith: 'both' });
    },
  );

  test('both, and the times are of the server where that was the first', () => {
    const later = closedTogether(one, 20).map((event) =>
      'socket' in event && event.socket === one.socket.client && event.t > ns(20)
        ? { ...event, t: event.t + ns(1) }
        : event,
    );
    const { facts } = waits([...opened(one, 10), ...later, timerExpire(60_400, 'a1'), timerExpire(60_500, 'a0')]);
    expect(facts.holder).toBe('both');
    expect(facts.began).toBeCloseTo(0.000_03, 8);
    expect(facts.seconds).toBeCloseTo(60.379_97, 6);
  });

  test('nobody after a reset, and nothing else is said of it', () => {
    const reset = [
      went(one, 'client', 20, 'ESTABLISHED', 'CLOSED'),
      segment('reset-sent', one, 'client', 20.01),
      segment('reset-received', one, 'server', 20.02),
      went(one, 'server', 20.03, 'ESTABLISHED', 'CLOSED'),
    ];
    expect(waits([...opened(one, 10), ...reset])).toEqual({ facts: { holder: 'none' }, unknown: {} });
  });

  test('nobody of an orphan whose other end did not close', () => {
    const half = orphaned(one, 'client', 20, 1600).slice(0, 5);
    expect(waits([...opened(one, 10), ...half]).facts).toEqual({ holder: 'none' });
  });

  test('unknown, with the reason, where neither timers nor samples show what became of the full socket', () => {
    const closed = closedInTurn(one, 'client', 20, 50).filter(({ kind }) => kind !== 'mini-socket');
    const { facts, unknown } = waits([...opened(one, 10), ...closed], noMiniTimers);
    expect(facts.holder).toBeNull();
    expect(unknown.holder?.text).toMatch(/no ss sample/);
  });
});

describe('how long it lasts', () => {
  test('to the nanosecond, when its timer is traced', () => {
    const { facts } = waits([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), timerExpire(60_110.02)]);
    expect(facts.seconds).toBe(60.06);
    expect(facts.endedBy).toBe('timer');
  });

  test("of an orphan from the other end's FIN, not from the end of its full socket", () => {
    const { facts } = waits([...opened(one, 10), ...orphaned(one, 'client', 20, 1600), timerExpire(61_700)]);
    expect(facts.seconds).toBeCloseTo(60.1, 9);
    expect(facts.began).toBeCloseTo(1.58, 9);
  });

  test('ended by the timer between two samples, where timers are not traced', () => {
    const closed = closedInTurn(one, 'client', 20, 50).filter(({ kind }) => kind !== 'mini-socket');
    const looks = [
      sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)),
      sample(60_020, shown(one, 'client', 'TIME-WAIT', 30)),
      sample(61_000),
    ];
    const { facts } = waits([...opened(one, 10), ...closed, ...looks], noMiniTimers);
    expect(facts.endedBy).toBe('timer');
    expect(facts.seconds).toBeCloseTo(60.954_98, 5);
  });

  test('ended early by a RST that the other end sent', () => {
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(5000)];
    const reset = segment('reset-sent', one, 'server', 4000);
    const { facts } = waits([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), reset, ...looks]);
    expect(facts.endedBy).toBe('rst');
    expect(facts.cutShort).toBeCloseTo(4.954_98, 5);
  });

  test('ended early for no reason that was seen, where a RST went to another connection', () => {
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(5000)];
    const other = flow({ ...one, address: { ...one.address, client: { address: '127.0.0.1', port: 40_001 } } });
    const reset = segment('reset-sent', other, 'server', 4000);
    const { facts } = waits([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), reset, ...looks]);
    expect(facts.endedBy).toBeNull();
  });

  test('ended early by the kernel, which the scenario had destroy it', () => {
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(5000)];
    const closed = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), ...looks];
    const { local, remote } = shown(one, 'client', 'TIME-WAIT', 0);
    const destroyed = { t: 4_000_000_000, source: 'harness', kind: 'destroyed' } as const;
    const { facts } = waits([...closed, { ...destroyed, local, remote }]);
    expect(facts.endedBy).toBe('kill');
    expect(facts.cutShort).toBeCloseTo(4.954_98, 5);
    const others = waits([...closed, { ...destroyed, local: { ...local, port: 9 }, remote }]);
    expect(others.facts.endedBy).toBeNull();
  });

  test('gone early for no reason that was seen: the length is known, what ended it is not', () => {
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(5000)];
    const { facts, unknown } = waits([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), ...looks]);
    expect(facts.endedBy).toBeNull();
    expect(facts.cutShort).toBeCloseTo(4.954_98, 5);
    expect(unknown.endedBy?.text).toMatch(/ended 4.955 s after it began, before its timer expired/);
  });

  test('a traced timer that did not end is not said to have ended because samples were rare', () => {
    const looks = [sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)), sample(61_000)];
    const { facts } = waits([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), ...looks]);
    expect(facts.endedBy).toBeNull();
  });

  test('not waited for: it ends with its namespace', () => {
    const { facts } = waits([...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)]);
    expect(facts.endedBy).toBe('namespace');
    expect(facts).not.toHaveProperty('seconds');
  });

  test('not watched to its end by anything: unknown, and not said to end with its namespace', () => {
    const orphan = orphaned(one, 'client', 20, 1600).filter(({ kind }) => kind !== 'mini-socket');
    const seen = sample(40, shown(one, 'client', 'FIN-WAIT-2', 59_980));
    const { facts, unknown } = waits([...opened(one, 10), ...orphan, seen], noMiniTimers);
    expect(facts).toMatchObject({ holder: 'client', seconds: null, endedBy: null });
    expect(unknown.endedBy?.text).toMatch(/no ss sample after it began/);
  });

  describe('by what ss showed', () => {
    const events = (...more: Event[]) => [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), ...more];
    const left = (at: number, ms: number) => sample(at, shown(one, 'client', 'TIME-WAIT', ms));

    test('its timer is the rest and what had passed', () => {
      expect(waits(events(left(1050, 59_000))).facts.timer).toBeCloseTo(60, 3);
    });

    test('since it was set again, where a segment did that before anyone looked', () => {
      const again = timerStart(2050, 'a0');
      expect(waits(events(again, left(3050, 59_000))).facts.timer).toBeCloseTo(60, 3);
      expect(waits(events(left(1050, 59_000), again)).facts.timer).toBeCloseTo(60, 3);
      expect(waits(events(timerStart(2050, 'a1'), left(3050, 57_000))).facts.timer).toBeCloseTo(60, 3);
    });

    test('by another look, where it was set again during the first', () => {
      const looks = [left(2050, 60_000), left(3052, 59_000)];
      expect(waits(events(timerStart(2052, 'a0'), ...looks)).facts.timer).toBeCloseTo(60, 3);
    });
  });
});

describe('a later connection with the same addresses and ports', () => {
  const first = [...opened(old, 10), ...closedInTurn(old, 'client', 20, 50)];

  test('takes its place: it was recycled when that one began', () => {
    const { facts } = waits([...first, ...opened(again, 1250)], all, 'old');
    expect(facts.endedBy).toBe('recycled');
    expect(facts.cutShort).toBeCloseTo(1.199_98, 8);
  });

  test('that nobody accepts does not: the RST by which it answers the challenge ends TIME-WAIT', () => {
    const server = [...opened(old, 10), ...closedInTurn(old, 'server', 20, 50)];
    const syn = went(again, 'client', 1250, 'CLOSED', 'SYN-SENT');
    const reset = segment('reset-sent', again, 'client', 1250.02);
    const refused = went(again, 'client', 2260, 'SYN-SENT', 'CLOSED');
    const { local } = shown(again, 'client', 'SYN-SENT');
    const event = connected(again, 1250.1);
    const opening = { ...event.client, local, opening: { from: ns(1249.9), until: ns(1250.1) } };
    const tried: Event = { ...event, client: opening, server: { ...event.server, endpoint: null } };
    const looks = [sample(70, shown(one, 'server', 'TIME-WAIT', 59_980)), sample(1300)];
    const ended = (...more: Event[]) => waits([...server, ...looks, syn, tried, refused, ...more], all, 'old').facts;
    expect(ended(reset)).toMatchObject({ endedBy: 'rst' });
    // it is still there, as ss shows after the SYN
    expect(ended(sample(1260, shown(one, 'server', 'TIME-WAIT', 58_700))).endedBy).toBeNull();
    // accepted in the end, after that RST
    const accepted = [
      went(again, 'server', 2260.01, 'LISTEN', 'SYN-RECEIVED'),
      went(again, 'server', 2260.02, 'SYN-RECEIVED', 'ESTABLISHED'),
    ];
    expect(ended(reset, ...accepted).endedBy).toBe('rst');
    expect(ended(...accepted).endedBy).toBe('recycled');
  });

  test('is not seen as the earlier one', () => {
    const looks = [
      sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)),
      sample(1300, shown(one, 'client', 'ESTABLISHED')),
    ];
    const events = [...first, ...opened(again, 1250), ...looks];
    expect(waits(events, all, 'old').facts.endedBy).toBe('recycled');
    expect(derive(events, all).warnings).toEqual([]);
    expect(waits(events, all, 'new').facts).toEqual({ holder: 'none' });
  });

  test('does not give it its own end', () => {
    const closed = closedInTurn(again, 'client', 1300, 1400, 'a0');
    const events = [...first, ...opened(again, 1250), ...closed, timerExpire(61_500)];
    expect(waits(events, all, 'old').facts).toMatchObject({ endedBy: 'recycled' });
    expect(waits(events, all, 'new').facts).toMatchObject({ endedBy: 'timer' });
  });

  test('ends it before whatever uses its timer again does', () => {
    const { facts } = waits([...first, ...opened(again, 1250), timerExpire(61_500, 'a0')], all, 'old');
    expect(facts).toMatchObject({ endedBy: 'recycled' });
  });

  test('is told apart without tracepoints, too', () => {
    const events = [
      connectCall(9),
      connected(old, 12),
      sample(70, shown(old, 'client', 'TIME-WAIT', 59_980)),
      connectCall(1249),
      sample(1300, shown(again, 'client', 'ESTABLISHED')),
      connected(again, 1252),
    ];
    const { facts, unknown } = waits(events, blind, 'old');
    // neither wire nor tracepoint shows whether a RST came before
    expect(facts).toMatchObject({ holder: 'client', cutShort: null, endedBy: null });
    expect(unknown.endedBy?.text).toMatch(/no observer shows whether a RST had ended TIME-WAIT before/);
    expect(derive(events, blind).paths['new.client']?.map(({ state }) => state)).toEqual(['ESTABLISHED']);
  });
});

describe('without tracepoints', () => {
  const open = [connectCall(9), connected(one, 12), call(one, 'client', 20, { verb: 'close', by: 'end' })];

  test('one sample after the last step shows who holds it', () => {
    const { facts, unknown } = waits([...open, sample(40, shown(one, 'server', 'TIME-WAIT', 59_990))], blind);
    expect(facts).toMatchObject({ holder: 'server', began: null, beganWith: null, endedBy: 'namespace' });
    expect(unknown).toMatchObject({ began: { code: 'not-traced', text: 'without tracepoints, FINs are not seen' } });
  });

  test('a sample after the last step that shows nobody in it shows that nobody is', () => {
    expect(waits([...open, sample(40)], blind).facts).toEqual({ holder: 'none' });
  });

  test('samples before the last step only do not tell', () => {
    const { facts, unknown } = waits([...open, sample(15, shown(one, 'client', 'ESTABLISHED'))], blind);
    expect(facts.holder).toBeNull();
    expect(unknown.holder?.text).toMatch(/without tracepoints/);
  });

  test('its length is known between samples', () => {
    const looks = [
      sample(14, shown(one, 'client', 'ESTABLISHED')),
      sample(40, shown(one, 'client', 'TIME-WAIT', 59_990)),
      sample(60_020, shown(one, 'client', 'TIME-WAIT', 10)),
      sample(60_500),
    ];
    const { facts } = waits([...open, ...looks], blind);
    expect(facts).toMatchObject({ holder: 'client', endedBy: 'timer' });
    expect(facts.seconds).toBeCloseTo(60.491, 6);
  });
});
