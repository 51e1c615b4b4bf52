import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Deed } from '../../src/record/deed.ts';
import type { Event, WireEvent } from '../../src/record/event.ts';
import {
  all,
  blind,
  carriedInTurn,
  closedInTurn,
  flow,
  ns,
  onWire,
  opened,
  sample,
  shown,
  timerExpire,
  went,
  wentOn,
} from './handmade.ts';

const one = flow();
/** Closed in turn, the client's TIME-WAIT seen at 60 ms. */
const waiting: readonly Event[] = [
  ...opened(one, 10),
  ...closedInTurn(one, 'client', 20, 50),
  ...carriedInTurn(one, 10, 20, 50),
  sample(60, shown(one, 'client', 'TIME-WAIT', 59_980)),
];
/** With the number that TIME-WAIT waits for, unless it is told another one. */
const rst = (at: number, n: number, deed: Deed = { do: 'forged' }, seq = 2) =>
  onWire(one, 'server', at, ['RST'], { n, seq, deed });
/** So far beyond its last number begins what takes the place of TIME-WAIT. */
const next = { client: 1002 + 65_537, server: 5000 };

/** The client's last step, and how TIME-WAIT ended. */
function end(...events: readonly Event[]) {
  const { facts, paths } = derive([...waiting, ...events], all);
  const last = paths.client?.at(-1);
  return { last, endedBy: facts['timeWait.endedBy'], cutShort: facts['timeWait.cutShort'] };
}

describe('the end of TIME-WAIT by a RST', () => {
  test('is exactly when the wire gave it, where it was the only one between two samples', () => {
    expect(end(rst(80, 8), sample(90))).toEqual({
      last: { state: 'CLOSED', at: ns(80), evidence: 'exact', source: 'wire' },
      endedBy: 'rst',
      cutShort: expect.closeTo(0.029_98, 9),
    });
  });

  test('is when it arrived, not when it was sent', () => {
    const { last } = end(
      rst(70, 8, { do: 'held', rule: 1 }),
      wentOn(8, 85, { do: 'held', rule: 1, heldNs: ns(15) }),
      sample(90),
    );
    expect(last?.at).toBe(ns(85));
  });

  test('is sampled where it is not known which of two ended it: the record lacks what has its number', () => {
    expect(end(rst(70, 9), rst(80, 10), sample(90))).toMatchObject({
      last: { state: 'CLOSED', evidence: 'sampled', source: 'ss', notBefore: ns(60), at: ns(95) },
      endedBy: 'rst',
    });
  });

  test('is by the one that has its number, where others came too', () => {
    const other = (at: number, n: number, seq: number) => rst(at, n, { do: 'carried' }, seq);
    expect(end(other(70, 8, 1), rst(72, 9), other(74, 10, 3), sample(90))).toMatchObject({
      last: { state: 'CLOSED', at: ns(72), evidence: 'exact', source: 'wire' },
      endedBy: 'rst',
    });
  });

  test('is not by one with another number, or with a timestamp that is too old: what ended it is not known', () => {
    expect(end(rst(80, 8, { do: 'forged' }, 3), sample(90))).toMatchObject({
      last: { evidence: 'sampled' },
      endedBy: null,
    });
    const stamped = (event: WireEvent, value: number, echo: number): Event => ({
      ...event,
      ...(event.segment && { segment: { ...event.segment, options: [{ kind: 'timestamps', value, echo }] } }),
    });
    const last = stamped(onWire(one, 'client', 50.1, ['ACK'], { n: 8, seq: 2, ack: 2 }), 700, 300);
    const reset = (value: number) => end(last, stamped(rst(80, 9), value, 700), sample(90)).endedBy;
    expect(reset(299)).toBeNull();
    expect(reset(300)).toBe('rst');
  });

  test('is not by one that came when it was still seen afterwards, or was lost', () => {
    const still = sample(85, shown(one, 'client', 'TIME-WAIT', 59_950));
    expect(end(rst(80, 8), still).last?.state).toBe('TIME-WAIT');
    expect(end(rst(80, 8, { do: 'dropped', rule: 1 }), sample(90))).toMatchObject({
      last: { evidence: 'sampled', source: 'ss' },
      endedBy: null,
    });
  });

  test('is not by one that came though it was destroyed meanwhile, or its timer had run out', () => {
    const kill: Event = {
      t: ns(82),
      source: 'harness',
      kind: 'destroyed',
      local: one.address.client,
      remote: one.address.server,
    };
    expect(end(rst(80, 8), kill, sample(90))).toMatchObject({ last: { evidence: 'sampled' }, endedBy: 'kill' });
    expect(end(rst(60_060, 8), timerExpire(60_051), sample(60_100))).toMatchObject({
      last: { at: ns(60_051), source: 'trace' },
      endedBy: 'timer',
    });
  });
});

