import { describe, expect, test } from 'vitest';
import { type Forgery, forge } from '../../src/wire/forge.ts';
import { makeHistory } from '../../src/wire/history.ts';
import { parse, type TcpSegment } from '../../src/wire/segment.ts';
import { client, opening, server, teller } from './seen.ts';

const on = { local: client, remote: server };

/** A connection with timestamps whose client has sent 5 bytes. */
function connection(stamped = true) {
  const history = makeHistory();
  const tell = teller(history);
  opening(tell);
  const options = (value: number) => (stamped ? [{ kind: 'timestamps', value, echo: 1 } as const] : []);
  tell('client', ['ACK'], { seq: 1001, ack: 5001, payload: 'hello', options: options(70) });
  tell('server', ['ACK'], { seq: 5001, ack: 1006, options: options(90) });
  return history.connection(1)!;
}
const forged = (forgery: Omit<Forgery, 'on'>, of = connection()) => parse(forge({ on, ...forgery }, of)) as TcpSegment;

describe('a forged segment', () => {
  test('is at what each end expects next, its checksums right, with the timestamps sent last', () => {
    expect(forged({ from: 'client', flags: ['ACK', 'PSH'], payload: 'x' })).toMatchObject({
      source: client,
      destination: server,
      seq: 1006,
      ack: 5001,
      window: 64240,
      intact: true,
      options: [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'timestamps', value: 70, echo: 90 }],
    });
  });

  test('has the window that the end said last, not that of a RST which its kernel sent since', () => {
    const history = makeHistory();
    const tell = teller(history);
    opening(tell);
    const reset = { ...history.connection(1)!.last.client!, flags: 4, window: 0 };
    history.see(9, 9e6, 'client', 40, reset);
    expect(forged({ from: 'client', flags: ['ACK'] }, history.connection(1)!).window).toBe(64240);
  });

  test.each([
    [3, 1003],
    [{ next: -2 }, 1004],
    [{ absolute: 7 }, 7],
  ])('has its number relative, from where the end has got to, or as it is: %o', (seq, expected) => {
    expect(forged({ from: 'client', flags: ['RST'], seq }).seq).toBe(expected);
  });

  test('acknowledges nothing without ACK, or what it is told', () => {
    expect(forged({ from: 'server', flags: ['RST'] }).ack).toBe(0);
    expect(forged({ from: 'server', flags: ['ACK'], ack: { next: 1000 } }).ack).toBe(2006);
  });

  test('has other timestamps, or none', () => {
    const older = forged({ from: 'client', flags: ['ACK'], timestamps: { value: -71, echo: 1 } });
    expect(older.options.at(-1)).toEqual({ kind: 'timestamps', value: 0xffffffff, echo: 91 });
    expect(forged({ from: 'client', flags: ['ACK'], timestamps: 'none' }).options).toEqual([]);
    expect(forged({ from: 'client', flags: ['ACK'] }, connection(false)).options).toEqual([]);
  });

  test('has a wrong checksum where that is asked for', () => {
    expect(forged({ from: 'client', flags: ['ACK'], checksum: 'wrong' }).intact).toBe(false);
  });

  test('that counts from what nobody saw is refused', () => {
    const history = makeHistory();
    teller(history)('client', ['ACK'], { seq: 7, ack: 9 });
    expect(() => forged({ from: 'client', flags: ['RST'], seq: 1 }, history.connection(1))).toThrow(/seq/);
    expect(() => forged({ from: 'client', flags: ['ACK'] }, history.connection(1))).toThrow(/ack/);
    expect(forged({ from: 'client', flags: ['RST'] }, history.connection(1)).seq).toBe(7);
  });
});
