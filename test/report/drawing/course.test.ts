import { describe, expect, test } from 'vitest';
import { courseSvg, linesOf } from '../../../src/report/drawing/course.ts';
import { type Sequence, sequenceOf } from '../../../src/report/model/sequence.ts';
import { path } from '../fixture.ts';

const take = (
  client: string[],
  server: string[],
  closedWith: { client: string[] | null; server: string[] | null },
): Sequence => sequenceOf({ label: '', paths: { client: path(...client), server: path(...server) }, closedWith });
const told = ({ rows, origin }: Sequence): string[] =>
  rows.map((row) =>
    row.kind === 'state' ? [row.end, ...linesOf(row, origin)].join(' ') : `${row.from} sends ${row.segment}`,
  );
const arrows = (course: Sequence): string[] => told(course).filter((line) => line.includes(' sends '));

test('states stand beside their end in the order of time, from the first close, with what is not exact', () => {
  const course = take(
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
  expect(course.opened).toBe(true);
  expect(told(course)).toEqual([
    'client FIN-WAIT-1 0 ms',
    'client sends FIN',
    'server CLOSE-WAIT +500 µs',
    'server sends ACK',
    'client FIN-WAIT-2 +600 µs mini-socket from +700 µs',
    'server LAST-ACK +1.00 ms',
    'server sends FIN',
    'client TIME-WAIT +1.00 ms to +2.00 ms',
    'client sends ACK',
    'server CLOSED +2.00 ms',
    'client CLOSED +60.0 s to +60.1 s (sampled)',
  ]);
  const svg = courseSvg(course, 'x/a=1');
  expect(svg).toContain('Both ends are ESTABLISHED. The client enters FIN-WAIT-1 at 0 ms. The client sends FIN.');
  expect(svg.match(/class="arrow"/g)).toHaveLength(4);
  expect(svg).toContain('>+1.00 ms to +2.00 ms</text>');
});

test('an end that was never established is drawn from its first state', () => {
  const course = take(['SYN-SENT 5', 'CLOSED 6.5'], [], { client: [], server: [] });
  expect(told(course)).toEqual(['client SYN-SENT 0 ms', 'client CLOSED +1.50 ms']);
  expect(courseSvg(course, 'x')).not.toContain('ESTABLISHED');
});

describe('arrows', () => {
  const reset = [
    ['ESTABLISHED 1', 'CLOSED 2'],
    ['ESTABLISHED 1', 'CLOSED 2.1'],
  ] as const;
  test('a RST is drawn from the end that alone sent one', () => {
    expect(arrows(take([...reset[0]], [...reset[1]], { client: ['RST'], server: [] }))).toEqual(['client sends RST']);
  });
  test('no RST where both ends sent one, or where the other end is not known', () => {
    expect(arrows(take([...reset[0]], [...reset[1]], { client: ['RST'], server: ['RST'] }))).toEqual([]);
    expect(arrows(take([...reset[0]], [...reset[1]], { client: ['RST'], server: null }))).toEqual([]);
  });
  test('no RST at CLOSED after FIN-WAIT-2: it may have been sent later, for no socket', () => {
    const client = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 2.1', 'CLOSED 2.2'];
    expect(arrows(take(client, ['ESTABLISHED 1', 'CLOSE-WAIT 2'], { client: ['FIN', 'RST'], server: [] }))).toEqual([
      'client sends FIN',
      'server sends ACK',
    ]);
  });
  test('no ACK of its own where the FIN of the other end, sent before, may have carried it', () => {
    const client = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 3', 'TIME-WAIT 3.1*'];
    const server = (lastAck: number): string[] => ['ESTABLISHED 1', 'CLOSE-WAIT 2.1', `LAST-ACK ${lastAck}`];
    const both = { client: ['FIN'], server: ['FIN'] };
    expect(arrows(take(client, server(2.9), both))).not.toContain('server sends ACK');
    expect(arrows(take(client, server(3.05), both))).toContain('server sends ACK');
  });
  test('the last ACK where the other end is in TIME-WAIT, not where LAST-ACK may have ended otherwise', () => {
    const server = (closed: number): string[] => ['ESTABLISHED 1', 'CLOSE-WAIT 2', 'LAST-ACK 3', `CLOSED ${closed}`];
    const last = (client: string[], closed: number, sent: string[]): string | undefined =>
      arrows(take(client, server(closed), { client: sent, server: ['FIN'] })).at(-1);
    const waits = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 2.5', 'TIME-WAIT 3.1*'];
    expect(last(waits, 3.2, ['FIN'])).toBe('client sends ACK');
    expect(last(waits, 900, ['FIN'])).toBe('server sends FIN');
    expect(last(waits, 3.2, ['FIN', 'RST'])).toBe('server sends FIN');
    expect(last(waits.slice(0, 3), 3.2, ['FIN'])).toBe('server sends FIN');
  });
  test('an ACK leads from CLOSING to TIME-WAIT', () => {
    const closing = ['ESTABLISHED 1', 'FIN-WAIT-1 2', 'CLOSING 2.1', 'TIME-WAIT 2.2*'];
    expect(arrows(take(closing, ['ESTABLISHED 1', 'FIN-WAIT-1 2.05'], { client: ['FIN'], server: ['FIN'] }))).toEqual([
      'client sends FIN',
      'server sends FIN',
      'server sends ACK',
    ]);
  });
  test('no FIN at a sampled step, nor where it is not known that one was sent', () => {
    expect(
      arrows(take(['ESTABLISHED 1', 'FIN-WAIT-1 2~'], ['ESTABLISHED 1'], { client: ['FIN'], server: [] })),
    ).toEqual([]);
    expect(arrows(take(['ESTABLISHED 1', 'FIN-WAIT-1 2'], ['ESTABLISHED 1'], { client: null, server: [] }))).toEqual(
      [],
    );
  });
});

test("an end's steps stay in their order even where its clock ties", () => {
  const course = take(['ESTABLISHED 2', 'FIN-WAIT-1 1-2', 'FIN-WAIT-2 2'], [], { client: [], server: [] });
  const states = course.rows.flatMap((row) => (row.kind === 'state' ? [row.step.state] : []));
  expect(states).toEqual(['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2']);
});

test('a drawing is XML: what a name has of it is text', () => {
  const svg = courseSvg(take(['ESTABLISHED 1', 'CLOSED 2'], [], { client: [], server: [] }), 'x/a=<b>&"c"');
  expect(svg).toContain('<title>States of both ends: x/a=&lt;b&gt;&amp;&quot;c&quot;</title>');
  expect(svg).not.toContain('<b>');
});
