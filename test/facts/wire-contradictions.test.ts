import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Event, SsSocket, WireEvent } from '../../src/record/event.ts';
import { all, carriedInTurn, closedInTurn, flow, ns, onWire, opened, sample, shown, wentOn } from './handmade.ts';

const one = flow();
const traced = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
const carried = carriedInTurn(one, 10, 20, 50);
const without = (...numbers: number[]) => carried.filter(({ n }) => !numbers.includes(n));
/** The same packet, and what the wire did to it. */
const but = (n: number, change: Partial<WireEvent>) =>
  carried.map((event) => (event.n === n ? { ...event, ...change } : event));

const texts = (...events: readonly Event[]) =>
  derive(events, all)
    .warnings.filter(({ code }) => code === 'observers-disagree')
    .map(({ text }) => text);

const queued = (state: SsSocket['state'], sendQ: number): SsSocket => ({ ...shown(one, 'client', state), sendQ });

describe('nothing is said where wire, trace and ss agree', () => {
  test('of a connection that was opened and closed', () => {
    const looks = [
      sample(15, shown(one, 'client', 'ESTABLISHED'), shown(one, 'server', 'ESTABLISHED')),
      sample(30, shown(one, 'client', 'FIN-WAIT-2'), shown(one, 'server', 'CLOSE-WAIT')),
      sample(60, shown(one, 'client', 'TIME-WAIT', 59_000)),
    ];
    expect(texts(...traced, ...carried, ...looks)).toEqual([]);
  });

  test('of one without a wire, or whose segments the wire did not see', () => {
    expect(texts(...traced)).toEqual([]);
    const other = flow({ address: { client: one.address.server, server: { address: '10.0.0.9', port: 9 } } });
    expect(texts(...traced, ...carriedInTurn(other, 10, 20, 50))).toEqual([]);
  });

  test('of a sample that was begun before a segment came', () => {
    // 5 ms long: the FIN comes in the midst of it
    expect(texts(...traced, ...carried, sample(16, shown(one, 'server', 'CLOSE-WAIT')))).toEqual([]);
  });

  test('of what an acknowledgement does, where the record has not every packet', () => {
    const sparse = without(5).map((event) => (event.n > 5 ? { ...event, n: event.n + 5000 } : event));
    expect(texts(...traced, ...sparse)).toEqual([]);
  });
});

describe('the trace before the wire', () => {
  test('an end that was opened without the answer to its SYN', () => {
    expect(texts(...traced, ...but(2, { deed: { do: 'dropped', rule: 1 } }))).toEqual([
      'client: the trace has ESTABLISHED at 11.020 ms, while the wire gave it no SYN',
    ]);
  });

  test('an end that was opened before its SYN was let go', () => {
    const held = [
      ...but(1, { deed: { do: 'held', rule: 1 } }),
      wentOn(1, 400, { do: 'held', rule: 1, heldNs: ns(389.999) }),
    ];
    expect(texts(...traced, ...held)).toContainEqual(
      'server: the trace has SYN-RECEIVED at 11.030 ms, while the wire gave it SYN only at 400.000 ms',
    );
  });

  test('CLOSE-WAIT and LAST-ACK without a FIN: one sentence', () => {
    const lost = but(4, { deed: { do: 'lost', rule: 1 } });
    expect(texts(...traced, ...lost).filter((text) => text.startsWith('server'))).toEqual([
      'server: the trace has CLOSE-WAIT at 21.010 ms, while the wire gave it no FIN',
    ]);
  });

  test('FIN-WAIT-2 before the acknowledgement of its FIN', () => {
    const late = [
      ...but(5, { deed: { do: 'held', rule: 1 } }),
      wentOn(5, 45, { do: 'held', rule: 1, heldNs: ns(24.985) }),
    ];
    expect(texts(...traced, ...late)).toContainEqual(
      'client: the trace has FIN-WAIT-2 at 21.020 ms, while the wire gave it acknowledgement of its FIN only at 45.000 ms',
    );
  });
});

