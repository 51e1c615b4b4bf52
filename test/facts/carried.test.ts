import { describe, expect, test } from 'vitest';
import { carriedIn as carriedBy, closingSegments, everySegment, finTaken } from '../../src/facts/carried.ts';
import { connectionsIn } from '../../src/facts/connections.ts';
import { derive } from '../../src/facts/derive.ts';
import type { Deed } from '../../src/record/deed.ts';
import type { Event } from '../../src/record/event.ts';
import {
  all,
  carriedInTurn,
  closedInTurn,
  connected,
  flow,
  ns,
  onWire,
  opened,
  orphaned,
  sample,
  segment,
  shown,
  went,
  wentOn,
} from './handmade.ts';

const one = flow();
const again = flow({ label: 'new', endpoint: { client: 3, server: 4 } });
const syn = onWire(one, 'client', 10, ['SYN'], { n: 1, seq: 0 });

const carriedIn = (events: readonly Event[]) => carriedBy(events, connectionsIn(events));

describe('the segments of a record', () => {
  test('are in the order of the capture, each with what the wire did with it and when it arrived', () => {
    const events: Event[] = [
      syn,
      onWire(one, 'server', 11, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1, deed: { do: 'held', rule: 1 } }),
      wentOn(2, 400, { do: 'held', rule: 1, heldNs: ns(389) }),
      onWire(one, 'client', 12, ['SYN'], { n: 3, seq: 0, deed: { do: 'lost', rule: 2 } }),
      onWire(one, 'client', 401, ['ACK'], { n: 4, seq: 1, ack: 1, deed: { do: 'copy', of: 1, rule: 3 } }),
      connected(one, 402),
    ];
    const { segments } = carriedIn(events.toReversed());
    expect(segments.map(({ n, deed, arrived }) => [n, deed, arrived])).toEqual([
      [1, { do: 'carried' }, ns(10)],
      [2, { do: 'held', rule: 1, heldNs: ns(389) }, ns(400)],
      [3, { do: 'lost', rule: 2 }, undefined],
      [4, { do: 'copy', of: 1, rule: 3 }, ns(401)],
    ]);
  });

  test('that are held to the end, dropped, or refused by the kernel never arrive', () => {
    const deeds: Deed[] = [
      { do: 'held', rule: 1 },
      { do: 'dropped', rule: 1 },
      { do: 'black hole', rule: 1 },
      { do: 'refused', refusedBy: 'kernel', errno: 'EIO' },
    ];
    const events = deeds.map((deed, index) => onWire(one, 'client', 10 + index, ['SYN'], { n: index + 1, deed }));
    expect(carriedIn(events).segments.map(({ arrived }) => arrived)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('that answer for no socket count from no first number: the raw one', () => {
    const server = { client: 1000, server: 0 };
    const refused = (deed?: Deed) => [
      onWire(one, 'client', 10, ['SYN'], { n: 1, connection: 2, seq: 0 }),
      onWire(one, 'server', 11, ['SYN', 'ACK'], { n: 2, connection: 2, seq: 0, ack: 1, ...(deed && { deed }) }),
      onWire(one, 'server', 12, ['RST', 'ACK'], { n: 3, connection: 2, seq: 0, ack: 1, initial: server }),
    ];
    expect(carriedIn(refused({ do: 'forged' })).segments[2]).toMatchObject({ rawSeq: 0, ack: 1 });
    expect(carriedIn(refused({ do: 'forged' })).segments[2]).not.toHaveProperty('seq');
    // its own SYN told its first number
    expect(carriedIn(refused()).segments[2]).toMatchObject({ seq: 0 });
    expect(carriedIn(refused()).segments[2]).not.toHaveProperty('rawSeq');
  });

  test('that were held and then dropped never arrive', () => {
    const held = onWire(one, 'client', 10, ['SYN'], { n: 1, deed: { do: 'held', rule: 1 } });
    const [segment] = carriedIn([
      held,
      wentOn(1, 400, { do: 'held', rule: 1, heldNs: ns(390), discarded: true }),
    ]).segments;
    expect([segment?.deed, segment?.arrived]).toEqual([
      { do: 'held', rule: 1, heldNs: ns(390), discarded: true },
      undefined,
    ]);
  });

  test('are told apart by incarnation where two connections have the same addresses; a replay is the one that it repeats', () => {
    const events: Event[] = [
      syn,
      connected(one, 12),
      onWire(one, 'client', 20, ['ACK'], { n: 2, seq: 1, bytes: 5 }),
      onWire(one, 'client', 30, ['SYN'], { n: 3, seq: 0, connection: 2 }),
      connected(again, 32),
      onWire(one, 'client', 40, ['ACK'], { n: 4, seq: 1, bytes: 5, connection: 2, deed: { do: 'replay', of: 2 } }),
    ];
    const { segments } = carriedIn(events);
    expect(segments.map(({ label, incarnation }) => [label, incarnation])).toEqual([
      ['', 1],
      ['', 1],
      ['new', 2],
      ['', 1],
    ]);
  });
});

describe('incarnations', () => {
  test('are told with their addresses and ports where there are several', () => {
    const events = [
      syn,
      connected(one, 12),
      onWire(one, 'client', 30, ['SYN'], { n: 3, connection: 2 }),
      connected(again, 32),
    ];
    const place = { client: '127.0.0.1:40000', server: '127.64.0.1:10240' };
    expect(carriedIn(events).incarnations).toEqual([
      { incarnation: 1, label: '', ...place },
      { incarnation: 2, label: 'new', ...place },
    ]);
    expect(carriedIn([syn, connected(one, 12)]).incarnations).toEqual([]);
  });
});

describe('closing segments', () => {
  const closing = (events: readonly Event[]) => {
    const connection = connected(one, 12);
    return closingSegments(carriedIn([syn, connection, ...events]), connection, 'client')?.map(
      ({ segment: sent }) => sent,
    );
  };

  test('are FIN and RST in order; a FIN that was sent again counts once, what the wire made not at all', () => {
    expect(
      closing([
        onWire(one, 'client', 20, ['FIN', 'ACK'], { n: 2, deed: { do: 'dropped', rule: 1 } }),
        onWire(one, 'client', 220, ['FIN', 'ACK'], { n: 3 }),
        onWire(one, 'client', 221, ['RST'], { n: 4, deed: { do: 'forged' } }),
        onWire(one, 'server', 222, ['RST'], { n: 5 }),
        onWire(one, 'client', 230, ['RST', 'ACK'], { n: 6 }),
      ]),
    ).toEqual(['FIN', 'RST']);
    expect(closing([])).toEqual([]);
  });

  test('are not known of a connection that the wire did not see', () => {
    expect(closingSegments(carriedIn([connected(one, 12)]), connected(one, 12), 'client')).toBeUndefined();
  });

  test('that contradict the trace are a warning', () => {
    const record = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
    const fins = carriedInTurn(one, 10, 20, 50);
    expect(derive([...record, ...fins], all).warnings).toEqual([]);
    const { facts, warnings } = derive([...record, ...fins.slice(0, 5)], all);
    expect(facts['server.closedWith']).toEqual([]);
    expect(warnings.map(({ code, text }) => [code, text])).toContainEqual([
      'observers-disagree',
      'server: on the wire it closed with nothing, by the trace with FIN',
    ]);
    expect(derive([...record, ...fins, segment('reset-sent', one, 'client', 60)], all).warnings).toHaveLength(1);
    // nobody's socket: a listener's RST names no other end
    const late = onWire(one, 'server', 60, ['RST'], { n: 8 });
    expect(derive([...record, ...fins, late], all)).toMatchObject({
      facts: { 'server.closedWith': ['FIN', 'RST'] },
      warnings: [],
    });
  });
});

describe('the end of TIME-WAIT by what the wire forged', () => {
  const record = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), ...carriedInTurn(one, 10, 20, 50)];
  const shownUntil = (at: number) => [sample(60, shown(one, 'client', 'TIME-WAIT')), sample(at)];

  test('a RST that came, by whomever it was sent', () => {
    const rst = (from: 'client' | 'server', deed: Deed) => onWire(one, from, 80, ['RST'], { n: 8, seq: 2, deed });
    const endedBy = (event: ReturnType<typeof rst>) =>
      derive([...record, ...shownUntil(90), event], all).facts['timeWait.endedBy'];
    expect(endedBy(rst('server', { do: 'forged' }))).toBe('rst');
    // what was lost, or came to the other end, ended nothing
    expect(endedBy(rst('server', { do: 'dropped', rule: 1 }))).toBe(null);
    expect(endedBy(rst('client', { do: 'forged' }))).toBe(null);
  });

  test('a SYN that it answered with its own: from then on the addresses are another’s', () => {
    // so far beyond its last number begins what takes the place of TIME-WAIT
    const initial = { client: 1002 + 65_537, server: 9000 };
    const answer = onWire(one, 'client', 80, ['SYN', 'ACK'], { n: 8, initial });
    const request = sample(90, shown(one, 'client', 'SYN-RECEIVED'));
    const { facts, warnings } = derive([...record, answer, request], all);
    expect(facts['timeWait.endedBy']).toBe('recycled');
    expect(warnings).toEqual([]);
    expect(derive([...record, request], all).warnings).toHaveLength(1);
  });
});

