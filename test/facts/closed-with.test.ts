import { expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Event } from '../../src/record/event.ts';
import { all, carriedInTurn, closedInTurn, counters, flow, onWire, opened, segment } from './handmade.ts';

const one = flow();
const reset = (from: 'client' | 'server', at: number, n: number) => onWire(one, from, at, ['RST'], { n, seq: 0 });

/** Closed in turn; then the wire saw a RST of the server's. */
const lateReset = [
  ...opened(one, 10),
  ...closedInTurn(one, 'client', 40, 50),
  ...carriedInTurn(one, 10, 40, 50),
  reset('server', 70, 8),
];
/** A listener's: it names no other end. */
const nameless: Event = {
  ...segment('reset-sent', one, 'server', 69.99),
  socket: 'listener',
  remote: { address: '0.0.0.0', port: 0 },
};

test("a RST that a listener sent for an end that is gone is that end's closing segment, and no contradiction", () => {
  const { facts, warnings } = derive([...lateReset, nameless], all);
  expect(facts['server.closedWith']).toEqual(['FIN', 'RST']);
  expect(warnings).toEqual([]);
});

test('who resets when the socket is gone may not be in the trace at all', () => {
  expect(derive(lateReset, all).warnings).toEqual([]);
});

test('a RST that only the wire knows of, while there was a socket, is a contradiction', () => {
  const early = [...lateReset, reset('server', 45, 9)];
  expect(derive(early, all).warnings).toEqual([
    expect.objectContaining({ text: 'server: on the wire it closed with FIN, RST, RST, by the trace with FIN' }),
  ]);
});

test('a RST that the kernel counted and did not trace leaves the closing segments unknown, where no wire saw them', () => {
  const record = [...opened(one, 10), ...closedInTurn(one, 'client', 40, 50)];
  const known = derive([...record, counters(80, { 'Tcp.OutRsts': 1 }), segment('reset-sent', one, 'server', 60)], all);
  expect(known.facts['client.closedWith']).toEqual(['FIN']);
  // 5.10 and 6.1: tcp_send_reset is not fired for a RST without a socket
  const { facts } = derive([...record, counters(80, { 'Tcp.OutRsts': 1 })], all);
  expect([facts['client.closedWith'], facts['server.closedWith']]).toEqual([null, null]);
  const onWireToo = derive([...lateReset, counters(80, { 'Tcp.OutRsts': 1 })], all);
  expect(onWireToo.facts['server.closedWith']).toEqual(['FIN', 'RST']);
});
