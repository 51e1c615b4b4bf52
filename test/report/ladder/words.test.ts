import { describe, expect, test } from 'vitest';
import { omittedText, pauseText, runText } from '../../../src/report/ladder/counts.ts';
import { ladderOf } from '../../../src/report/ladder/ladder.ts';
import { wordsFor } from '../../../src/report/ladder/words.ts';
import { cellOf, path } from '../fixture.ts';
import { wire } from '../wire-fixture.ts';

const wordsOf = (...lines: string[]): string[] => {
  const segments = wire(lines);
  const words = wordsFor(ladderOf(cellOf('x', {}, {}, { segments })));
  return segments.map((segment) => [words.segment(segment), words.deed(segment)].filter(Boolean).join('; '));
};
const runOf = (isMore: boolean, ...lines: string[]): string => {
  const segments = wire(lines) as unknown as Parameters<typeof runText>[0]['segments'];
  const more = isMore ? (['data', 'FIN'] as const) : [];
  return runText({ segments, more, at: 0, until: 318e6 });
};

test('a segment is told by flags, numbers, length, and a window that is shut', () => {
  expect(
    wordsOf('client S 0: @1-2', 'server P. 1:1+1448 @3-4', 'client . 1:1449 @5-6 win=0', 'client R 1: @7-8 win=0'),
  ).toEqual(['SYN seq 0', 'PSH ACK seq 1 ack 1 len 1448', 'ACK seq 1 ack 1449 win 0', 'RST seq 1']);
  // an old incarnation's number, counted from the new one's first
  expect(wordsOf('server . 2:4294312798 @1-2')).toEqual(['ACK seq 2 ack -654498']);
});

test('a RST that counts from no first number is told by the raw one', () => {
  const [segment] = wire(['server R. :1 @1-2']);
  const words = wordsFor(ladderOf(cellOf('x', {}, {})));
  expect(segment && words.segment({ ...segment, rawSeq: 0 })).toBe('RST ACK raw seq 0 ack 1');
});

test('a state has its connection’s name where segments are another’s, too', () => {
  const paths = { 'old.client': path('TIME-WAIT 1') };
  const segments = [...wire(['client . 1:1 @1-2'], 'old'), ...wire(['client S 0: @3-4'], '', 2, 2)];
  const namesIn = (more: Parameters<typeof cellOf>[3]): string[] => {
    const ladder = ladderOf(cellOf('x', {}, {}, more));
    return ladder.rows.flatMap((row) => (row.kind === 'state' ? [wordsFor(ladder).state(row)] : []));
  };
  expect(namesIn({ paths, segments })).toEqual(['old: TIME-WAIT']);
  expect(namesIn({ paths, segments: segments.slice(0, 1) })).toEqual(['TIME-WAIT']);
});

test('what an end had sent before it sends again; an ACK, or a copy of the wire, does not repeat', () => {
  expect(
    wordsOf(
      'client F. 1:1 @1 lost',
      'client F. 1:1 @2-3',
      'client F. 1:1 @2.5-2.6 copy of=2',
      'server . 1:2 @4-5',
      'server . 1:2 @6-7',
    ),
  ).toEqual([
    'FIN ACK seq 1 ack 1; lost',
    'FIN ACK seq 1 ack 1 (again)',
    'FIN ACK seq 1 ack 1; copied by the wire: the one sent at +1.00 ms',
    'ACK seq 1 ack 2',
    'ACK seq 1 ack 2',
  ]);
});

test('data is sent again by one segment with the FIN behind it, too', () => {
  expect(
    wordsOf(
      'client P. 1:1+100 @1 lost',
      'client F. 101:1 @2 lost',
      'client FP. 1:1+100 @3-4',
      'client P. 102:1+9 @5-6',
    ),
  ).toEqual([
    'PSH ACK seq 1 ack 1 len 100; lost',
    'FIN ACK seq 101 ack 1; lost',
    'FIN PSH ACK seq 1 ack 1 len 100 (again)',
    'PSH ACK seq 102 ack 1 len 9',
  ]);
});

