import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ordering } from '../../../src/report/timeline/order.ts';

test('what comes late by no more than it may is put in its place, and what has the same place stays as it came', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 50 })), (places) => {
      const all = places.map((place, index) => ({ place, index }));
      const late = Math.max(0, ...places.map((place, index) => Math.max(...places.slice(0, index + 1)) - place));
      const ordering = new Ordering<(typeof all)[number]>(late, ({ place }) => place);
      const given = [...all.flatMap((each) => ordering.add(each)), ...ordering.end()];
      expect(given).toEqual(all.toSorted((a, b) => a.place - b.place));
    }),
  );
});

test('nothing is kept that nothing can precede any more', () => {
  const ordering = new Ordering<number>(10, (place) => place);
  expect([1, 5, 20, 12, 40].map((place) => [...ordering.add(place)])).toEqual([[], [], [1, 5], [], [12, 20]]);
  ordering.expect(35);
  expect(ordering.until(40)).toEqual([35]);
  expect(ordering.end()).toEqual([40]);
});
