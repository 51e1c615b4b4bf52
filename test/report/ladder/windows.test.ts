import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { runText } from '../../../src/report/ladder/counts.ts';
import { ladderOf } from '../../../src/report/ladder/ladder.ts';
import type { LadderRow } from '../../../src/report/ladder/parts.ts';
import { windowRoles } from '../../../src/report/ladder/windows.ts';
import { wordsFor } from '../../../src/report/ladder/words.ts';
import { cellOf } from '../fixture.ts';
import { wire } from '../wire-fixture.ts';

const closing = ['client P. 1:1+1000 @1-1.1', 'server . 1:1001 @2-2.1 win=0'];
const probeAt = (ms: number, answer = 'win=0'): string[] => [
  `client . 1000:1 @${ms}-${ms + 0.1}`,
  `server . 1:1001 @${ms + 0.2}-${ms + 0.3} ${answer}`,
];
const rolesOf = (...lines: string[]) => {
  const segments = wire(lines);
  const roles = windowRoles(segments);
  return segments.map((segment) => roles.get(segment));
};

describe('the story of a window', () => {
  test('is its closing, the probes with their answers, the last of them, its opening', () => {
    expect(rolesOf(...closing, ...probeAt(200), ...probeAt(600), ...probeAt(1400, ''))).toEqual([
      undefined,
      'turns',
      'probe',
      'answer',
      'probe',
      'answer',
      'last probe',
      'turns',
    ]);
  });

  test('goes on where the update is lost, until a probe is answered', () => {
    expect(rolesOf(...closing, 'server . 1:1001 @100 lost', ...probeAt(200, ''), 'server . 1:1001 @300-300.1')).toEqual(
      [undefined, 'turns', 'turns', 'last probe', 'turns', undefined],
    );
  });

  test('is no story where it opens before anyone could ask', () => {
    expect(rolesOf(...closing, 'server . 1:1001 @60-60.1')).toEqual([undefined, 'brief', 'brief']);
    expect(rolesOf(...closing, 'server . 1:1001 @160-160.1')).toEqual([undefined, 'turns', 'turns']);
  });

  test('has no acknowledgements of new data, and nothing of the other direction', () => {
    expect(rolesOf(...closing, 'server P. 1:1001+5 @3-3.1 win=0', 'client . 1001:6 @4-4.1')).toEqual([
      undefined,
      'turns',
      undefined,
      undefined,
    ]);
  });
});

describe('in a ladder', () => {
  /** With so much that cannot be folded that everything else is. */
  const full = (probes: number): CellRecord => {
    const asked = Array.from({ length: probes }, (_, n) => probeAt(1000 + 400 * n)).flat();
    const reads = Array.from(
      { length: 24 },
      (_, n) => ({ what: 'read', t: 3e6 + n, end: 'client', label: '', bytes: n }) as const,
    );
    return cellOf('x', {}, {}, { segments: wire([...closing, ...asked, ...probeAt(9000, '')]), asides: reads });
  };
  const said = (record: CellRecord): string[] => {
    const ladder = ladderOf(record);
    const words = wordsFor(ladder);
    const text = (row: LadderRow): string[] => {
      if (row.kind === 'run') return [words.run(row)];
      return row.kind === 'segment' ? [words.segment(row.segments[0])] : [];
    };
    return ladder.rows.flatMap(text);
  };

  test('a closing, the first and the last probe and an opening are drawn, however much is folded', () => {
    expect(said(full(5))).toEqual([
      'PSH ACK seq 1 ack 1 len 1000',
      'ACK seq 1 ack 1001 win 0',
      'ACK seq 1000 ack 1 (probe)',
      'ACK seq 1 ack 1001 win 0',
      '3 more probes, each answered by a closed window, 800 ms',
      'ACK seq 1000 ack 1 (probe)',
      'ACK seq 1 ack 1001 win 0',
      'ACK seq 1000 ack 1 (probe)',
      'ACK seq 1 ack 1001 (window open)',
    ]);
  });

  test('probes as one tell how many were answered', () => {
    const text = (lines: string[]) => {
      const segments = wire(lines) as unknown as Parameters<typeof runText>[0]['segments'];
      return runText({ segments, more: [], at: 0, until: 1e9, probing: true });
    };
    const [alone = ''] = probeAt(900);
    expect(text(probeAt(200))).toBe('1 more probe, answered by a closed window, 1.00 s');
    expect(text([...probeAt(200), alone])).toBe('2 more probes, 1 answered by a closed window, 1.00 s');
    expect(text([alone])).toBe('1 more probe, not answered, 1.00 s');
  });
});
