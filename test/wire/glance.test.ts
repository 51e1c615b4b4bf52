import { expect, test } from 'vitest';
import type { TcpOption } from '../../src/tcp/header-options.ts';
import { format, parse } from '../../src/tcp/segment.ts';
import type { End } from '../../src/tcp/states.ts';
import { makeHistory } from '../../src/wire/history.ts';
import { generator } from './random.ts';
import { client, segment, server } from './seen.ts';

const stamps = (value: number): TcpOption[] => [
  { kind: 'nop' },
  { kind: 'nop' },
  { kind: 'timestamps', value, echo: 7 },
];

test('a history that glances where it can knows what one knows that parses everything: 2000 random segments', () => {
  const { below, pick } = generator(12);
  const [glancing, parsing] = [makeHistory(), makeHistory()];
  let glanced = 0;
  for (let n = 1; n <= 2000; n++) {
    const from: End = pick(['client', 'server']);
    const flags = pick([['ACK'], ['ACK'], ['ACK', 'PSH'], ['SYN'], ['FIN', 'ACK'], ['RST']] as const);
    const options = pick([[], stamps(below(1e6)), [{ kind: 'mss', value: 1 }] as const]);
    const made = segment(from, flags, { seq: below(1e6), payload: 'x'.repeat(below(9)), options });
    const bytes = format({ ...made, source: { ...made.source, port: made.source.port + below(2) } });
    const seen = parse(bytes);
    if (glancing.glance(from, bytes, bytes.length)) glanced++;
    else glancing.see(n, n, from, bytes.length, seen);
    parsing.see(n, n, from, bytes.length, seen);
  }
  expect(glanced).toBeGreaterThan(300);
  for (let id = 1; parsing.connection(id); id++) {
    const { last: _, ...known } = parsing.connection(id)!;
    expect(glancing.connection(id)).toMatchObject(known);
  }
});

test('nothing but an ordinary segment of a known connection is glanced at', () => {
  const history = makeHistory();
  const bytes = format(segment('client', ['ACK'], { seq: 5, payload: 'abc', options: stamps(3) }));
  const glance = (changed: Uint8Array) => history.glance('client', changed, changed.length);
  expect(glance(bytes)).toBe(false);
  history.see(1, 1, 'client', bytes.length, parse(bytes));
  expect(glance(bytes)).toBe(true);
  const change = (at: number, value: number) => {
    const copy = Uint8Array.from(bytes);
    copy[at] = value;
    return copy;
  };
  // version, length, a fragment, the protocol, an address, a port, the data offset, FIN
  for (const [at, value] of [
    [0, 0x46],
    [2, 0xff],
    [6, 0x20],
    [9, 17],
    [13, 99],
    [21, 1],
    [32, 0xf0],
    [33, 0x11],
  ] as const) {
    expect(glance(change(at, value)), `byte ${at}`).toBe(false);
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(history.glance('client', bytes, length), `${length} bytes`).toBe(false);
  }
  expect(history.connection({ one: client, other: server })!.next.client).toBe(8);
});