test('the beginning of an orphan’s TIME-WAIT is exactly when the other end’s FIN came', () => {
  const record = [...opened(one, 10), ...orphaned(one, 'client', 20, 1600)];
  const fins = [
    { ...syn, t: ns(9.9) },
    onWire(one, 'client', 20.005, ['FIN', 'ACK'], { n: 2 }),
    onWire(one, 'server', 1600.001, ['FIN', 'ACK'], { n: 3, deed: { do: 'held', rule: 1 } }),
    wentOn(3, 1600.009, { do: 'held', rule: 1, heldNs: ns(0.008) }),
  ];
  const { paths } = derive([...record, ...fins], all);
  expect(paths.client?.find(({ state }) => state === 'TIME-WAIT')).toEqual({
    state: 'TIME-WAIT',
    at: ns(1600.009),
    evidence: 'exact',
    source: 'wire',
    mini: true,
  });
  const connection = connected(one, 12);
  const carried = carriedIn([...fins, connection]);
  expect(finTaken(carried, connection, 'client', Number.POSITIVE_INFINITY, () => false)).toEqual({
    came: ns(1600.009),
  });
});

describe('a FIN that came', () => {
  const connection = connected(one, 12);
  const before = [
    { ...syn, t: ns(9.9) },
    onWire(one, 'server', 10, ['SYN', 'ACK'], { n: 2, seq: 0, ack: 1 }),
    onWire(one, 'client', 20, ['FIN', 'ACK'], { n: 3, seq: 1, ack: 1 }),
  ];
  const fin = (n: number, seq: number, at = 50) => onWire(one, 'server', at, ['FIN', 'ACK'], { n, seq, ack: 2 });
  const answer = (n: number, ack: number, at = 50.01) => onWire(one, 'client', at, ['ACK'], { n, seq: 2, ack });
  const taken = (events: Event[], horizonMs = 1000, isAcknowledged = false) =>
    finTaken(carriedIn([...before, ...events, connection]), connection, 'client', ns(horizonMs), () => isAcknowledged);

  test('was accepted where its end acknowledged it', () => {
    expect(taken([fin(4, 1), answer(5, 2)])).toEqual({ came: ns(50), acknowledged: ns(50.01) });
    // beyond bytes that are missing, and then again in order
    const later = [fin(6, 1, 70), answer(7, 2, 70.01)];
    expect(taken([fin(4, 9), answer(5, 1), ...later])).toEqual({ came: ns(70), acknowledged: ns(70.01) });
  });

  test('was not, where its end acknowledged no more than before, reset, or was silent', () => {
    expect(taken([fin(4, 9), answer(5, 1)])).toBeUndefined();
    expect(taken([fin(4, 1), onWire(one, 'client', 50.01, ['RST'], { n: 5, seq: 2 })])).toBeUndefined();
    expect(taken([fin(4, 1)])).toBeUndefined();
  });

  test('may have been, at the end of the scenario, or where the record has not every packet', () => {
    expect(taken([fin(4, 1)], 50.5)).toMatchObject({ code: 'not-shown' });
    expect(taken([fin(9, 1)])).toMatchObject({
      code: 'not-recorded',
      text: expect.stringMatching(/^from packet 4 on/),
    });
    expect(taken([fin(9, 1)], 1000, true)).toEqual({ came: ns(50) });
  });
});

