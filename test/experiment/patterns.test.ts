import { describe, expect, test } from 'vitest';
import {
  ack,
  any,
  data,
  dataOf,
  fin,
  notTcp,
  type Pattern,
  rst,
  syn,
  synAck,
  tcp,
} from '../../src/experiment/patterns.ts';
import { makeHistory } from '../../src/wire/history.ts';
import { matches } from '../../src/wire/match.ts';
import { client, opening, server, teller } from '../wire/seen.ts';

const tell = teller();
const [first, second, third] = opening(tell);
const hello = tell('client', ['ACK', 'PSH'], { seq: 1001, ack: 5001, payload: 'hello' });
const last = tell('server', ['FIN', 'ACK'], { seq: 5001, ack: 1006, payload: 'bye' });
const reset = tell('client', ['RST'], { seq: 1006 });
const foreign = makeHistory().see(9, 0, 'server', 48, { kind: 'other', why: 'no-tcp', protocol: 58 });
const all = { first, second, third, hello, last, reset, foreign };

/** Names of the packets that a pattern means. */
const meant = (pattern: Pattern): string =>
  Object.entries(all)
    .filter(([, seen]) => matches(pattern.match, seen!))
    .map(([name]) => name)
    .join(' ');

test.each<[string, Pattern, string]>([
  ['any', any, 'first second third hello last reset foreign'],
  ['tcp', tcp, 'first second third hello last reset'],
  ['notTcp', notTcp, 'foreign'],
  ['syn', syn, 'first'],
  ['synAck', synAck, 'second'],
  ['ack', ack, 'third'],
  ['data', data, 'hello last'],
  ['fin', fin, 'last'],
  ['rst', rst, 'reset'],
  ["fin.from('client')", fin.from('client'), ''],
  ["any.from('server')", any.from('server'), 'second last foreign'],
  ['fin.and(data)', fin.and(data), 'last'],
  ['fin.or(syn, rst)', fin.or(syn, rst), 'first last reset'],
  ['fin.not()', fin.not(), 'first second third hello reset foreign'],
  ['tcp.withSeq(1)', tcp.withSeq(1), 'third hello last'],
  ["tcp.withSeq(0, 1).from('client')", tcp.withSeq(0, 1).from('client'), 'first third hello'],
  ['tcp.withAck(6)', tcp.withAck(6), 'last'],
  ['tcp.covering(5)', tcp.covering(5), 'hello'],
  ['tcp.covering(6)', tcp.covering(6), ''],
  ['tcp.withBytes(3)', tcp.withBytes(3), 'last'],
  ['tcp.withBytes(4, 9)', tcp.withBytes(4, 9), 'hello'],
  ['tcp.withWindow(64240)', tcp.withWindow(64_240), 'first second third hello last reset'],
  ['tcp.withWindow(0, 64239)', tcp.withWindow(0, 64_239), ''],
  ["tcp.containing('ell')", tcp.containing('ell'), 'hello'],
  ['tcp.withOption', tcp.withOption('mss'), ''],
  ['on its connection', syn.or(rst).on({ local: server, remote: client }), 'first reset'],
  ['on another', tcp.on({ local: server, remote: { ...client, port: 1 } }), ''],
])('%s', (_title, pattern, expected) => {
  expect(meant(pattern)).toBe(expected);
});

describe('the data of a pattern', () => {
  test('is JSON and nothing else', () => {
    const pattern = fin.from('server').and(data).on({ local: server, remote: client }).nth(2);
    const sent = dataOf(pattern);
    expect(JSON.parse(JSON.stringify(sent))).toEqual(sent);
    expect(sent.ordinal).toBe(2);
  });

  test('keeps its ordinal whatever comes after it, and has one only', () => {
    expect(dataOf(fin.nth(2).from('server')).ordinal).toBe(2);
    expect(dataOf(data.and(fin.nth(3))).ordinal).toBe(3);
    expect(() => fin.nth(2).nth(3)).toThrow(/one nth\(\) only/);
    expect(() => fin.nth(2).and(data.nth(1))).toThrow(/one nth\(\) only/);
  });

  test('that nothing can match is refused', () => {
    expect(() => fin.nth(0 as number)).toThrow(RangeError);
    expect(() => fin.nth(1.5 as number)).toThrow(RangeError);
    expect(() => tcp.withSeq(5, 4)).toThrow(RangeError);
    expect(() => tcp.withBytes(-1)).toThrow(RangeError);
  });
});

describe('a pattern that says what there is not is told so, with what there is', () => {
  const wrong: readonly (readonly [string, () => unknown, string])[] = [
    [
      'an end',
      () => fin.from('clint' as never),
      `from(): unknown value 'clint' (did you mean "client"?); use client or server`,
    ],
    ['no end', () => fin.from(undefined as never), 'from(): unknown value undefined; use client or server'],
    [
      'an option',
      () => syn.withOption('timestamp' as never),
      `withOption(): unknown value 'timestamp' (did you mean "timestamps"?)`,
    ],
    ['half a byte', () => data.withBytes(1.5), 'withBytes(): must be a whole number from 0 to 65535, not 1.5'],
    [
      'a text for a number',
      () => data.withSeq('1' as never),
      "withSeq(): must be a whole number from -4294967296 to 4294967296, not '1'",
    ],
    ['an open range', () => tcp.withAck(1, Number.POSITIVE_INFINITY), 'withAck(), to: must be a whole number'],
    [
      'too large a window',
      () => ack.withWindow(0, 65_536),
      'withWindow(), to: must be a whole number from 0 to 65535, not 65536',
    ],
    ['an empty payload, which every segment contains', () => data.containing(''), 'containing(): must not be empty'],
    ['a number as payload', () => data.containing(7 as never), 'containing(): must be a text or a Uint8Array, not 7'],
    [
      'no endpoint',
      () => fin.on(undefined as never),
      'on(): must be an endpoint, what client.connect() or client.open() gives',
    ],
    [
      'a name as pattern',
      () => fin.or('rst' as never),
      "or(): must be a pattern, such as fin or data.from('client'), not 'rst'",
    ],
  ];
  test.each(wrong)('%s', (_title, make, expected) => {
    expect(make).toThrow(expected);
  });
});
