import { expect, test } from 'vitest';
import type { PlannedCell } from '../../src/plan/cells.ts';
import { tasksOf } from '../../src/run/tasks.ts';
import { cell, loadCell } from '../plan/definitions.ts';

const usual = (id: string, repeats: number, quiet = false) => cell({ id, experiment: id, repeats, quiet });
const load = (id: string, repeats: number) => loadCell({ id, experiment: id.charAt(0), repeats });
const played = (cells: readonly PlannedCell[]) =>
  tasksOf(cells)
    .map(({ planned, repeat }) => `${planned.id}${repeat}`)
    .join(' ');

test('the repeats of others follow one another; quiet ones take turns', () => {
  expect(played([usual('a', 2), usual('b', 2)])).toBe('a1 a2 b1 b2');
  expect(played([usual('a', 3, true), usual('b', 2, true)])).toBe('a1 b1 a2 b2 a3');
});

test('loads take turns within their experiment, each time beginning with another', () => {
  expect(played(['x-a', 'x-b', 'x-c'].map((id) => load(id, 4)))).toBe(
    'x-a1 x-b1 x-c1 x-b2 x-c2 x-a2 x-c3 x-a3 x-b3 x-a4 x-b4 x-c4',
  );
  expect(played([load('x-a', 2), load('x-b', 1), load('y', 2)])).toBe('x-a1 x-b1 x-a2 y1 y2');
});

test('those with one baseline take turns among each other, and its repeats come behind them', () => {
  const against = (id: string, baseline: string) => ({ ...load(id, 2), baseline });
  expect(played([load('x-a', 5), against('x-b', 'x-a'), against('x-c', 'x-a')])).toBe(
    'x-b1 x-c1 x-c2 x-b2 x-a1 x-a2 x-a3 x-a4 x-a5',
  );
});
