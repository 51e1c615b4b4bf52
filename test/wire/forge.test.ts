import { describe, expect, test } from 'vitest';
import { acceptedForgery, type Forgery } from '../../src/experiment/forgery.ts';
import { parse, type TcpSegment } from '../../src/tcp/segment.ts';
import { unseen } from '../../src/wire/connection.ts';
import { forge } from '../../src/wire/forge.ts';
import { makeHistory } from '../../src/wire/history.ts';
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
const forged = (forgery: Omit<Forgery, 'on'>, of = connection()) =>
  parse(forge(acceptedForgery({ on, ...forgery }), of)) as TcpSegment;

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

  test('has bytes as they are, the urgent pointer, and absolute timestamps where the connection has none', () => {
    const timestamps = { value: { absolute: 4_000_000_000 }, echo: { absolute: 7 } };
    const made = forged(
      { from: 'client', flags: ['URG', 'ACK'], payload: Uint8Array.of(0, 255), urgent: 1, timestamps },
      connection(false),
    );
    expect([...made.payload]).toEqual([0, 255]);
    expect(made.urgent).toBe(1);
    expect(made.options.at(-1)).toEqual({ kind: 'timestamps', value: 4_000_000_000, echo: 7 });
    const both = forged({ from: 'client', flags: ['ACK'], timestamps: { value: { absolute: 5 }, echo: 1 } });
    expect(both.options.at(-1)).toEqual({ kind: 'timestamps', value: 5, echo: 91 });
  });

  test('between addresses of which nothing was seen has absolute numbers only', () => {
    const at = { client: { address: '10.0.0.9', port: 9 }, server };
    const data = acceptedForgery({ from: 'client', between: at, flags: ['SYN'], seq: { absolute: 99 } });
    const syn = parse(forge(data, unseen(at))) as TcpSegment;
    expect(syn).toMatchObject({ source: at.client, destination: server, seq: 99, ack: 0, options: [], intact: true });
    expect(() => forge({ ...data, seq: 1 }, unseen(at))).toThrow(
      "seq: 1 is counted from the end's initial number, which the wire has not seen: give { absolute: n }",
    );
  });

  test('that counts from what nobody saw is refused', () => {
    const history = makeHistory();
    teller(history)('client', ['ACK'], { seq: 7, ack: 9 });
    expect(() => forged({ from: 'client', flags: ['RST'], seq: 1 }, history.connection(1))).toThrow(/seq/);
    expect(() => forged({ from: 'client', flags: ['ACK'] }, history.connection(1))).toThrow(/ack/);
    expect(forged({ from: 'client', flags: ['RST'] }, history.connection(1)).seq).toBe(7);
  });
});

describe('a forgery that cannot be is told so, by the name of what is wrong', () => {
  const right: Forgery = { from: 'client', on, flags: ['ACK'] };
  test('a right one is data, without the methods of its endpoint', () => {
    const endpoint = { ...on, close: () => undefined };
    const whole: Forgery = {
      ...right,
      on: endpoint,
      seq: { next: -1 },
      ack: { absolute: 4_294_967_295 },
      timestamps: { value: -5 },
      options: [{ kind: 'sackOK' }],
      payload: 'x',
    };
    const { payload: _, ...rest } = whole;
    expect(acceptedForgery(whole)).toEqual({ ...rest, on, hex: '78' });
    expect(acceptedForgery({ ...right, on: 2, timestamps: 'none' })).toEqual({ ...right, on: 2, timestamps: 'none' });
  });

  test.each<[string, object, string]>([
    ['an unknown flag', { flags: ['FYN'] }, `inject(): flags: unknown value 'FYN' (did you mean "FIN"?); use FIN, SYN`],
    [
      'flags as a text',
      { flags: 'FIN' },
      "inject(): flags: must be a list of flags, such as ['FIN', 'ACK'], not 'FIN'",
    ],
    ['no flags', { flags: undefined }, 'inject(): flags: must be a list of flags'],
    ['an unknown end', { from: 'clint' }, `inject(): from: unknown value 'clint' (did you mean "client"?)`],
    ['no connection', { on: undefined }, 'inject(): on: must be an endpoint'],
    [
      'a sequence number that is none',
      { seq: 2 ** 33 },
      'inject(): seq: must be a whole number from -4294967296 to 4294967296',
    ],
    [
      'one as it is on the wire that is none',
      { seq: { absolute: -1 } },
      'inject(): seq.absolute: must be a whole number from 0 to 4294967295, not -1',
    ],
    ['a place that there is not', { ack: { nxt: 0 } }, `inject(): ack: unknown option 'nxt' (did you mean "next"?)`],
    [
      'a window that is none',
      { window: 65_536 },
      'inject(): window: must be a whole number from 0 to 65535, not 65536',
    ],
    ['nothing as payload', { payload: null }, 'inject(): payload: must be a text or a Uint8Array, not null'],
    ['an urgent pointer that is none', { urgent: -1 }, 'inject(): urgent: must be a whole number from 0 to 65535'],
    [
      'a timestamp that is none',
      { timestamps: { value: { absolute: -1 } } },
      'inject(): timestamps.value.absolute: must be a whole number from 0 to 4294967295',
    ],
    ['a connection twice', { between: { client, server } }, 'inject(): on and between are both given; use one of them'],
    [
      'an end without an address',
      { on: undefined, between: { client, server: { address: 'server', port: 1 } } },
      "inject(): between.server.address: must be an IPv4 or IPv6 address, not 'server'",
    ],
    [
      'two families',
      { on: undefined, between: { client, server: { address: '::1', port: 1 } } },
      'have different address families',
    ],
    [
      'too long a payload',
      { payload: 'x'.repeat(66_000) },
      'inject(): bytes of payload: must be a whole number from 0 to 65415',
    ],
    ['an unknown option', { options: [{ kind: 'sackok' }] }, `(did you mean "sackOK"?)`],
    ['too many options', { options: Array.from({ length: 41 }, () => ({ kind: 'nop' })) }, 'a header has room for 40'],
    ['timestamps that are none', { timestamps: 'off' }, "inject(): timestamps: unknown value 'off'; use none"],
    ['an unknown checksum', { checksum: 'bad' }, "inject(): checksum: unknown value 'bad'; use right or wrong"],
    ['an option that there is not', { sequence: 1 }, "inject(): unknown option 'sequence'"],
  ])('%s', (_title, change, expected) => {
    expect(() => acceptedForgery({ ...right, ...change } as Forgery)).toThrow(expected);
  });
});