describe('a SYN that the wire forged, and TIME-WAIT answered', () => {
  const initial = { client: 9000, server: 5002 + 65_537 };
  const before = [...opened(one, 10), ...closedInTurn(one, 'server', 20, 50), ...carriedInTurn(one, 10, 50, 20)];
  const forged = onWire(one, 'client', 80, ['SYN'], { n: 8, seq: 0, initial, deed: { do: 'forged' }, connection: 1 });
  const answer = onWire(one, 'server', 80.02, ['SYN', 'ACK'], { n: 9, seq: 0, ack: 1, initial, connection: 1 });
  const completed = onWire(one, 'client', 81, ['ACK'], { n: 10, seq: 1, ack: 1, initial, deed: { do: 'forged' } });
  const next = flow({ socket: { client: '', server: '51' } });
  const accepted = [
    went(next, 'server', 81.01, 'LISTEN', 'SYN-RECEIVED'),
    went(next, 'server', 81.02, 'SYN-RECEIVED', 'ESTABLISHED'),
  ];
  const record = [...before, forged, answer, completed, ...accepted];

  test('is a new incarnation, with numbers of its own', () => {
    const { segments, incarnations } = derive(record, all);
    expect(segments.slice(6).map(({ incarnation, label, seq, ack }) => [incarnation, label, seq, ack])).toEqual([
      [1, '', 2, 2],
      [2, 'forged', 0, undefined],
      [2, 'forged', 0, 1],
      [2, 'forged', 1, 1],
    ]);
    expect(incarnations.map(({ label, client }) => [label, client])).toEqual([
      ['', '127.0.0.1:40000'],
      ['forged', '127.0.0.1:40000'],
    ]);
  });

  test('has its own path, and its own facts; the earlier one sent nothing again, and was recycled', () => {
    const { facts, paths, warnings } = derive(record, all);
    expect(facts['forged.server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED']);
    expect(paths['forged.server']?.map(({ state }) => state)).toEqual(['SYN-RECEIVED', 'ESTABLISHED']);
    expect(Object.keys(facts).filter((name) => name.startsWith('forged.client'))).toEqual([]);
    expect(facts).toMatchObject({ 'timeWait.endedBy': 'recycled', 'server.resentAt': [] });
    expect(warnings).toEqual([]);
  });

  test('is none where it is challenged, or repeats the SYN of its peer', () => {
    const challenge = onWire(one, 'server', 80.02, ['ACK'], { n: 9, seq: 2, ack: 2 });
    expect(derive([...before, forged, challenge], all).incarnations).toEqual([]);
    const copy = onWire(one, 'client', 10.005, ['SYN'], { n: 8, seq: 0, deed: { do: 'copy', of: 1 } });
    expect(derive([...before, copy], all).incarnations).toEqual([]);
  });

  test('does not make the RST of its peer, which has no such connection, one of the earlier one', () => {
    const rst = onWire(one, 'client', 80.03, ['RST'], { n: 10, seq: 1, initial });
    const traced = { ...segment('reset-sent', one, 'client', 80.03), socket: '' };
    const { facts, warnings } = derive([...before, forged, answer, rst, traced], all);
    expect(facts['client.closedWith']).toEqual(['FIN']);
    expect(warnings).toEqual([]);
  });
});

describe('a record that has not every packet', () => {
  const connection = connected(one, 12);
  const packets = (count: number): Event => ({ t: ns(90), source: 'wire', kind: 'packets', count });
  const of = (...more: Event[]) =>
    carriedIn([syn, onWire(one, 'server', 11, ['SYN', 'ACK'], { n: 2 }), ...more, connection]);

  test('has every segment until the first that it lacks, and claims no more', () => {
    const carried = of(onWire(one, 'client', 50, ['FIN', 'ACK'], { n: 9 }));
    expect(everySegment(carried, connection, ns(11))).toHaveLength(2);
    expect(everySegment(carried, connection)).toMatchObject({ code: 'not-recorded' });
  });

  test('is known by the number of packets that the wire had, too', () => {
    expect(everySegment(of(packets(2)), connection)).toHaveLength(2);
    expect(everySegment(of(packets(3)), connection)).toMatchObject({ code: 'not-recorded' });
  });
});