describe('the end of TIME-WAIT by a SYN', () => {
  const syn = (at: number, n: number, deed: Deed = { do: 'carried' }) =>
    onWire(one, 'server', at, ['SYN'], { n, connection: 2, seq: 0, deed });
  const answer = onWire(one, 'client', 80.2, ['SYN', 'ACK'], {
    n: 11,
    connection: 2,
    seq: 0,
    ack: 1,
    initial: next,
  });

  test('of the other end, that was answered with one: exactly when it came', () => {
    expect(end(syn(80, 8, { do: 'forged' }), answer)).toEqual({
      last: { state: 'CLOSED', at: ns(80), evidence: 'exact', source: 'wire' },
      endedBy: 'recycled',
      cutShort: expect.closeTo(0.029_98, 9),
    });
  });

  test('the last of those that came, not one that was lost', () => {
    expect(end(syn(70, 8), syn(79, 9), syn(79.5, 10, { do: 'dropped', rule: 1 }), answer).last?.at).toBe(ns(79));
  });

  test('without tracepoints, too; and where a RST came before, that', () => {
    const seen = waiting.filter(({ source }) => source !== 'trace');
    const endedBy = (...events: Event[]) => derive([...seen, ...events], blind).facts['timeWait.endedBy'];
    expect(endedBy(syn(80, 8), { ...answer, n: 9 })).toBe('recycled');
    const own = onWire(one, 'client', 80.2, ['SYN', 'ACK'], { n: 10, connection: 2, seq: 0, ack: 1 });
    expect(endedBy(rst(70, 8), syn(80, 9), own)).toBe('rst');
  });

  test('not answered with one: it stays', () => {
    expect(end(syn(80, 8))).toMatchObject({ last: { state: 'TIME-WAIT' }, endedBy: 'namespace' });
  });

  describe('after a RST that has the number that TIME-WAIT waits for, and that the new incarnation sent', () => {
    const initial = { client: 5_000_000, server: 9000 };
    const first = { n: 8, connection: 2, seq: 0, initial };
    const challenged = [
      onWire(one, 'server', 70, ['SYN'], first),
      onWire(one, 'client', 70.1, ['ACK'], { n: 9, connection: 2, seq: 2, ack: 2 }),
      onWire(one, 'server', 70.2, ['RST'], { n: 10, connection: 2, seq: 2 }),
      onWire(one, 'server', 80, ['SYN'], { ...first, n: 11 }),
    ];
    const accepted = (client: number) =>
      onWire(one, 'client', 80.2, ['SYN', 'ACK'], {
        n: 12,
        connection: 2,
        seq: 0,
        ack: 1,
        initial: { ...initial, client },
      });

    test('it is the RST that ended it, and the next SYN found nobody', () => {
      expect(end(...challenged, accepted(5_000_000))).toMatchObject({
        last: { state: 'CLOSED', at: ns(70.2), evidence: 'exact', source: 'wire' },
        endedBy: 'rst',
      });
    });

    test('it is the SYN where the answer to it goes on from the last number: the RST had no effect', () => {
      expect(end(...challenged, accepted(next.client))).toMatchObject({ last: { at: ns(80) }, endedBy: 'recycled' });
    });

    test('seen to be gone by two samples: when it came', () => {
      expect(end(...challenged.slice(0, 3), sample(90))).toMatchObject({ last: { at: ns(70.2) }, endedBy: 'rst' });
    });

    test('challenged, and the RST lost: it stays', () => {
      const [syn, answer] = challenged;
      const gone = onWire(one, 'server', 70.2, ['RST'], {
        n: 10,
        connection: 2,
        seq: 2,
        deed: { do: 'dropped', rule: 1 },
      });
      const last = end(...[syn, answer].filter((each) => each !== undefined), gone).last;
      expect(last?.state).toBe('TIME-WAIT');
    });
  });

  test('of its own end: between the first transition of its connect(2) and its SYN on the wire', () => {
    const own = onWire(one, 'client', 80.1, ['SYN'], { n: 8, connection: 2, seq: 0, initial: next });
    const fresh = flow({ socket: { client: 'c7', server: '' } });
    expect(end(went(fresh, 'client', 80, 'CLOSED', 'SYN-SENT'), own).last).toEqual({
      state: 'CLOSED',
      at: ns(80.1),
      notBefore: ns(80),
      evidence: 'bracketed',
      source: 'wire',
    });
  });
});
