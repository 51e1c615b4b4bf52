import { expect, test } from 'vitest';
import { tasksOf } from '../../src/run/tasks.ts';

const cell = (id: string, repeats: number, kind: { quiet?: boolean; load?: boolean } = {}) => ({
  id,
  experiment: id.charAt(0),
  repeats,
  quiet: false,
  load: false,
  ...kind,
});
const played = (cells: readonly ReturnType<typeof cell>[]) =>
  tasksOf(cells)
    .map(({ planned, repeat }) => `${planned.id}${repeat}`)
    .join(' ');

test('the repeats of others follow one another; quiet ones take turns', () => {
  expect(played([cell('a', 2), cell('b', 2)])).toBe('a1 a2 b1 b2');
  expect(played([cell('a', 3, { quiet: true }), cell('b', 2, { quiet: true })])).toBe('a1 b1 a2 b2 a3');
});

test('loads take turns within their experiment, each time beginning with another', () => {
  const load = { load: true };
  expect(played(['x-a', 'x-b', 'x-c'].map((id) => cell(id, 4, load)))).toBe(
    'x-a1 x-b1 x-c1 x-b2 x-c2 x-a2 x-c3 x-a3 x-b3 x-a4 x-b4 x-c4',
  );
  expect(played([cell('x-a', 2, load), cell('x-b', 1, load), cell('y', 2, load)])).toBe('x-a1 x-b1 x-a2 y1 y2');
});
