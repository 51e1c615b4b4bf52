import { expect, test } from 'vitest';
import { emptied } from '../../src/lab/empty.ts';
import type { Space } from '../../src/lab/space.ts';

const space = { inode: 7 } as Space;

test('a namespace that empties by itself is left alone', async () => {
  const left = [2, 0];
  let killed = 0;
  const kept = await emptied(space, { sockets: () => left.shift() ?? 0, kill: async () => killed++, withinMs: 1000 });
  expect([kept, killed]).toEqual([{ inode: 7, sockets: 0 }, 0]);
});

test('what stays in a namespace is killed', async () => {
  let sockets = 1;
  const kept = await emptied(space, { sockets: () => sockets, kill: async () => (sockets = 0), withinMs: 1000 });
  expect(kept.sockets).toBe(0);
});

test('an orphan that outlives its abort, as on Linux 5.10, is what keeps the namespace', async () => {
  const kept = await emptied(space, { sockets: () => 1, kill: async () => undefined, withinMs: 20 });
  expect(kept).toEqual({ inode: 7, sockets: 1 });
});
