import { describe, expect, test } from 'vitest';
import { mermaidText, sequenceDiagram } from '../../../src/report/markdown/mermaid.ts';
import { sequenceOf } from '../../../src/report/model/sequence.ts';
import { path } from '../fixture.ts';

const draw = (
  client: string[],
  server: string[],
  closedWith: { client: string[] | null; server: string[] | null },
): string =>
  sequenceDiagram(sequenceOf({ label: '', paths: { client: path(...client), server: path(...server) }, closedWith }));
const arrows = (diagram: string): string[] =>
  diagram
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(client|server)-/.test(line));

test('states stand beside their end in the order of time, from the first close, with what is not exact', () => {
  const diagram = draw(
    [
      'SYN-SENT 0',
      'ESTABLISHED 1',
      'FIN-WAIT-1 2',
      'FIN-WAIT-2 2.6',
      'FIN-WAIT-2 2.7*',
      'TIME-WAIT 3-4*',
      'CLOSED 60004-60100~',
    ],
    ['SYN-RECEIVED 0.5', 'ESTABLISHED 1.5', 'CLOSE-WAIT 2.5', 'LAST-ACK 3', 'CLOSED 4'],
    { client: ['FIN'], server: ['FIN'] },
  );
  expect(diagram).toMatchInlineSnapshot(`
    "%%{init: {'sequence': {'mirrorActors': false, 'messageMargin': 20, 'height': 36}}}%%
    sequenceDiagram
        participant client
        participant server
        Note over client,server: ESTABLISHED
        Note left of client: FIN-WAIT-1<br/>0 ms
        client->>server: FIN
        Note right of server: CLOSE-WAIT<br/>+500 µs
        server-->>client: ACK
        Note left of client: FIN-WAIT-2<br/>+600 µs<br/>mini-socket from +700 µs
        Note right of server: LAST-ACK<br/>+1.00 ms
        server->>client: FIN
        Note left of client: TIME-WAIT<br/>+1.00 ms to +2.00 ms
        client-->>server: ACK
        Note right of server: CLOSED<br/>+2.00 ms
        Note left of client: CLOSED<br/>+60.0 s to +60.1 s (sampled)"
  `);
});

test('an end that was never established is drawn from its first state', () => {
  const diagram = draw(['SYN-SENT 5', 'CLOSED 6.5'], [], { client: [], server: [] });
  expect(diagram).toContain('Note left of client: SYN-SENT<br/>0 ms');
  expect(diagram).toContain('Note left of client: CLOSED<br/>+1.50 ms');
  expect(diagram).not.toContain('ESTABLISHED');
});

describe('arrows', () => {
  const reset = [
    ['ESTABLISHED 1', 'CLOSED 2'],
    ['ESTABLISHED 1', 'CLOSED 2.1'],
  ] as const;
  test('a RST is drawn from the end that alone sent one', () => {
    expect(arrows(draw([...reset[0]], [...reset[1]], { client: ['RST'], server: [] }))).toEqual([
      'client-xserver: RST',
    ]);
  });
  test('no RST where both ends sent one, or where the other end is not known', () => {
    expect(arrows(draw([...reset[0]], [...reset[1]], { client: ['RST'], server: ['RST'] }))).toEqual([]);
    expect(arrows(draw([...reset[0]], [...reset[1]], { client: ['RST'], server: null }))).toEqual([]);
  });
  test('no RST at CLOSED after FIN-WAIT-2: it may have been sent later, for no socket', () => {
    const client = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 2.1', 'CLOSED 2.2'];
    expect(arrows(draw(client, ['ESTABLISHED 1', 'CLOSE-WAIT 2'], { client: ['FIN', 'RST'], server: [] }))).toEqual([
      'client->>server: FIN',
      'server-->>client: ACK',
    ]);
  });
  test('no ACK of its own where the FIN of the other end, sent before, may have carried it', () => {
    const client = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 3', 'TIME-WAIT 3.1*'];
    const server = (lastAck: number): string[] => ['ESTABLISHED 1', 'CLOSE-WAIT 2.1', `LAST-ACK ${lastAck}`];
    const both = { client: ['FIN'], server: ['FIN'] };
    expect(arrows(draw(client, server(2.9), both))).not.toContain('server-->>client: ACK');
    expect(arrows(draw(client, server(3.05), both))).toContain('server-->>client: ACK');
  });
  test('the last ACK where the other end is in TIME-WAIT, not where LAST-ACK may have ended otherwise', () => {
    const server = (closed: number): string[] => ['ESTABLISHED 1', 'CLOSE-WAIT 2', 'LAST-ACK 3', `CLOSED ${closed}`];
    const last = (client: string[], closed: number, sent: string[]): string | undefined =>
      arrows(draw(client, server(closed), { client: sent, server: ['FIN'] })).at(-1);
    const waits = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 2.5', 'TIME-WAIT 3.1*'];
    expect(last(waits, 3.2, ['FIN'])).toBe('client-->>server: ACK');
    expect(last(waits, 900, ['FIN'])).toBe('server->>client: FIN');
    expect(last(waits, 3.2, ['FIN', 'RST'])).toBe('server->>client: FIN');
    expect(last(waits.slice(0, 3), 3.2, ['FIN'])).toBe('server->>client: FIN');
  });
  test('an ACK leads from CLOSING to TIME-WAIT', () => {
    const closing = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'CLOSING 2.1', 'TIME-WAIT 2.2*'];
    expect(arrows(draw(closing, ['ESTABLISHED 1', 'FIN-WAIT-1 2.05'], { client: ['FIN'], server: ['FIN'] }))).toEqual([
      'client->>server: FIN',
      'server->>client: FIN',
      'server-->>client: ACK',
    ]);
  });
  test('no FIN at a sampled step, nor where it is not known that one was sent', () => {
    expect(
      arrows(draw(['ESTABLISHED 1', 'FIN-WAIT-1 2~'], ['ESTABLISHED 1'], { client: ['FIN'], server: [] })),
    ).toEqual([]);
    expect(arrows(draw(['ESTABLISHED 1', 'FIN-WAIT-1 2'], ['ESTABLISHED 1'], { client: null, server: [] }))).toEqual(
      [],
    );
  });
});

test("an end's steps stay in their order even where its clock ties", () => {
  const diagram = draw(['ESTABLISHED 2', 'FIN-WAIT-1 1-2', 'FIN-WAIT-2 2'], [], { client: [], server: [] });
  expect(diagram.match(/ESTABLISHED|FIN-WAIT-\d/g)).toEqual(['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2']);
});

test("Mermaid's traps are escaped", () => {
  expect(mermaidText('a; b #1')).toBe('a#59; b #35;1');
  expect(mermaidText('the end')).not.toMatch(/\bend\b/);
  expect(mermaidText('pending ends')).toBe('pending ends');
  expect(mermaidText('one\n two')).toBe('one<br/>two');
});