describe('ss before the wire', () => {
  test('TIME-WAIT before the FIN passed', () => {
    expect(texts(...traced, ...carried, sample(30, shown(one, 'client', 'TIME-WAIT', 59_000)))).toContainEqual(
      'client: ss has TIME-WAIT at 35.000 ms, while the wire gave it FIN only at 50.001 ms',
    );
  });

  test('CLOSE-WAIT before the FIN passed', () => {
    expect(texts(...traced, ...carried, sample(12, shown(one, 'server', 'CLOSE-WAIT')))).toContainEqual(
      'server: ss has CLOSE-WAIT at 17.000 ms, while the wire gave it FIN only at 20.001 ms',
    );
  });

  test('a look at an earlier connection between the same addresses is not one at this', () => {
    expect(texts(...traced, ...carried, sample(9, shown(one, 'server', 'TIME-WAIT', 59_000)))).toEqual([]);
  });
});

describe('a send queue with less than was sent and not acknowledged', () => {
  // #4: 100 bytes, acknowledged by #5 at 40 ms
  const sending: readonly Event[] = [
    ...opened(one, 10),
    ...carried.slice(0, 3),
    onWire(one, 'client', 20, ['PSH', 'ACK'], { n: 4, seq: 1, ack: 1, bytes: 100 }),
    onWire(one, 'server', 40, ['ACK'], { n: 5, seq: 1, ack: 101 }),
  ];
  test('is a contradiction, with both numbers', () => {
    expect(texts(...sending, sample(30, queued('ESTABLISHED', 60)))).toEqual([
      'client: ss shows 60 bytes in its send queue at 35.000 ms, while the wire had given it no acknowledgement of the last 100 that it had sent',
    ]);
  });

  test('is none where all is there, was acknowledged in the midst of the look, or was sent in it', () => {
    expect(texts(...sending, sample(30, queued('ESTABLISHED', 100)))).toEqual([]);
    expect(texts(...sending, sample(38, queued('ESTABLISHED', 0)))).toEqual([]);
    expect(texts(...sending, sample(17, queued('ESTABLISHED', 0)))).toEqual([]);
  });

  test('counts a FIN as one, and not what the wire made', () => {
    const fin = onWire(one, 'client', 50, ['FIN', 'ACK'], { n: 6, seq: 101, ack: 1 });
    expect(texts(...sending, fin, sample(60, queued('FIN-WAIT-1', 0)))).toContainEqual(
      expect.stringContaining('no acknowledgement of the last 1 that'),
    );
    const forged = onWire(one, 'client', 50, ['ACK'], { n: 6, seq: 5000, ack: 1, bytes: 100, deed: { do: 'forged' } });
    expect(texts(...sending, forged, sample(60, queued('ESTABLISHED', 0)))).toEqual([]);
  });

  test('is none where an earlier end challenged the SYN, with numbers of its own', () => {
    const look = (sendQ: number) => sample(30, { ...shown(one, 'server', 'ESTABLISHED'), sendQ });
    const reopened: readonly Event[] = [
      ...opened(one, 10),
      onWire(one, 'client', 10.001, ['SYN'], { n: 1, seq: 0 }),
      onWire(one, 'server', 10.002, ['ACK'], { n: 2, seq: 70_000, ack: 40 }),
      onWire(one, 'client', 10.003, ['RST'], { n: 3, seq: 40 }),
      onWire(one, 'client', 10.005, ['SYN'], { n: 4, seq: 0 }),
      onWire(one, 'server', 10.01, ['SYN', 'ACK'], { n: 5, seq: 0, ack: 1 }),
      onWire(one, 'client', 10.021, ['ACK'], { n: 6, seq: 1, ack: 1 }),
    ];
    const queues = (...more: Event[]) => texts(...reopened, ...more).filter((text) => text.includes('send queue'));
    expect(queues(look(0))).toEqual([]);
    const written = onWire(one, 'server', 20, ['PSH', 'ACK'], { n: 7, seq: 1, ack: 1, bytes: 5 });
    expect(queues(written, look(0))).toEqual([expect.stringContaining('no acknowledgement of the last 5 that')]);
  });

  test('is not looked for in a mini-socket', () => {
    const look = sample(30, { ...shown(one, 'client', 'FIN-WAIT-2', 59_000), sendQ: 0 });
    expect(texts(...sending, look).filter((text) => text.includes('send queue'))).toEqual([]);
  });
});
