import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Deed } from '../../src/record/deed.ts';
import type { Event } from '../../src/record/event.ts';
import { all, call, flow, ns, onWire, opened, went, wentOn } from './handmade.ts';

const one = flow();
const lostDeed: Deed = { do: 'black hole', rule: 1 };
/** Three segments, at 10 ms. */
const handshake: Event[] = [
  ...opened(one, 10),
  onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 }),
  onWire(one, 'server', 10.01, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1 }),
  onWire(one, 'client', 10.02, ['ACK'], { n: 3, seq: 1, ack: 1 }),
];
const close = (at: number, tookMs: number) =>
  call(one, 'client', at, { verb: 'close', by: 'destroy' }, { ns: ns(tookMs) });
const given = (...events: Event[]) => {
  const { facts } = derive([...handshake, ...events], all);
  const of = (name: string) => facts[`client.${name}`];
  return {
    resentAt: of('resentAt'),
    probedAt: of('probedAt'),
    gaveUp: of('gaveUpAfter'),
    after: of('closeAfterAckMs'),
  };
};

describe('a FIN that nobody answers', () => {
  const fins = [100, 300, 700].map((at, index) =>
    onWire(one, 'client', at, ['FIN', 'ACK'], { n: 4 + index, seq: 1, ack: 1, deed: lostDeed }),
  );
  const orphan = [went(one, 'client', 100, 'ESTABLISHED', 'FIN-WAIT-1'), close(100, 0.1), ...fins];
  const gone = went(one, 'client', 1500, 'FIN-WAIT-1', 'CLOSED');

  test('has the times at which it was sent again, and how long until it was given up', () => {
    expect(given(...orphan, gone)).toEqual({
      resentAt: [0.2, 0.6],
      probedAt: undefined,
      gaveUp: 1.4,
      after: undefined,
    });
  });

  test('is not given up as long as its end is there', () => {
    expect(given(...orphan)).toMatchObject({ resentAt: [0.2, 0.6], gaveUp: undefined });
  });

  test('was not given up where its end was gone before the wire took the first of it', () => {
    const early = went(one, 'client', 99.9, 'ESTABLISHED', 'CLOSED');
    expect(given(early, ...fins).gaveUp).toBeUndefined();
  });

  test('was not given up where a RST ended it', () => {
    const reset = onWire(one, 'server', 1499, ['RST'], { n: 7, seq: 1 });
    expect(given(...orphan, reset, gone).gaveUp).toBeUndefined();
  });

  test('nor where its own end reset; a RST in answer to what came later is nobody\u2019s', () => {
    const own = (n: number) => onWire(one, 'client', 1500.1, ['RST'], { n, seq: 2 });
    expect(given(...orphan, gone, own(7)).gaveUp).toBeUndefined();
    const late = onWire(one, 'server', 1500.05, ['PSH', 'ACK'], { n: 7, seq: 1, ack: 1, bytes: 1 });
    expect(given(...orphan, gone, late, own(8)).gaveUp).toBe(1.4);
  });

  test('nor where the scenario had it destroyed', () => {
    const [local, remote] = [one.address.client, one.address.server];
    const destroyed: Event = { t: ns(1400), source: 'harness', kind: 'destroyed', local, remote };
    expect(given(...orphan, destroyed, gone).gaveUp).toBeUndefined();
  });
});

describe('what is sent again', () => {
  const data = (n: number, at: number, seq: number, bytes: number, more: { deed?: Deed } = {}) =>
    onWire(one, 'client', at, ['PSH', 'ACK'], { n, seq, ack: 1, bytes, ...more });

  test('counts from the first sending of its first byte, however it is cut or joined', () => {
    const joined = onWire(one, 'client', 500, ['FIN', 'PSH', 'ACK'], { n: 7, seq: 101, ack: 1, bytes: 100 });
    const fin = onWire(one, 'client', 103, ['FIN', 'ACK'], { n: 6, seq: 201, ack: 1 });
    expect(given(data(4, 100, 1, 100), data(5, 102, 101, 100), fin, joined, data(8, 600, 51, 10)).resentAt).toEqual([
      0.398, 0.5,
    ]);
  });

  test('is not the answer to a SYN that crossed its own; the answer again is, from its first sending', () => {
    const syn = onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 });
    const answer = (n: number, at: number) => onWire(one, 'client', at, ['SYN', 'ACK'], { n, seq: 0, ack: 1 });
    const resentAt = (...events: Event[]) => derive([...opened(one, 10), syn, ...events], all).facts['client.resentAt'];
    expect(resentAt(answer(2, 120))).toEqual([]);
    expect(resentAt(answer(2, 120), answer(3, 320))).toEqual([0.2]);
    expect(resentAt(onWire(one, 'client', 110, ['SYN'], { n: 2, seq: 0 }), answer(3, 120))).toEqual([0.1]);
  });

  test('is no acknowledgement, and nothing that the wire made', () => {
    const ack = onWire(one, 'client', 150, ['ACK'], { n: 5, seq: 101, ack: 1 });
    expect(
      given(data(4, 100, 1, 100), ack, data(6, 200, 1, 100, { deed: { do: 'copy', of: 4, rule: 1 } })),
    ).toMatchObject({
      resentAt: [],
      probedAt: undefined,
    });
  });
});

