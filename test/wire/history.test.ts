import { expect, test } from 'vitest';
import { distance } from '../../src/tcp/sequence.ts';
import { makeHistory } from '../../src/wire/history.ts';
import { client, opening, server, teller } from './seen.ts';

test('numbers are counted from the initial sequence numbers that both ends showed', () => {
  const tell = teller();
  const opened = opening(tell);
  expect(opened.map(({ seq, ack }) => [seq, ack])).toEqual([
    [0, undefined],
    [0, 1],
    [1, 1],
  ]);
  expect(tell('client', ['ACK', 'PSH'], { seq: 1001, ack: 5001, payload: 'hello' })).toMatchObject({ seq: 1, ack: 1 });
  expect(tell('server', ['ACK'], { seq: 5001, ack: 1006 })).toMatchObject({ seq: 1, ack: 6 });
});

test('without a SYN nothing is relative', () => {
  const seen = teller()('client', ['ACK'], { seq: 77, ack: 99 });
  expect(seen).not.toHaveProperty('seq');
  expect(seen).not.toHaveProperty('ack');
  expect(seen.connection).toBe(1);
});

test('numbers wrap, and those just before the start are negative', () => {
  expect(distance(0xfffffff0, 0x10)).toBe(0x20);
  expect(distance(1000, 999)).toBe(-1);
  expect(distance(1000, 1000 + 3e9)).toBe(3e9);
});

test('a connection knows what each end sent last: FIN and SYN count, a reset moves nothing', () => {
  const history = makeHistory();
  const tell = teller(history);
  opening(tell);
  tell('client', ['ACK'], {
    seq: 1001,
    ack: 5001,
    payload: 'abc',
    options: [{ kind: 'timestamps', value: 9, echo: 1 }],
  });
  tell('client', ['FIN', 'ACK'], { seq: 1004, ack: 5001 });
  // a retransmission goes back, what is behind it does not
  tell('client', ['ACK'], { seq: 1001, ack: 5001, payload: 'abc' });
  tell('server', ['RST'], { seq: 9000 });
  expect(history.connection({ one: server, other: client })).toMatchObject({
    id: 1,
    isn: { client: 1000, server: 5000 },
    next: { client: 1005, server: 5001 },
    tsval: { client: 9 },
  });
});

test('a SYN with another number begins an incarnation; the same one again is a retransmission', () => {
  const history = makeHistory();
  const tell = teller(history);
  opening(tell);
  expect(tell('client', ['SYN'], { seq: 1000 }).connection).toBe(1);
  expect(tell('client', ['SYN'], { seq: 900_000 }).connection).toBe(2);
  // the old incarnation's challenge ACK: what it acknowledges is told by the new one's number
  expect(tell('server', ['ACK'], { seq: 5001, ack: 1001 })).toMatchObject({ connection: 2, seq: 1 });
  expect(tell('server', ['SYN', 'ACK'], { seq: 70_000, ack: 900_001 })).toMatchObject({ seq: 0, ack: 1 });
  expect(history.connection(1)).toMatchObject({ isn: { client: 1000 } });
  expect(history.connection(2)).toMatchObject({ isn: { client: 900_000, server: 70_000 } });
});

test('SYNs that cross are one connection', () => {
  const tell = teller();
  expect(tell('client', ['SYN'], { seq: 1 }).connection).toBe(1);
  expect(tell('server', ['SYN'], { seq: 2 }).connection).toBe(1);
});

test('no more connections are remembered than the limit', () => {
  const history = makeHistory(2);
  const tell = teller(history);
  for (const port of [1, 2, 3]) tell('client', ['SYN'], { seq: port, client: { ...client, port } });
  expect([1, 2, 3].map((id) => history.connection(id)?.id)).toEqual([undefined, 2, 3]);
  expect(history.connection({ one: { ...client, port: 1 }, other: server })).toBeUndefined();
});
