import { expect, test } from 'vitest';
import type { CellRecord } from '../../src/record/schema.ts';
import { coursesOf } from '../../src/report/courses.ts';
import { gatherCells } from '../../src/report/gather.ts';
import { cellOf, experimentOf, path, runOf } from './fixture.ts';
import { lostLastAck, wire } from './wire-fixture.ts';

/** The cells of each course, by their factor `n`. */
const courses = (...records: CellRecord[]): unknown[][] => {
  const cells = records.map((record, n) => ({ ...record, id: `x/n=${n}`, experiment: 'x', factors: { n } }));
  return coursesOf(gatherCells(runOf([experimentOf({ id: 'x' })], cells))).map(({ cells: group }) =>
    group.map(({ factors }) => factors.n),
  );
};
const paths = { client: path('ESTABLISHED 1', 'FIN-WAIT-1 2'), server: path('ESTABLISHED 1') };
const over = (...lines: string[]): CellRecord => cellOf('x', {}, {}, { paths, segments: wire(lines) });

test('the same states are one course, however many segments it took', () =>
  expect(courses(over('client F. 1:1 @2-3'), over('client F. 1:1 @2-3', 'client F. 1:1 @204-205'))).toEqual([[0, 1]]));

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

test('how often the wire lost the same is no other course', () =>
  expect(courses(over('client F. 1:1 @2 lost'), over('client F. 1:1 @2 lost', 'client F. 1:1 @9 lost'))).toEqual([
    [0, 1],
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
