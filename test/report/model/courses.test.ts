import { expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { coursesOf } from '../../../src/report/model/courses.ts';
import { cellOf, experimentOf, path, runOf } from '../fixture.ts';
import { lostLastAck, wire } from '../wire-fixture.ts';

/** The cells of each course, by their factor `n`. */
const courses = (...records: CellRecord[]): unknown[][] => {
  const cells = records.map((record, n) => ({ ...record, id: `x/n=${n}`, experiment: 'x', factors: { n } }));
  return coursesOf(gatherCells(runOf([experimentOf({ id: 'x' })], cells))).map(({ cells: group }) =>
    group.map(({ factors }) => factors.n),
  );
};
const paths = { client: path('ESTABLISHED 1', 'FIN-WAIT-1 2'), server: path('ESTABLISHED 1') };
const over = (...lines: string[]): CellRecord => cellOf('x', {}, {}, { paths, segments: wire(lines) });

test('over a wire the same segments are one course, at whatever times', () =>
  expect(courses(over('client F. 1:1 @2-3'), over('client F. 1:1 @2.4-2.5'))).toEqual([[0, 1]]));

test('a segment more, another length or direction, or twice as long a silence is another course', () =>
  expect(
    courses(
      over('client F. 1:1 @2-3'),
      over('client F. 1:1 @2-3', 'client F. 1:1 @204-205'),
      over('client F. 1:1+5 @2-3'),
      over('server F. 1:1 @2-3'),
      over('client F. 1:1 @2-3', 'client F. 1:1 @604-605'),
    ),
  ).toEqual([[0], [1], [2], [3], [4]]));

test('how many segments a stream took is no other course', () => {
  const stream = (count: number): CellRecord =>
    over(...Array.from({ length: count }, (_, n) => `client . ${1 + n * 10}:1+10 @${10 + n}-${10.1 + n}`));
  expect(courses(stream(20), stream(30))).toEqual([[0, 1]]);
});

test('repeats of a cell whose ends went the same way share the ladder of the first', () => {
  const repeat = (nth: number, ...lines: string[]): CellRecord => ({ ...over(...lines), id: 'x/n=0', repeat: nth });
  const cells = [repeat(1, 'client F. 1:1 @2-3'), repeat(2, 'client F. 1:1 @2-3', 'client F. 1:1 @204-205')];
  const found = coursesOf(gatherCells(runOf([experimentOf({ id: 'x' })], cells)));
  expect(found.map(({ records }) => records.length)).toEqual([2]);
});

test('what the wire did to another kind of segment, or did otherwise, is another course', () =>
  expect(
    courses(
      over('client F. 1:1 @2 lost'),
      over('client F. 1:1 @2 dropped'),
      over('client . 1:1 @2 lost'),
      over('server F. 1:1 @2 lost'),
      over('client F. 1:1 @2-3', 'server R 2: @9-9 forged'),
    ),
  ).toEqual([[0], [1], [2], [3], [4]]));

test('once lost and twice lost are two courses', () =>
  expect(courses(over('client F. 1:1 @2 lost'), over('client F. 1:1 @2 lost', 'client F. 1:1 @9 lost'))).toEqual([
    [0],
    [1],
  ]));

test('segments without known states are a course, nothing is none', () => {
  const { paths: _, ...rest } = lostLastAck();
  expect(courses({ ...rest, paths: {} }, cellOf('x', {}, {}))).toEqual([[0]]);
});

test('connections of a cell that went the same way are one course, with their labels; each other way is another', () => {
  const closed = path('ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 3', 'CLOSED 4');
  const cell = (waiting: string[]): CellRecord => {
    const way = (label: string) => [
      ...closed.slice(0, 3),
      ...(waiting.includes(label) ? path('TIME-WAIT 4') : closed.slice(3)),
    ];
    const ends = ['one', 'two', 'three'].map((label) => [`${label}.client`, way(label)] as const);
    return { ...cellOf('x', {}, {}), paths: Object.fromEntries(ends) };
  };
  const cells = [cell(['one']), cell(['one', 'two'])].map((record, n) => ({
    ...record,
    id: `x/n=${n}`,
    factors: { n },
  }));
  const found = coursesOf(gatherCells(runOf([experimentOf({ id: 'x' })], cells)));
  expect(found.map(({ labels, records }) => [labels, records.length])).toEqual([
    [['one', 'two'], 2],
    [['two', 'three'], 2],
  ]);
});

test('a cell that errored has a course of its own, as far as its wire carried anything', () => {
  const ran = over('client F. 1:1 @2-3');
  const errored: CellRecord = {
    ...ran,
    status: 'errored',
    facts: {},
    reason: { code: 'SCENARIO_THREW', message: 'as planned' },
  };
  expect(courses(ran, errored, { ...errored, segments: [] })).toEqual([[0], [1]]);
});
