import { expect, test } from 'vitest';
import { emptied } from '../../src/lab/empty.ts';
import type { Space } from '../../src/lab/space.ts';

const space = { inode: 7 } as Space;

test('a namespace that empties by itself is left alone', async () => {
  const left = [2, 0];
  let killed = 0;
  const kept = await emptied(space, { sockets: () => left.shift() ?? 0, end: async () => ++killed });
  expect([kept, killed]).toEqual([{ inode: 7, sockets: 0 }, 0]);
});

test('what stays in a namespace is ended', async () => {
  let sockets = 1;
  const end = async () => {
    sockets = 0;
    return 1000;
  };
  const kept = await emptied(space, { sockets: () => sockets, end });
  expect(kept.sockets).toBe(0);
});

test('what outlives that is what keeps the namespace', async () => {
  const kept = await emptied(space, { sockets: () => 1, end: async () => 20 });
  expect(kept).toEqual({ inode: 7, sockets: 1 });
});