test('an original that the record does not have is named by its number in the capture', () => {
  expect(wordsOf('client P. 1:1+9 @1-2 replay of=900')).toEqual([
    'PSH ACK seq 1 ack 1 len 9; replayed by the wire: number 900 of the capture',
  ]);
});

test('a delay is told where it is not the rule', () => {
  expect(wordsOf('client . 1:1 @1-11 delayed', 'server . 1:1 @12-12.1', 'client . 1:1 @13-13.1')[0]).toBe(
    'ACK seq 1 ack 1; delayed by 10.0 ms',
  );
  expect(wordsOf('client . 1:1 @1-11 delayed', 'server . 1:1 @12-22 delayed')).toEqual([
    'ACK seq 1 ack 1',
    'ACK seq 1 ack 1',
  ]);
});

describe('a run', () => {
  test('of the same both ways', () =>
    expect(runOf(true, 'client P. 1:1+9 @1-2', 'server P. 1:1+9 @1-2')).toBe(
      '1 more data segment of 9 bytes each way, 318 ms',
    ));
  test('of one end', () =>
    expect(runOf(true, 'client P. 1:1+9 @1-2', 'client P. 10:1+9 @1-2')).toBe(
      '2 more data segments of 9 bytes, 318 ms',
    ));
  test('of different lengths, with ACKs, both ends named', () =>
    expect(runOf(false, 'client P. 1:1+9 @1-2', 'client P. 10:1+5 @1-2', 'server . 1:10 @1-2')).toBe(
      '2 data segments of 5 to 9 bytes from the client, 1 ACK from the server, 318 ms',
    ));
  test('tells which of its purposes were drawn before', () =>
    expect(runOf(true, 'server . 1:10 @1-2', 'client P. 1:1+9 @1-2', 'client P. 10:1+9 @1-2')).toBe(
      '1 ACK from the server, 2 more data segments of 9 bytes from the client, 318 ms',
    ));
  test('of lost ones says so', () =>
    expect(runOf(true, 'client F. 1:1 @1 black hole', 'client F. 1:1 @9 black hole')).toBe(
      '2 more FINs, lost in a black hole, 318 ms',
    ));
});

test('a pause is a time, or a range where its end is one', () => {
  expect(pauseText({ kind: 'pause', at: 0, least: 61e9, most: 61e9 })).toBe('61.0 s later');
  expect(pauseText({ kind: 'pause', at: 0, least: 60e9, most: 61e9 })).toBe('60.0 s to 61.0 s later');
});

test('what is left out is counted', () => {
  const segments = wire(['client S 0: @1 dropped', 'client S 0: @2 dropped']);
  expect(omittedText({ kind: 'omitted', at: 0, until: 5e9, segments, states: 3 })).toBe(
    'Not drawn: 2 SYNs, dropped by the wire, 3 states, 5.00 s',
  );
});

test('a state says how well its time is known', () => {
  const record = cellOf(
    'x',
    {},
    {},
    {
      paths: {
        client: path('FIN-WAIT-1 1', 'FIN-WAIT-2 2*', 'TIME-WAIT 3-5*', 'CLOSED 60000-61000~'),
        server: path('FIN-WAIT-2 7', 'FIN-WAIT-2 9*'),
      },
    },
  );
  const ladder = ladderOf(record);
  const words = wordsFor(ladder);
  expect(ladder.rows.flatMap((row) => (row.kind === 'state' ? [words.entered(row).join('; ')] : []))).toEqual([
    '0 ms',
    '+1.00 ms; mini-socket',
    '+2.00 ms to +4.00 ms',
    '+6.00 ms; mini-socket from +8.00 ms',
    '+60.0 s to +61.0 s (sampled)',
  ]);
});
