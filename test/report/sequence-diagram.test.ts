import { describe, expect, test } from 'vitest';
import { mermaidText, sequenceDiagram } from '../../src/report/sequence-diagram.ts';
import { path } from './fixture.ts';

const draw = (
  client: string[],
  server: string[],
  closedWith: { client: string[] | null; server: string[] | null },
): string => sequenceDiagram({ label: '', paths: { client: path(...client), server: path(...server) }, closedWith });
const arrows = (diagram: string): string[] =>
  diagram
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(client|server)-/.test(line));

test('states of both ends are notes in the order of time, with their evidence', () => {
  const diagram = draw(
    ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'TIME-WAIT 3-4*', 'CLOSED 60004-60100~'],
    ['ESTABLISHED 1.5', 'CLOSE-WAIT 2.5', 'LAST-ACK 3', 'CLOSED 4'],
    { client: ['FIN'], server: ['FIN'] },
  );
  expect(diagram).toMatchInlineSnapshot(`
    "sequenceDiagram
        participant client
        participant server
        Note over client: ESTABLISHED<br/>0 ms, exact
        Note over server: ESTABLISHED<br/>+500 µs, exact
        Note over client: FIN-WAIT-1<br/>+1.00 ms, exact
        client->>server: FIN
        Note over server: CLOSE-WAIT<br/>+1.50 ms, exact
        Note over server: LAST-ACK<br/>+2.00 ms, exact
        server->>client: FIN
        Note over client: TIME-WAIT (mini-socket)<br/>+2.00 ms to +3.00 ms, bracketed
        Note over server: CLOSED<br/>+3.00 ms, exact
        Note over client: CLOSED<br/>+60.0 s to +60.1 s, sampled"
  `);
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
