import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeWaitingRoom, type Waiting } from '../../src/wire/waiting.ts';
import { below } from '../tcp/arbitrary.ts';

const waiting = (n: number, more: Partial<Waiting> = {}): Waiting => ({
  n,
  from: 'client',
  bytes: new Uint8Array(),
  since: 0,
  rule: 1,
  why: 'held',
  ...more,
});
const numbers = (list: readonly Waiting[]) => list.map(({ n }) => n);

test('packets go when they are due, in that order, and as they came where that is the same', () => {
  fc.assert(
    fc.property(fc.array(below(50), { minLength: 1, maxLength: 100 }), (dues) => {
      const room = makeWaitingRoom();
      const all = dues.map((due, n) => waiting(n, { why: 'delayed', due }));
      for (const each of all) room.add(each);
      const sorted = all.toSorted((a, b) => a.due! - b.due! || a.n - b.n);
      expect(room.nextDue).toBe(sorted[0]!.due);
      const gone: Waiting[] = [];
      for (let now = 0; now < 50; now++) {
        const come = room.due(now);
        expect(come.every(({ due }) => due! <= now)).toBe(true);
        gone.push(...come);
      }
      expect(gone).toEqual(sorted);
      expect([room.size, room.nextDue]).toEqual([0, undefined]);
    }),
  );
});

test('what is held goes when it is released: by its rule, its number, or all', () => {
  const room = makeWaitingRoom();
  for (const n of [1, 2, 3, 4]) room.add(waiting(n, { rule: n < 3 ? 1 : 2 }));
  room.add(waiting(5, { why: 'delayed', due: 9 }));
  expect(numbers(room.due(1e12))).toEqual([5]);
  expect(numbers(room.release({ n: 2 }))).toEqual([2]);
  expect(numbers(room.release({ rule: 2 }))).toEqual([3, 4]);
  expect(numbers(room.release({}))).toEqual([1]);
  expect(room.size).toBe(0);
});

test('what is overtaken goes behind so many of its direction, or when it is due', () => {
  const room = makeWaitingRoom();
  room.add(waiting(1, { why: 'overtaken', behind: 2, due: 100 }));
  room.add(waiting(2, { why: 'overtaken', behind: 1, due: 100 }));
  room.add(waiting(3, { why: 'overtaken', behind: 5, due: 50 }));
  expect(numbers(room.passed('server'))).toEqual([]);
  expect(numbers(room.passed('client'))).toEqual([2]);
  expect(numbers(room.passed('client'))).toEqual([1]);
  expect(room.overtaken).toBe(1);
  expect(room.nextDue).toBe(50);
  expect(numbers(room.due(50))).toEqual([3]);
  expect([room.overtaken, room.size, room.nextDue]).toEqual([0, 0, undefined]);
});

test('clearing takes everything, as it came', () => {
  const room = makeWaitingRoom();
  room.add(waiting(1, { why: 'delayed', due: 9 }));
  room.add(waiting(2));
  room.add(waiting(3, { why: 'overtaken', behind: 1, due: 5 }));
  expect(numbers(room.clear())).toEqual([1, 2, 3]);
  expect([room.size, room.overtaken, room.nextDue]).toEqual([0, 0, undefined]);
});
