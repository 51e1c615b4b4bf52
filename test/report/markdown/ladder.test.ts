import { describe, expect, test } from 'vitest';
import { ladderMermaid } from '../../../src/report/markdown/mermaid.ts';
import { cellOf, path } from '../fixture.ts';
import { blackHole, forgedReset, heldFins, lostLastAck, oldDuplicate, wire } from '../wire-fixture.ts';

const arrows = (diagram: string): string[] =>
  diagram
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(client|wire|server)-/.test(line));

test('a lost last ACK tells its story', () => {
  expect(ladderMermaid(lostLastAck())).toMatchInlineSnapshot(`
    "%%{init: {'sequence': {'mirrorActors': false, 'messageMargin': 20, 'height': 36}}}%%
    sequenceDiagram
        participant client
        participant wire
        participant server
        Note left of client: SYN-SENT<br/>0 ms
        client->>server: SYN seq 0<br/>+40.0 µs
        Note right of server: SYN-RECEIVED<br/>+100 µs<br/>a request until +200 µs
        server->>client: SYN ACK seq 0 ack 1<br/>+100 µs
        Note left of client: ESTABLISHED<br/>+140 µs
        client-->>server: ACK seq 1 ack 1<br/>+160 µs
        Note right of server: ESTABLISHED<br/>+210 µs
        Note left of client: FIN-WAIT-1<br/>+11.3 ms
        client->>server: FIN ACK seq 1 ack 1<br/>+11.35 ms
        Note right of server: CLOSE-WAIT<br/>+11.41 ms
        server-->>client: ACK seq 1 ack 2<br/>+11.45 ms
        Note left of client: FIN-WAIT-2<br/>+11.5 ms
        Note right of server: LAST-ACK<br/>+23.0 ms
        server->>client: FIN ACK seq 1 ack 2<br/>+23.06 ms
        Note left of client: TIME-WAIT<br/>+23.0 ms to +23.1 ms
        client--xwire: ACK seq 2 ack 2<br/>lost: dropped by the wire<br/>+23.2 ms
        Note over client,server: ⋯ 207 ms later ⋯
        server->>client: FIN ACK seq 1 ack 2 (again)<br/>+229.66 ms
        Note left of client: 60 s again<br/>+229.69 ms
        client-->>server: ACK seq 2 ack 2<br/>+229.74 ms
        Note right of server: CLOSED<br/>+229.8 ms
        Note over client,server: ⋯ 61.0 s to 61.1 s later ⋯
        Note left of client: CLOSED<br/>+61.3 s (sampled)"
  `);
});

describe('the wire stands between the ends', () => {
  test('what it holds comes to it, and leaves it later', () => {
    expect(arrows(ladderMermaid(heldFins())).slice(0, 4)).toEqual([
      'client->>wire: FIN ACK seq 1 ack 1<br/>held for 200 ms<br/>+9.00 ms',
      'server->>wire: FIN ACK seq 1 ack 1<br/>held for 200 ms<br/>+9.40 ms',
      'wire->>server: FIN ACK<br/>arrives +209.00 ms',
      'wire->>client: FIN ACK<br/>arrives +209.01 ms',
    ]);
  });
  test('what it makes itself begins there', () => {
    expect(arrows(ladderMermaid(forgedReset())).filter((arrow) => arrow.startsWith('wire'))).toEqual([
      'wire->>server: FIN ACK seq 1 ack 1<br/>copied by the wire: the one sent at +9.00 ms<br/>+9.30 ms',
      "wire->>client: RST seq 2<br/>forged by the wire in the server's name<br/>+499 ms",
    ]);
  });
  test('what it loses ends there in a cross, each time', () => {
    const lost = arrows(ladderMermaid(blackHole())).filter((arrow) => arrow.startsWith('client-xwire'));
    expect(lost).toHaveLength(9);
    expect(lost[1]).toBe('client-xwire: FIN ACK seq 101 ack 1 (again)<br/>lost in a black hole<br/>+213 ms');
  });
  test('what it still held, or whose arrival nobody recorded, ends there without one', () => {
    const segments = wire(['client . 1:1 @1 held', 'client . 1:1 @2']);
    expect(arrows(ladderMermaid(cellOf('x', {}, {}, { segments })))).toEqual([
      'client-->>wire: ACK seq 1 ack 1<br/>held, never released<br/>0 ms',
      'client-->>wire: ACK seq 1 ack 1<br/>arrival not recorded<br/>+1.00 ms',
    ]);
  });
});

test('two connections are told apart, a flood is one note, a replay names its original', () => {
  const diagram = ladderMermaid(oldDuplicate());
  expect(diagram).toContain(
    'Note over client,server: +10.9 ms: old: 349 more data segments of 8948 bytes each way, 278 ms',
  );
  expect(diagram).toContain('Note left of client: old: CLOSED<br/>+298.07 ms');
  expect(diagram).toContain('client->>server: new: SYN seq 0<br/>+309.1 ms');
  expect(diagram).toContain('replayed by the wire: the one sent at +10.10 ms');
});

test('an ICMP message comes from the wire, a read stands beside its end', () => {
  const record = cellOf(
    'x',
    {},
    {},
    {
      segments: wire(['client S 0: @1 black hole']),
      asides: [
        { what: 'unreachable', t: 5e6, end: 'client', label: '', of: 1 },
        { what: 'read', t: 6e6, end: 'server', label: '', bytes: 1200 },
      ],
    },
  );
  expect(ladderMermaid(record)).toContain("wire->>client: ICMP: host unreachable<br/>a router's answer<br/>+4.00 ms");
  expect(ladderMermaid(record)).toContain('Note right of server: application read<br/>+5.00 ms<br/>1,200 bytes');
});

test('many that leave together arrive together', () => {
  const data = Array.from({ length: 20 }, (_, n) => `client P. ${1 + n * 100}:1+100 @${n / 10}-${5 + n / 10}`);
  const record = cellOf('x', {}, {}, { segments: wire(data), paths: { server: path('FIN-WAIT-1 3') } });
  expect(arrows(ladderMermaid(record)).filter((arrow) => arrow.includes('19'))).toEqual([
    'client->>wire: 19 more data segments of 100 bytes, 6.80 ms<br/>+100 µs',
    'wire->>server: these 19<br/>arrives +6.90 ms',
  ]);
});