test('a probe counts from when anything had last come before the first; unanswered to the end, so does giving up', () => {
  const probes = [1010, 2010].map((at, index) =>
    onWire(one, 'client', at, ['ACK'], { n: 4 + index, seq: 0, ack: 1, deed: lostDeed }),
  );
  const reset = onWire(one, 'client', 3010.1, ['RST', 'ACK'], { n: 6, seq: 1, ack: 1, deed: lostDeed });
  const events = [...probes, went(one, 'client', 3010.01, 'ESTABLISHED', 'CLOSED'), reset];
  expect(given(...events)).toEqual({
    resentAt: [],
    probedAt: [0.99999, 1.99999].map((s) => s + 0),
    gaveUp: 3,
    after: undefined,
  });
});

test('probes that are answered count from the same moment as the first, until data goes out again', () => {
  const asked = (at: number, n: number) => onWire(one, 'client', at, ['ACK'], { n, seq: 0, ack: 1 });
  const answer = (at: number, n: number) => onWire(one, 'server', at, ['ACK'], { n, seq: 1, ack: 1 });
  const sent = onWire(one, 'client', 900, ['ACK'], { n: 8, seq: 1, ack: 1, bytes: 10 });
  const acked = onWire(one, 'server', 950, ['ACK'], { n: 9, seq: 1, ack: 11 });
  const events = [asked(210, 4), answer(211, 5), asked(610, 6), answer(611, 7), sent, acked, asked(1150, 10)];
  expect((given(...events).probedAt as number[]).map((seconds) => Math.round(seconds * 10) / 10)).toEqual([
    0.2, 0.6, 0.2,
  ]);
});

test('giving up counts from the moment from which the probes do, though they were answered', () => {
  const asked = (at: number, n: number) => onWire(one, 'client', at, ['ACK'], { n, seq: 0, ack: 1 });
  const answer = (at: number, n: number) => onWire(one, 'server', at, ['ACK'], { n, seq: 1, ack: 1 });
  const gone = went(one, 'client', 1410.01, 'ESTABLISHED', 'CLOSED');
  const { probedAt, gaveUp } = given(asked(210, 4), answer(211, 5), asked(610, 6), answer(611, 7), gone);
  expect(probedAt).toEqual([0.199_99, 0.599_99].map((s) => expect.closeTo(s, 6)));
  expect(gaveUp).toBeCloseTo(1.4, 6);
});

test('who probes and is then reset by its own application did not give up', () => {
  const probe = onWire(one, 'client', 1010, ['ACK'], { n: 4, seq: 0, ack: 1, deed: lostDeed });
  const reset = onWire(one, 'client', 3000.06, ['RST', 'ACK'], { n: 5, seq: 1, ack: 1 });
  const gone = went(one, 'client', 3000.05, 'ESTABLISHED', 'CLOSED');
  expect(given(probe, gone, reset).gaveUp).toBeCloseTo(3, 1);
  expect(given(probe, close(3000, 0.1), gone, reset).gaveUp).toBeUndefined();
});

describe('close(2) and the acknowledgement of its FIN', () => {
  const fin = onWire(one, 'client', 100, ['FIN', 'ACK'], { n: 4, seq: 1, ack: 1 });
  const acknowledged = [
    onWire(one, 'server', 120, ['ACK'], { n: 5, seq: 1, ack: 2, deed: { do: 'delayed', rule: 1 } }),
    wentOn(5, 150, { do: 'delayed', rule: 1, heldNs: ns(30.0) }),
  ];
  test('are compared by when it came to the end that closed', () => {
    expect(given(close(99.9, 51.1), fin, ...acknowledged).after).toBeCloseTo(1);
    expect(given(close(99.9, 20.1), fin, ...acknowledged).after).toBeCloseTo(-30);
  });

  test('not where none came, nor where no FIN was sent', () => {
    expect(given(close(99.9, 51.1), fin).after).toBeUndefined();
    const others = acknowledged.map((event) => ({ ...event, n: 4 }));
    expect(given(close(99.9, 51.1), ...others).after).toBeUndefined();
  });
});

test('of a record that has not every packet nothing is said: what it lacks may be what is asked for', () => {
  const lost = onWire(one, 'client', 100, ['FIN', 'ACK'], { n: 2000, seq: 9, ack: 1, deed: lostDeed });
  const gone = went(one, 'client', 1500, 'FIN-WAIT-1', 'CLOSED');
  expect(given(went(one, 'client', 100, 'ESTABLISHED', 'FIN-WAIT-1'), lost, close(99, 2), gone)).toEqual({
    resentAt: null,
    probedAt: null,
    gaveUp: null,
    after: null,
  });
});

test('without a wire there are no such facts', () => {
  const { facts } = derive(opened(one, 10), all);
  expect(Object.keys(facts).filter((name) => /resentAt|probedAt|gaveUpAfter|closeAfterAckMs/.test(name))).toEqual([]);
});
