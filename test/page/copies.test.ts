import { expect, test } from 'vitest';
import { filterOf, mermaidOf } from '../../src/page/copies.ts';
import type { SegmentRecord } from '../../src/record/schema.ts';

const segment = (n: number, over: Partial<SegmentRecord>): SegmentRecord => ({
  n,
  t: n * 1e6,
  arrived: n * 1e6 + 1000,
  from: 'client',
  label: '',
  incarnation: 1,
  flags: ['FIN', 'ACK'],
  seq: 1,
  ack: 1,
  length: 0,
  window: 500,
  deed: { do: 'carried' },
  ...over,
});

const { arrived: _never, ...lost } = segment(2, { from: 'server', flags: ['ACK'], deed: { do: 'dropped' } });
const wired = {
  id: 'x',
  facts: {},
  paths: {
    client: [{ state: 'FIN-WAIT-1' as const, at: 0.5e6, evidence: 'exact' as const, source: 'trace' as const }],
  },
  segments: [segment(1, {}), lost],
};

test('a ladder as Mermaid has its states, its segments, and what was lost', () => {
  const lines = mermaidOf(wired).split('\n');
  expect(lines[0]).toBe('sequenceDiagram');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}Note left of client: FIN-WAIT-1/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}client->>server: FIN ACK seq 1 ack 1$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}server--xclient: ACK .*lost/));
});

test("Mermaid's own characters in a name are text", () => {
  const named = { ...wired, segments: [segment(1, { label: 'a;b#<c>\nend' }), segment(2, { label: 'other' })] };
  const text = mermaidOf(named);
  expect(text).toContain('a#59;b#35;#60;c#62; end');
  expect(text.split('\n').every((line) => !/[;<>]/.test(line.replace(/#\d+;/g, '').replace(/-+>>|--x/g, '')))).toBe(
    true,
  );
});

test("Wireshark's filter names the ports where there are several connections", () => {
  const of = (client: string) => ({ incarnation: 1, label: '', client, server: '[::1]:80' });
  expect(filterOf([of('[::1]:5000'), of('[::1]:5001')])).toBe(
    '(tcp.port == 5000 && tcp.port == 80) || (tcp.port == 5001 && tcp.port == 80)',
  );
  expect(filterOf(undefined)).toContain('tcp.flags.fin == 1');
});
