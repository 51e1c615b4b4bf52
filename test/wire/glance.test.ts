import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TcpOption } from '../../src/tcp/header-options.ts';
import { format, parse } from '../../src/tcp/segment.ts';
import type { End } from '../../src/tcp/states.ts';
import { makeHistory } from '../../src/wire/history.ts';
import { below } from '../tcp/arbitrary.ts';
import { client, segment, server } from './seen.ts';

const stamps = (value: number): TcpOption[] => [
  { kind: 'nop' },
  { kind: 'nop' },
  { kind: 'timestamps', value, echo: 7 },
];

/** A segment of one of two connections, as bytes. */
const sent = fc
  .record({
    from: fc.constantFrom<End>('client', 'server'),
    flags: fc.constantFrom(...([['ACK'], ['ACK'], ['ACK', 'PSH'], ['SYN'], ['FIN', 'ACK'], ['RST']] as const)),
    options: fc.oneof(fc.constant([]), below(1e6).map(stamps), fc.constant([{ kind: 'mss', value: 1 }] as const)),
    seq: below(1e6),
    length: below(9),
    port: below(2),
  })
  .map(({ from, flags, options, seq, length, port }) => {
    const made = segment(from, flags, { seq, payload: 'x'.repeat(length), options });
    return { from, bytes: format({ ...made, source: { ...made.source, port: made.source.port + port } }) };
  });

test('a history that glances where it can knows what one knows that parses everything', () => {
  let glanced = 0;
  fc.assert(
    fc.property(fc.array(sent, { minLength: 100, maxLength: 200, size: 'max' }), (all) => {
      const [glancing, parsing] = [makeHistory(), makeHistory()];
      for (const [index, { from, bytes }] of all.entries()) {
        const seen = parse(bytes);
        if (glancing.glance(from, bytes, bytes.length)) glanced++;
        else glancing.see(index + 1, index + 1, from, bytes.length, seen);
        parsing.see(index + 1, index + 1, from, bytes.length, seen);
      }
      for (let id = 1; parsing.connection(id); id++) {
        const { last: _, ...known } = parsing.connection(id)!;
        expect(glancing.connection(id)).toMatchObject(known);
      }
    }),
    { numRuns: 20 },
  );
  expect(glanced).toBeGreaterThan(300);
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
