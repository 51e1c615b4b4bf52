import { expect, test } from 'vitest';
import type { LoadCell } from '../../src/plan/cells.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { type LoadPlayers, playLoads } from '../../src/run/loads.ts';
import { tasksOf } from '../../src/run/tasks.ts';
import { loadCell } from '../plan/definitions.ts';

const way = (id: string, repeats: number, baseline?: string, until?: LoadCell['until']) =>
  loadCell({ id, experiment: id.charAt(0), repeats, ...(baseline && { baseline }), ...(until && { until }) });

/** Plays these; each takes a second. */
async function played(cells: readonly LoadCell[], parts: Partial<LoadPlayers> = {}) {
  const order: string[] = [];
  let dropped = 0;
  const ended = await playLoads(tasksOf(cells), {
    play: async ({ planned: { id, experiment }, repeat }) => {
      order.push(`${id}${repeat}`);
      return { id, experiment, repeat, status: 'ran' } as CellRecord;
    },
    drop: () => void dropped++,
    isNarrow: () => false,
    before: [],
    now: () => order.length * 1000,
    signal: new AbortController().signal,
    ...parts,
  });
  return { order: order.join(' '), dropped, ended: Object.fromEntries(ended) };
}

test('a baseline stands before and after each repeat of what is compared with it, one between two of them', async () => {
  const { order, dropped, ended } = await played([way('x-b', 5), way('x-c', 2, 'x-b'), way('x-d', 2, 'x-b')]);
  expect(order).toBe('x-b1 x-c1 x-b2 x-d1 x-b3 x-d2 x-b4 x-c2 x-b5');
  expect(dropped).toBe(0);
  expect(ended).toEqual({});
});

test('those that have another baseline follow, and what has none takes turns', async () => {
  const cells = [
    way('x-b', 3),
    way('x-c', 2, 'x-b'),
    way('x-e', 2),
    way('x-f', 1, 'x-e'),
    way('y-a', 2),
    way('y-b', 2),
  ];
  expect((await played(cells)).order).toBe('x-b1 x-c1 x-b2 x-c2 x-b3 x-e1 x-f1 x-e2 y-a1 y-b1 y-b2 y-a2');
});

test('a way whose interval is narrow is repeated no more, the others are, and it is said when all are', async () => {
  const until = { within: 0.03, seconds: 1000 };
  const cells = [way('x-b', 101, undefined, until), way('x-c', 50, 'x-b', until), way('x-d', 50, 'x-b', until)];
  const least = { 'x-c': 10, 'x-d': 12 };
  const { order, dropped, ended } = await played(cells, {
    isNarrow: ({ id }, results) =>
      results.filter((record) => record.id === id).length >= least[id as keyof typeof least],
  });
  const times = (id: string) => order.split(' ').filter((each) => each.startsWith(id)).length;
  expect([times('x-b'), times('x-c'), times('x-d')]).toEqual([23, 10, 12]);
  expect(order).not.toMatch(/x-b\d+ x-b/);
  expect(dropped).toBe(201 - 45);
  expect(ended).toEqual({ x: { by: 'narrow', ...until } });
});

test('few pairs are not believed to be narrow, and no time ends them; it ends those behind, but for the last baseline', async () => {
  const until = { within: 0.03, seconds: 9.5 };
  const cells = [way('x-b', 101, undefined, until), way('x-c', 100, 'x-b', until)];
  const eight = Array.from({ length: 8 }, (_, nth) => `x-b${nth + 1} x-c${nth + 1}`).join(' ');
  const patient = cells.map((cell) => ({ ...cell, ...(cell.until && { until: { ...until, seconds: 1000 } }) }));
  expect(await played(patient, { isNarrow: () => true })).toMatchObject({
    order: `${eight} x-b9`,
    ended: { x: { by: 'narrow', within: 0.03, seconds: 1000 } },
  });
  expect(await played(cells)).toMatchObject({ order: `${eight} x-b9`, ended: { x: { by: 'time', ...until } } });
  const few = [way('x-b', 3, undefined, until), way('x-c', 2, 'x-b', until)];
  expect((await played(few)).ended).toEqual({ x: { by: 'repeats', ...until } });
});

test('a run that is resumed counts what it has, and takes the repeats that are left', async () => {
  const until = { within: 0.03, seconds: 1000 };
  const cells = [way('x-b', 4, undefined, until), way('x-c', 3, 'x-b', until)];
  const had = Array.from({ length: 8 }, (_, nth) => ({ id: 'x-c', experiment: 'x', repeat: nth, status: 'ran' }));
  const found = await played(cells, { isNarrow: () => true, before: had as CellRecord[] });
  expect(found).toMatchObject({ order: '', dropped: 7, ended: { x: { by: 'narrow' } } });
});

test('interrupted, it begins no more', async () => {
  const stop = new AbortController();
  const order: string[] = [];
  const play: LoadPlayers['play'] = async ({ planned, repeat }) => {
    order.push(`${planned.id}${repeat}`);
    if (order.length === 2) stop.abort();
    return undefined;
  };
  const { ended } = await played([way('x-b', 3), way('x-c', 2, 'x-b')], { play, signal: stop.signal });
  expect(order).toEqual(['x-b1', 'x-c1']);
  expect(ended).toEqual({});
});
